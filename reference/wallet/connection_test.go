package wallet

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/channel"
	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/retry"
)

// deadChannel is a channel without a bank. Its Close takes as long as closing.
type deadChannel struct {
	closing time.Duration
	done    chan struct{}
	once    sync.Once
	freed   atomic.Bool // Close has returned
}

func (c *deadChannel) Do(context.Context, *pay.Request) (*pay.Answer, error) {
	return nil, errors.New("nobody answers here")
}

func (c *deadChannel) Done() <-chan struct{} { return c.done }

func (c *deadChannel) Close() error {
	time.Sleep(c.closing)
	c.fail()
	c.freed.Store(true)
	return nil
}

func (c *deadChannel) fail() { c.once.Do(func() { close(c.done) }) }

// closed reports whether the session's channel was closed.
func closed(k *session) bool {
	select {
	case <-k.bank.Done():
		return true
	default:
		return false
	}
}

// switchboard dials dead channels. Each dial and each closing takes a while.
type switchboard struct {
	dials         int
	dial, closing time.Duration
	err           error // of a dial
}

func (s *switchboard) Dial(context.Context) (channel.Channel, error) {
	s.dials++
	time.Sleep(s.dial)
	if s.err != nil {
		return nil, s.err
	}
	return &deadChannel{closing: s.closing, done: make(chan struct{})}, nil
}

// inSwitchboard runs f in virtual time with a connection over s, and ends with no
// session left.
func inSwitchboard(t *testing.T, s *switchboard, f func(t *testing.T, l *connection)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := newConnection(ctx, Config{Dialer: s, Retry: retry.Policy{}.WithDefaults()})
		defer l.wait()
		defer cancel()
		f(t, l)
	})
}

// mustGet returns the current session, which must be open.
func mustGet(t *testing.T, l *connection) *session {
	t.Helper()
	k, _, _, err := l.get(t.Context())
	require.NoError(t, err)
	return k
}

var (
	errBroken   = errors.New("the connection broke")
	errTimedOut = os.ErrDeadlineExceeded
)

func TestGetSaysWhoDialed(t *testing.T) {
	s := &switchboard{dial: time.Second}
	inSwitchboard(t, s, func(t *testing.T, l *connection) {
		t.Helper()
		type got struct {
			k              *session
			dialed, waited bool
		}
		gots := make(chan got, 2)
		for range 2 {
			go func() {
				k, dialed, waited, err := l.get(t.Context())
				if err != nil {
					t.Error(err)
				}
				gots <- got{k, dialed, waited}
			}()
		}
		first, second := <-gots, <-gots
		require.Equal(t, 1, s.dials)
		require.Same(t, first.k, second.k)
		require.NotEqual(t, first.dialed, second.dialed, "one dials")
		require.Equal(t, []bool{!first.dialed, !second.dialed}, []bool{first.waited, second.waited}, "and the other one waits")
		k, dialed, waited, err := l.get(t.Context())
		require.NoError(t, err)
		require.Same(t, first.k, k)
		require.False(t, dialed || waited, "a third finds it open")
	})
}

func TestGetGivesUpWithItsContext(t *testing.T) {
	s := &switchboard{dial: time.Second}
	inSwitchboard(t, s, func(t *testing.T, l *connection) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		k, dialed, _, err := l.get(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotNil(t, k, "the caller puts it back")
		require.True(t, dialed)
		require.False(t, l.put(k, time.Now(), err, true))
	})
}

// TestAFailedDialIsNotShared: an attempt after a failed dial dials again, even if
// the first one has not put its session back yet.
func TestAFailedDialIsNotShared(t *testing.T) {
	s := &switchboard{err: errors.New("connection refused")}
	inSwitchboard(t, s, func(t *testing.T, l *connection) {
		t.Helper()
		first, _, _, err := l.get(t.Context())
		require.ErrorIs(t, err, s.err)
		s.err = nil
		second, dialed, _, err := l.get(t.Context())
		require.NoError(t, err)
		require.True(t, dialed)
		require.NotSame(t, first, second)

		l.put(first, time.Now(), errBroken, false)
		require.Same(t, second, mustGet(t, l), "what was given up already costs nobody the new one")
		require.Equal(t, 2, s.dials)
	})
}

