package bubble_test

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/bubble"
)

func TestRunTakesNoTime(t *testing.T) {
	var began, ended time.Time
	err := bubble.Run(t.Context(), bubble.Options{}, func(ctx context.Context) error {
		began = time.Now()
		select {
		case <-time.After(5 * time.Hour):
		case <-ctx.Done():
		}
		ended = time.Now()
		return nil
	})
	require.NoError(t, err)
	require.True(t, began.Equal(bubble.Epoch()), began)
	require.Equal(t, 5*time.Hour, ended.Sub(began))
}

func TestRunStartsWhenAsked(t *testing.T) {
	at := time.Date(2031, time.May, 3, 12, 0, 0, 7, time.UTC)
	err := bubble.Run(t.Context(), bubble.Options{Start: at}, func(context.Context) error {
		require.True(t, time.Now().Equal(at))
		return errors.New("as it was returned")
	})
	require.EqualError(t, err, "as it was returned")
}

func TestRunSeedsCryptography(t *testing.T) {
	require.True(t, bubble.Seeded(), "a test binary is")
	draw := func(seed uint64) string {
		var drawn string
		err := bubble.Run(t.Context(), bubble.Options{Seed: seed}, func(context.Context) error {
			key, err := ecdh.X25519().GenerateKey(rand.Reader)
			drawn = rand.Text() + string(key.Bytes())
			return err
		})
		require.NoError(t, err)
		return drawn
	}
	require.Equal(t, draw(1), draw(1))
	require.NotEqual(t, draw(1), draw(2))
	before := rand.Text()
	require.NotEqual(t, before, rand.Text(), "outside the bubble it is as ever")
}

func TestRunWaitsForWhatEnds(t *testing.T) {
	var ended bool
	err := bubble.Run(t.Context(), bubble.Options{}, func(ctx context.Context) error {
		go func() {
			<-ctx.Done()
			time.Sleep(time.Minute)
			ended = true
		}()
		return nil
	})
	require.NoError(t, err)
	require.True(t, ended)
}

func TestRunOneByOne(t *testing.T) {
	var running, most int
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_ = bubble.Run(context.Background(), bubble.Options{}, func(context.Context) error {
				running++
				most = max(most, running)
				time.Sleep(time.Minute)
				running--
				return nil
			})
		})
	}
	wg.Wait()
	require.Equal(t, 1, most)
}

func TestRunIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	err := bubble.Run(ctx, bubble.Options{}, func(ctx context.Context) error {
		time.Sleep(time.Hour)
		cancel(why) // from inside only because no other moment is certain
		<-ctx.Done()
		require.Less(t, time.Since(bubble.Epoch()), time.Hour+10*time.Second)
		return context.Cause(ctx)
	})
	require.ErrorIs(t, err, why)
	require.ErrorIs(t, bubble.Run(ctx, bubble.Options{}, nil), why, "and no other begins")
}

func TestRunPassesValues(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "seen")
	require.NoError(t, bubble.Run(ctx, bubble.Options{}, func(ctx context.Context) error {
		require.Equal(t, "seen", ctx.Value(key{}))
		return nil
	}))
}

// forever waits on a channel to which nothing is sent.
func forever() { <-make(chan int) }

func ticking() {
	for range time.Tick(time.Minute) {
		continue
	}
}

func TestFailures(t *testing.T) {
	tests := []struct {
		name string
		f    func(context.Context) error
		want bubble.Kind
		says []string
	}{
		{
			"panic", func(context.Context) error { panicHere(); return nil },
			bubble.Panic,
			[]string{"panic: no coverage", "by bubble_test.panicHere (bubble_test.go:"},
		},
		{
			"ends its goroutine", func(context.Context) error { runtime.Goexit(); return nil },
			bubble.Exit,
			[]string{"FailNow"},
		},
		{
			"sleeps past the limit", func(ctx context.Context) error { <-ctx.Done(); return nil },
			bubble.Limit,
			[]string{"not over after 1h0m0s of virtual time", "[chan receive] by bubble_test.TestFailures"},
		},
		{
			"does not listen", func(context.Context) error { forever(); return nil },
			bubble.Deadlock,
			[]string{"deadlock: told to end (the run was not over after 1h0m0s of virtual time)", "[chan receive] by bubble_test.forever (bubble_test.go:"},
		},
		{
			"leaves one blocked", func(context.Context) error { go forever(); return nil },
			bubble.Leak,
			[]string{"goroutines are left 2m0s of virtual time after the run", "by bubble_test.forever"},
		},
		{
			"leaves one ticking", func(context.Context) error { go ticking(); return nil },
			bubble.Leak,
			[]string{"by bubble_test.ticking"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := bubble.Run(t.Context(), bubble.Options{VirtualLimit: time.Hour}, tt.f)
			require.True(t, bubble.IsKind(err, tt.want), "%v", err)
			for _, s := range tt.says {
				require.ErrorContains(t, err, s)
			}
			require.NotContains(t, err.Error(), "harness/bubble.")
			require.NoError(t, bubble.Run(t.Context(), bubble.Options{}, func(context.Context) error {
				time.Sleep(time.Hour)
				return nil
			}), "the next run is not spoiled")
		})
	}
}

func panicHere() { panic("no coverage") }

// account holds its mutex over a wait, as many clients do.
type account struct{ mu sync.Mutex }

func (a *account) pay() {
	a.mu.Lock()
	defer a.mu.Unlock()
	time.Sleep(time.Second)
}

// stalls are runs that spoil their process.
func stalls() map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"mutex": func(context.Context) error {
			var a account
			go a.pay()
			go a.pay()
			time.Sleep(time.Minute)
			return nil
		},
		"network": func(ctx context.Context) error {
			var c net.ListenConfig
			ln, err := c.Listen(ctx, "tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			return serve(ln)
		},
		"loop": func(context.Context) error {
			for {
				spin()
			}
		},
		"another goroutine": func(context.Context) error {
			go panicHere()
			time.Sleep(time.Minute)
			return nil
		},
	}
}

func serve(ln net.Listener) error {
	_, err := ln.Accept()
	return err
}

//go:noinline
func spin() {}
