package wallet

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/channel/noise"
	"github.com/onebar/onebar/reference/outbox"
	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/retry"
)

// lastTried returns the error of the last attempt.
func (r *rig) lastTried() outbox.Attempt {
	r.mu.Lock()
	defer r.mu.Unlock()
	require.NotEmpty(r.t, r.attempts)
	return r.attempts[len(r.attempts)-1]
}

// saying makes the bank answer with a, whatever it has done. A final answer has its
// receipt.
func (b *testBank) saying(a pay.Answer) {
	b.set(func() {
		b.twist = func(q pay.Request, was pay.Answer) (pay.Answer, bool) {
			a := a
			a.Key, a.At = q.Payment.Key, was.At
			if a.Result.Final() {
				pay.SignReceipt(b.receipt, b.vault.Certificate().Identity, &q.Payment, &a)
			}
			return a, true
		}
	})
}

func TestFinalAnswersEndAPayment(t *testing.T) {
	cases := []struct {
		answer pay.Answer
		state  outbox.State
		reason string
	}{
		{pay.Answer{Result: pay.Confirmed, Transfer: 7}, outbox.Confirmed, ""},
		{pay.Answer{Result: pay.Declined, Reason: pay.NoFunds}, outbox.Declined, "no funds"},
		{pay.Answer{Result: pay.Expired}, outbox.Expired, "the bank had not booked it by its deadline"},
		{pay.Answer{Result: pay.Conflict}, outbox.Declined, "the bank has another payment with this key"},
	}
	for _, c := range cases {
		t.Run(c.answer.Result.String(), func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.bank.saying(c.answer)
				p := r.settle(r.pay("tea", time.Minute).Key)
				require.Equal(r.t, c.state, p.State)
				require.Contains(r.t, p.Reason, c.reason)
				require.NotNil(r.t, p.Answer, "with the bank's word for it")
				require.Equal(r.t, c.answer.Result, p.Answer.Result)
				require.NotEmpty(r.t, p.Answer.Receipt)
				require.Len(r.t, r.bank.requests(), 1)
			})
		})
	}
}

// TestTheDevicesClockIsJudged, and not the one of the program.
func TestTheDevicesClockIsJudged(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.shut()
		r.cfg.Clock = func() time.Time { return time.Now().Add(-10 * time.Minute) }
		r.open()
		r.bank.set(func() { r.bank.refuse = pay.NoFunds })
		p := r.settle(r.pay("tea", 0).Key)
		require.Equal(r.t, outbox.Declined, p.State)
		require.Contains(r.t, p.Reason, "this phone's clock is about 10 minutes behind the bank's")
	})
}

func TestAttemptsSayWhatWentWrong(t *testing.T) {
	cases := []struct {
		name string
		set  func(*rig)
		want string
	}{
		{"busy", func(r *rig) { r.bank.refuse = pay.Busy }, "the bank cannot take it now: busy"},
		{"no answer", func(r *rig) { r.bank.deaf = true }, "no answer within 8s"},
		{"no connection", func(r *rig) {
			r.cfg.Dialer.(*noise.Dialer).Net = func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
		}, "no connection within 8s"},
		{"refused", func(r *rig) { r.bank.down = true }, "connection refused"},
		{"not found, though it was to be booked", func(r *rig) {
			r.bank.twist = func(q pay.Request, a pay.Answer) (pay.Answer, bool) {
				return pay.Answer{Key: q.Payment.Key, Result: pay.NotFound, At: a.At}, true
			}
		}, "the bank says: not found"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.shut()
				c.set(r)
				r.open()
				r.pay("tea", 0)
				time.Sleep(8*time.Second + 2*maxLag)
				last := r.lastTried()
				require.Contains(r.t, last.Error, c.want)
				require.Equal(r.t, strings.Contains(c.want, "within 8s"), last.Took >= 8*time.Second, last.Took)
			})
		})
	}
}