func TestPutDecidesWhetherASessionIsUsedAgain(t *testing.T) {
	cases := []struct {
		name     string
		err      error
		silent   bool
		answered bool // another one was answered during the attempt
		again    bool
	}{
		{"answered", nil, false, false, true},
		{"broken", errBroken, false, false, false},
		{"broken while others were answered", errBroken, false, true, false},
		{"silent", errTimedOut, true, false, false},
		{"silent while others were answered: the bank was slow", errTimedOut, true, true, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := &switchboard{}
			inSwitchboard(t, s, func(t *testing.T, l *connection) {
				t.Helper()
				k, began := mustGet(t, l), time.Now()
				other := mustGet(t, l)
				time.Sleep(time.Second)
				if c.answered {
					require.True(t, l.put(other, began, nil, false), "it has brought an answer")
				}
				time.Sleep(time.Second)
				require.Equal(t, c.answered || c.err == nil, l.put(k, began, c.err, c.silent))
				if !c.answered {
					synctest.Wait()
					require.False(t, closed(k), "somebody still uses it")
					l.put(other, began, errTimedOut, true)
				}
				synctest.Wait()
				require.Equal(t, c.again, !closed(k), "what is not used again is closed")
				next := mustGet(t, l)
				require.Equal(t, c.again, next == k)
			})
		})
	}
}

func TestASessionIsClosedWhenItWasIdle(t *testing.T) {
	s := &switchboard{closing: time.Second}
	inSwitchboard(t, s, func(t *testing.T, l *connection) {
		t.Helper()
		idle := l.cfg.Retry.Idle
		k := mustGet(t, l)
		l.put(k, time.Now(), nil, false)
		for range 3 {
			time.Sleep(idle - time.Second)
			require.Same(t, k, mustGet(t, l), "idle counts from its last use")
			time.Sleep(time.Minute)
			l.put(k, time.Now(), nil, false)
		}
		time.Sleep(idle + time.Second/2)
		require.False(t, closed(k), "it is being closed")
		require.NotSame(t, k, mustGet(t, l), "and is not used meanwhile")
		time.Sleep(time.Second)
		require.True(t, closed(k))
	})
}

// TestABrokenSessionIsClosed at once, to free what it holds.
func TestABrokenSessionIsClosed(t *testing.T) {
	inSwitchboard(t, &switchboard{}, func(t *testing.T, l *connection) {
		t.Helper()
		k := mustGet(t, l)
		l.put(k, time.Now(), nil, false)
		broken := k.bank.(*deadChannel)
		broken.fail()
		synctest.Wait()
		require.True(t, broken.freed.Load())
		require.NotSame(t, k, mustGet(t, l))
	})
}

func TestASessionInUseIsNotClosed(t *testing.T) {
	inSwitchboard(t, &switchboard{}, func(t *testing.T, l *connection) {
		t.Helper()
		k := mustGet(t, l)
		time.Sleep(3 * l.cfg.Retry.Idle)
		require.False(t, closed(k))
	})
}

func TestLinkUpLeavesWhatIsNotSilent(t *testing.T) {
	const dial = 7 * time.Second
	cases := []struct {
		name string
		wait time.Duration // after the last sign of life
		play func(l *connection, k *session)
		gone bool
	}{
		{"silent for as long as an answer may take", 4 * time.Second, func(*connection, *session) {}, true},
		{"just not", 4*time.Second - 1, func(*connection, *session) {}, false},
		{"answered meanwhile", 3 * time.Second, func(l *connection, k *session) {
			time.Sleep(3 * time.Second)
			k.users++
			l.put(k, time.Now(), nil, false)
		}, false},
		{"used again after a pause", 3 * time.Second, func(l *connection, k *session) {
			l.put(k, time.Now(), nil, false)
			time.Sleep(3 * time.Second)
			_, _, _, _ = l.get(l.ctx)
		}, false},
		{"used by a second one since", 1 * time.Second, func(l *connection, _ *session) {
			time.Sleep(3 * time.Second)
			_, _, _, _ = l.get(l.ctx)
		}, true},
		{"not in use", time.Minute, func(l *connection, k *session) { l.put(k, time.Now(), nil, false) }, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := &switchboard{dial: dial, closing: time.Second}
			inSwitchboard(t, s, func(t *testing.T, l *connection) {
				t.Helper()
				k := mustGet(t, l)
				c.play(l, k)
				time.Sleep(c.wait)
				l.linkUp()
				l.linkUp() // a second signal does nothing more
				next := mustGet(t, l)
				require.Equal(t, c.gone, next != k)
				time.Sleep(time.Second)
				require.Equal(t, c.gone, closed(k))
			})
		})
	}
}

// TestWaitOutlastsClosing: no session is left when wait returns.
func TestWaitOutlastsClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := newConnection(ctx, Config{Dialer: &switchboard{closing: time.Second}, Retry: retry.Policy{}.WithDefaults()})
		k := mustGet(t, l)
		cancel()
		l.wait()
		require.True(t, closed(k))
	})
}
