package bubble_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/onebar/onebar/harness/bubble"
)

// workerEnv makes this test binary a worker.
const workerEnv = "ONEBAR_TEST_WORKER"

func TestMain(m *testing.M) {
	if os.Getenv(workerEnv) == "" {
		goleak.VerifyTestMain(m,
			goleak.IgnoreAnyFunction("github.com/onebar/onebar/harness/bubble_test.forever"),
			goleak.IgnoreAnyFunction("github.com/onebar/onebar/harness/bubble_test.ticking"))
		return
	}
	fmt.Fprint(os.Stdout, "{}\nsetting up… ") // as programs do that do not know what they are for
	if err := bubble.Serve(context.Background(), os.Stdin, os.Stdout, work); err != nil {
		panic(err)
	}
}

// work does the jobs of the tests below.
func work(ctx context.Context, job json.RawMessage, news func(any)) (any, error) {
	var word string
	if err := json.Unmarshal(job, &word); err != nil {
		return nil, err
	}
	switch word {
	case "refuse":
		return "half done", errors.New("this one not")
	case "collector":
		return os.Getenv("GOGC") + " " + os.Getenv("GOMAXPROCS"), nil
	case "exit":
		fmt.Fprintln(os.Stderr, "no disk")
		os.Exit(7) //nolint:forbidigo // this worker is to die
	}
	f, ok := stalls()[word]
	if !ok {
		f = func(ctx context.Context) error {
			for i := 0; i < 3 || word == "interrupt"; i++ {
				select {
				case <-ctx.Done():
					return context.Cause(ctx)
				case <-time.After(time.Hour):
					news(fmt.Sprint(i, " ", time.Now().Hour()))
				}
			}
			return nil
		}
	}
	o := bubble.Options{RealLimit: time.Second, VirtualLimit: 1000000 * time.Hour}
	return strings.ToUpper(word), bubble.Run(ctx, o, f)
}

func newPool(t *testing.T, n int) *bubble.Pool {
	t.Helper()
	t.Setenv(workerEnv, "1")
	p := bubble.NewPool(n, os.Args[0])
	t.Cleanup(p.Close)
	return p
}

func TestPoolDoes(t *testing.T) {
	p := newPool(t, 2)
	var heard []string
	answer, err := p.Do(t.Context(), "a job", func(b json.RawMessage) { heard = append(heard, string(b)) })
	require.NoError(t, err)
	require.JSONEq(t, `"A JOB"`, string(answer))
	require.Equal(t, []string{`"0 1"`, `"1 2"`, `"2 3"`}, heard)

	answer, err = p.Do(t.Context(), "refuse", nil)
	require.EqualError(t, err, "this one not")
	require.JSONEq(t, `"half done"`, string(answer))
}

// TestPoolSurvives has some jobs hang and bring down their workers among
// others that do well.
func TestPoolSurvives(t *testing.T) {
	if testing.Short() {
		t.Skip("takes two seconds: real time is what it is about")
	}
	want := map[string]struct {
		kind bubble.Kind
		says string
	}{
		"mutex":             {bubble.Stall, "[sync.Mutex.Lock] in sync.(*Mutex).Lock, called by bubble_test.(*account).pay (bubble_test.go:"},
		"network":           {bubble.Stall, "[IO wait] in net.(*TCPListener).Accept, called by bubble_test.serve"},
		"loop":              {bubble.Stall, " by bubble_test."},
		"another goroutine": {bubble.Panic, "panic: no coverage: goroutine"},
		"exit":              {bubble.Died, "its process ended without an answer (exit status 7), and its last words were: no disk"},
	}
	p := newPool(t, 2)
	var wg sync.WaitGroup
	for word, tt := range want {
		wg.Go(func() {
			_, err := p.Do(context.Background(), word, nil)
			if !bubble.IsKind(err, tt.kind) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s: %v", word, err)
			}
		})
		wg.Go(func() {
			if _, err := p.Do(context.Background(), "well", nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestPoolInterrupts(t *testing.T) {
	p := newPool(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	answer, err := p.Do(ctx, "interrupt", func(json.RawMessage) { cancel() })
	require.EqualError(t, err, context.Canceled.Error())
	require.JSONEq(t, `"INTERRUPT"`, string(answer), "it was told, and had time to answer")
	_, err = p.Do(t.Context(), "next", nil)
	require.NoError(t, err)
}

func TestPoolClosed(t *testing.T) {
	p := newPool(t, 1)
	p.Close()
	_, err := p.Do(t.Context(), "late", nil)
	require.ErrorContains(t, err, "is closed")

	_, err = bubble.NewPool(1, "/nonexistent/onebar").Do(t.Context(), "x", nil)
	require.ErrorContains(t, err, "start a worker")
}

// Workers collect garbage less often, unless the user says how often.
func TestPoolCollector(t *testing.T) {
	for _, tc := range []struct{ set, want string }{{"", `"400 1"`}, {"50", `"50 1"`}} {
		if tc.set == "" {
			t.Setenv("GOGC", "") // so that it is as before after the test
			require.NoError(t, os.Unsetenv("GOGC"))
		} else {
			t.Setenv("GOGC", tc.set)
		}
		p := newPool(t, 1)
		answer, err := p.Do(t.Context(), "collector", nil)
		require.NoError(t, err)
		require.Equal(t, tc.want, string(answer))
	}
}