// TestStaleCopiesAreReadAgain: a sender that may begin with an old copy of its
// payment looks at what is stored.
func TestStaleCopiesAreReadAgain(t *testing.T) {
	inBubble(t, func(r *rig) {
		queued := r.pay("tea", 0)
		require.Equal(r.t, outbox.Confirmed, r.settle(queued.Key).State)
		r.start(queued, 0, false)
		time.Sleep(time.Minute)
		require.True(r.t, r.rests(queued.Key))
		require.Len(r.t, r.bank.requests(), 1)

		require.NoError(r.t, r.store.Close())
		queued.State = outbox.Unknown
		r.start(queued, 0, false)
		time.Sleep(time.Second)
		require.Len(r.t, r.bank.keysAsked(), 1, "if that cannot be read, it asks for the payment it has")
		require.Greater(r.t, len(r.bank.requests()), 1)
	})
}

func TestLeave(t *testing.T) {
	cases := []struct {
		name              string
		asked, final, end bool
		leaves            bool
	}{
		{"nobody asks", false, false, false, true},
		{"somebody asks", true, false, false, false},
		{"about what is settled", true, true, false, true},
		{"when the wallet ends", true, false, true, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				s := &sender{w: r.Wallet, wake: make(chan struct{}, 1), s: retry.Status{Early: 6}, began: time.Now().Add(-time.Hour)}
				s.p.State = outbox.Unknown
				r.senders[s.p.Key] = s
				if c.asked {
					ring(s.wake)
				}
				if c.final {
					s.p.State = outbox.Confirmed
				}
				if c.end {
					r.cancel()
				}
				require.Equal(r.t, c.leaves, s.leave())
				require.Equal(r.t, c.leaves, r.rests(s.p.Key))
				if c.asked {
					require.Equal(r.t, retry.Status{}, s.s, "a new round")
					require.Equal(r.t, time.Now(), s.began)
				}
				delete(r.senders, s.p.Key)
			})
		})
	}
}

// TestSyncBeginsANewRound for a payment that is in the middle of one, and does not
// send it twice at a time.
func TestSyncBeginsANewRound(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.bounded(6)
		r.bank.set(func() { r.bank.deaf = true })
		p := r.pay("tea", 0)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(r.t.Context(), time.Second)
		defer cancel()
		require.Error(r.t, r.Sync(ctx))
		require.Len(r.t, r.bank.requests(), 1, "it is under way already")
		r.settle(p.Key)
		require.Len(r.t, r.bank.requests(), 1+6)
	})
	inBubble(t, func(r *rig) {
		r.shut()
		r.cfg.Retry = retry.Policy{Attempts: 6, Base: 1000 * time.Hour, Cap: 1000 * time.Hour}
		r.open()
		r.bank.set(func() { r.bank.deaf = true })
		p := r.pay("tea", 0)
		for len(r.bank.requests()) < 3 {
			time.Sleep(time.Hour)
		}
		time.Sleep(time.Minute) // it pauses
		ctx, cancel := context.WithCancel(r.t.Context())
		cancel()
		require.Error(r.t, r.Sync(ctx))
		for r.rests(p.Key) == false {
			time.Sleep(time.Hour)
		}
		require.Len(r.t, r.bank.requests(), 3+6)
	})
}

// TestABusyBankIsLeftAlone: neither an answer to another payment nor the link ends
// the pause after the bank has asked for it, and neither is kept for a later pause.
func TestABusyBankIsLeftAlone(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.staggered()
		r.bank.set(func() { r.bank.refuse = pay.Busy })
		tea := r.pay("tea", 0)
		time.Sleep(time.Minute)
		r.bank.set(func() { r.bank.refuse = pay.NoReason })
		r.settle(r.pay("bun", 0).Key)
		r.LinkUp()
		time.Sleep(time.Minute)
		require.Equal(r.t, 1, r.bank.keysAsked()[tea.Key])

		r.bank.set(func() { r.bank.deaf = true })
		for r.bank.keysAsked()[tea.Key] < 2 {
			time.Sleep(time.Hour)
		}
		time.Sleep(time.Minute)
		require.Equal(r.t, 2, r.bank.keysAsked()[tea.Key], "the signals are from before the attempt that had no answer")
	})
}

// TestAnAnswerFromBeforeTheFailureWakesNobody: the bank answered another payment
// while this one waited in vain.
func TestAnAnswerFromBeforeTheFailureWakesNobody(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.staggered()
		r.bank.set(func() {
			r.bank.twist = func(q pay.Request, a pay.Answer) (pay.Answer, bool) { return a, q.Payment.Order != "tea" }
		})
		r.settle(r.pay("first", 0).Key)
		tea := r.pay("tea", 0)
		time.Sleep(time.Second)
		r.settle(r.pay("bun", 0).Key)
		time.Sleep(time.Minute)
		require.Equal(r.t, 1, r.bank.keysAsked()[tea.Key])
	})
}

// TestPausesBeginSmallWhenTheLinkComesUp, however long it was away.
func TestPausesBeginSmallWhenTheLinkComesUp(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.bank.set(func() { r.bank.down = true })
		r.pay("tea", 0)
		time.Sleep(8 * time.Hour)
		r.LinkUp()
		before := r.bank.dials
		time.Sleep(32 * time.Second)
		require.GreaterOrEqual(r.t, r.bank.dials-before, 6, "pauses of at most 1, 2, 4, 8 and 16 s")
	})
}

// TestPausesGrowAfterTheDeadline: questions to a bank that does not answer back off.
func TestPausesGrowAfterTheDeadline(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.shut()
		r.cfg.Retry = retry.Policy{Base: time.Hour, Cap: 1000 * time.Hour}
		r.open()
		r.bank.set(func() { r.bank.deaf = true })
		r.pay("tea", time.Minute)
		time.Sleep(100 * time.Hour)
		require.Less(r.t, len(r.bank.requests()), 30, "an hour after each would be two hundred")
	})
}

// TestWaitingForATurn: a payment that gets its turn at its deadline or after it has
// not been sent, and is not.
func TestWaitingForATurn(t *testing.T) {
	for _, deadline := range []time.Duration{8 * time.Second, 5 * time.Second} {
		t.Run(deadline.String(), func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.shut()
				r.cfg.Retry.Together, r.cfg.Stagger = 1, 0
				r.open()
				r.bank.set(func() { r.bank.deaf = true })
				r.pay("tea", 0)
				synctest.Wait()
				bun := r.pay("bun", deadline)
				p := r.settle(bun.Key)
				require.Equal(r.t, outbox.Expired, p.State)
				require.Equal(r.t, []outbox.State{outbox.Queued, outbox.Expired}, r.toldOf(bun.Key))
				require.Zero(r.t, r.bank.keysAsked()[bun.Key])
			})
		})
	}
}

// TestAThirdOfTheAttemptsIsKeptForAfterTheDeadline, when the bank can say for good
// what has become of the payment.
func TestAThirdOfTheAttemptsIsKeptForAfterTheDeadline(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.bounded(6)
		r.bank.set(func() { r.bank.deaf = true })
		p := r.pay("tea", 2*time.Hour)
		time.Sleep(2*time.Hour - time.Second)
		require.Len(r.t, r.bank.requests(), 4)
		r.settle(p.Key)
		require.Len(r.t, r.bank.requests(), 6)
		for i, q := range r.bank.requests() {
			require.Equal(r.t, i >= 4, q.Ask == pay.AskStatus)
		}
	})
}

// TestAttemptsThatReachAConnectionAreCountedApart from dials that found none.
func TestAttemptsThatReachAConnectionAreCountedApart(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.shut()
		var counts [][2]int
		r.cfg.Attempted = func(p outbox.Payment, a outbox.Attempt) {
			r.mu.Lock()
			defer r.mu.Unlock()
			counts = append(counts, [2]int{p.AttemptCount, p.Connected})
		}
		r.open()
		r.bank.set(func() { r.bank.down = true })
		p := r.pay("tea", 0)
		synctest.Wait()
		time.Sleep(maxLag)
		synctest.Wait()
		r.bank.set(func() { r.bank.down = false })
		r.LinkUp()
		r.settle(p.Key)
		require.Equal(r.t, [][2]int{{1, 0}, {2, 1}}, counts)
	})
}

// TestAwaitReturnsWithItsContext and what is known by then.
func TestAwaitReturnsWithItsContext(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.bank.set(func() { r.bank.deaf = true })
		p := r.pay("tea", 0)
		ctx, cancel := context.WithTimeout(r.t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		got, err := r.Await(ctx, p.Key)
		require.NoError(r.t, err)
		require.Equal(r.t, outbox.Sent, got.State)
		require.Equal(r.t, time.Second, time.Since(began))
	})
}
