package wallet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/channel/noise"
	"github.com/onebar/onebar/reference/outbox"
	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/retry"
	"github.com/onebar/onebar/reference/sqlite/storetest"
)

// maxLag is the Stagger of the wallets of the tests.
const maxLag = 500 * time.Microsecond

// rig is a wallet with its store and a bank, and what the user was told.
type rig struct {
	t     *testing.T
	bank  *testBank
	path  string
	layer string // of the file; empty is the operating system's
	cfg   Config
	store *outbox.Store
	*Wallet

	mu       sync.Mutex
	told     map[pay.Key][]outbox.State
	attempts []outbox.Attempt
}

// inBubble runs f with a rig in virtual time, and ends with no goroutine left.
func inBubble(t *testing.T, f func(*rig)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "wallet.db")
	synctest.Test(t, func(t *testing.T) {
		// A bubble begins in the year 2000, before any time the protocol takes.
		time.Sleep(time.Until(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)))
		r := &rig{t: t, bank: newTestBank(t), path: path, told: map[pay.Key][]outbox.State{}}
		r.cfg = r.bank.config()
		r.cfg.Told = func(p outbox.Payment) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.told[p.Key] = append(r.told[p.Key], p.State)
		}
		r.cfg.Attempted = func(_ outbox.Payment, a outbox.Attempt) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.attempts = append(r.attempts, a)
		}
		r.cfg.Stagger = maxLag
		r.open()
		defer r.bank.wg.Wait()
		defer r.bank.hangUp()
		defer r.crash()
		f(r)
		r.shut()
	})
}

func (r *rig) open() {
	r.t.Helper()
	var err error
	cfg := outbox.Config{Path: r.path, VFS: r.layer}
	r.store, err = outbox.Open(cfg)
	if errors.Is(err, fs.ErrNotExist) {
		r.store, err = outbox.Create(cfg)
	}
	require.NoError(r.t, err)
	r.Wallet, err = Open(r.store, r.cfg)
	require.NoError(r.t, err)
}

// bounded opens the wallet again, with a bound of the attempts of a payment.
func (r *rig) bounded(attempts int) {
	r.t.Helper()
	r.shut()
	r.cfg.Retry.Attempts = attempts
	r.open()
}

func (r *rig) shut() {
	r.t.Helper()
	require.NoError(r.t, r.Close())
	require.NoError(r.t, r.store.Close())
}

// crash loses everything but the file.
func (r *rig) crash() {
	r.Kill()
	_ = r.store.Close()
}

func (r *rig) pay(order string, deadline time.Duration) outbox.Payment {
	r.t.Helper()
	o := Order{ID: order, Payee: "m0", Amount: 250, Currency: "KES"}
	if deadline != 0 {
		o.Deadline = time.Now().Add(deadline)
	}
	p, err := r.Pay(r.t.Context(), o)
	require.NoError(r.t, err)
	return p
}

// settle waits until the payment rests, at most for three days.
func (r *rig) settle(key pay.Key) outbox.Payment {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 72*time.Hour)
	defer cancel()
	p, err := r.Await(ctx, key)
	require.NoError(r.t, err)
	return p
}

func (r *rig) toldOf(key pay.Key) []outbox.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]outbox.State(nil), r.told[key]...)
}

func TestPaymentIsConfirmed(t *testing.T) {
	inBubble(t, func(r *rig) {
		p := r.settle(r.pay("tea", time.Minute).Key)
		require.Equal(t, outbox.Confirmed, p.State)
		require.Equal(t, []outbox.State{outbox.Queued, outbox.Sent, outbox.Confirmed}, r.toldOf(p.Key))
		require.Len(t, r.bank.bookings(), 1)
		require.NoError(t, pay.VerifyReceipt(r.cfg.Bank, r.cfg.Vault.Certificate().Identity, &p.Payment, p.Answer))
		hs, err := r.History()
		require.NoError(t, err)
		require.Len(t, hs, 1)
		require.Len(t, hs[0].Attempts, 1)
		require.True(t, hs[0].Attempts[0].Dialed)
		require.Empty(t, hs[0].Attempts[0].Error)
	})
}

func TestSecondPressReturnsThePaymentThereIs(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.bank.set(func() { r.bank.mute = true })
		first := r.pay("tea", 0)
		require.Equal(t, first.Key, r.pay("tea", 0).Key, "while it is queued or under way")
		time.Sleep(time.Minute)
		again := r.pay("tea", 0)
		require.Equal(t, first.Key, again.Key)
		require.Equal(t, outbox.Unknown, again.State, "the user hears what is known")
		r.bank.set(func() { r.bank.mute = false })
		require.Equal(t, outbox.Confirmed, r.settle(first.Key).State)
		require.Equal(t, first.Key, r.pay("tea", 0).Key, "after it was confirmed")
		require.Len(t, r.bank.bookings(), 1)

		_, err := r.Pay(r.t.Context(), Order{ID: "tea", Payee: "m0", Amount: 251, Currency: "KES"})
		require.ErrorIs(t, err, outbox.ErrOtherContent)
	})
}

func TestNewPaymentAfterARefusal(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.bank.set(func() { r.bank.refuse = pay.NoFunds })
		first := r.settle(r.pay("tea", 0).Key)
		require.Equal(t, outbox.Declined, first.State)
		require.Equal(t, "no funds", first.Reason)
		r.bank.set(func() { r.bank.refuse = pay.NoReason })
		second := r.settle(r.pay("tea", 0).Key)
		require.NotEqual(t, first.Key, second.Key)
		require.Equal(t, outbox.Confirmed, second.State)
		require.Equal(t, []outbox.State{outbox.Queued, outbox.Sent, outbox.Declined}, r.toldOf(first.Key))
	})
}

func TestFaultsEndInOneBooking(t *testing.T) {
	tests := []struct {
		name string
		set  func(*testBank)
		tell []outbox.State // between queued and confirmed
	}{
		{"answers lost", func(b *testBank) { b.mute = true }, []outbox.State{outbox.Sent, outbox.Unknown}},
		{"requests lost", func(b *testBank) { b.deaf = true }, []outbox.State{outbox.Sent, outbox.Unknown}},
		{"connection ends instead of the answer", func(b *testBank) { b.cut = true }, []outbox.State{outbox.Sent, outbox.Unknown}},
		{"nobody listens", func(b *testBank) { b.down = true }, []outbox.State{outbox.Sent}},
		{"bank busy", func(b *testBank) { b.refuse = pay.Busy }, []outbox.State{outbox.Sent, outbox.Unknown}},
		{"not enrolled yet", func(b *testBank) { b.refuse = pay.NotEnrolled }, []outbox.State{outbox.Sent, outbox.Unknown}},
		{"answers later than the wallet waits", func(b *testBank) { b.late = 10 * time.Second }, []outbox.State{outbox.Sent, outbox.Unknown}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.bank.set(func() { tt.set(r.bank) })
				p := r.pay("tea", 0)
				time.Sleep(30 * time.Second)
				r.bank.set(func() {
					b := r.bank
					b.mute, b.deaf, b.cut, b.down, b.refuse, b.late = false, false, false, false, pay.NoReason, 0
				})
				p = r.settle(p.Key)
				require.Equal(t, outbox.Confirmed, p.State)
				require.Len(t, r.bank.bookings(), 1)
				require.Len(t, r.bank.keysAsked(), 1, "one key in every attempt")
				want := append(append([]outbox.State{outbox.Queued}, tt.tell...), outbox.Confirmed)
				require.Equal(t, want, r.toldOf(p.Key))
			})
		})
	}
}

func TestAnswersNotToBeBelieved(t *testing.T) {
	tests := []struct {
		name  string
		twist func(pay.Request, pay.Answer) pay.Answer
	}{
		{"receipt forged", func(_ pay.Request, a pay.Answer) pay.Answer {
			a.Receipt = append([]byte(nil), a.Receipt...)
			a.Receipt[7] ^= 1
			return a
		}},
		{"confirmation made of a refusal", func(_ pay.Request, a pay.Answer) pay.Answer {
			return pay.Answer{Result: pay.Declined, Reason: pay.NoFunds, At: a.At, Receipt: a.Receipt}
		}},
		{"answer to another payment", func(r pay.Request, a pay.Answer) pay.Answer {
			return pay.Answer{Result: a.Result, Transfer: a.Transfer + 1, At: a.At, Receipt: a.Receipt}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.bank.set(func() {
					r.bank.twist = func(q pay.Request, a pay.Answer) (pay.Answer, bool) { return tt.twist(q, a), true }
				})
				p := r.pay("tea", 0)
				time.Sleep(20 * time.Second)
				require.Equal(t, []outbox.State{outbox.Queued, outbox.Sent, outbox.Unknown}, r.toldOf(p.Key))
				hs, err := r.History()
				require.NoError(t, err)
				require.Contains(t, hs[0].Attempts[0].Error, "treat the payment as unknown")
				r.bank.set(func() { r.bank.twist = nil })
				require.Equal(t, outbox.Confirmed, r.settle(p.Key).State)
			})
		})
	}
}

func TestExpiry(t *testing.T) {
	t.Run("what never left expires on the phone", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			r.bank.set(func() { r.bank.down = true })
			p := r.settle(r.pay("tea", time.Minute).Key)
			require.Equal(t, outbox.Expired, p.State)
			require.Equal(t, []outbox.State{outbox.Queued, outbox.Expired}, r.toldOf(p.Key))
			require.Nil(t, p.Answer)
			require.Empty(t, r.bank.requests())
			require.WithinDuration(t, time.UnixMilli(p.Deadline), time.Now(), time.Second)
		})
	})
	t.Run("what was sent and not booked expires when the bank says so", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			r.bank.set(func() { r.bank.deaf = true })
			p := r.pay("tea", time.Minute)
			time.Sleep(2 * time.Minute)
			require.Equal(t, []outbox.State{outbox.Queued, outbox.Sent, outbox.Unknown}, r.toldOf(p.Key), "not on its own")
			r.bank.set(func() { r.bank.deaf = false })
			p = r.settle(p.Key)
			require.Equal(t, outbox.Expired, p.State)
			require.NotNil(t, p.Answer, "with the bank's word for it")
			require.Empty(t, r.bank.bookings())
		})
	})
	t.Run("what was booked in time is confirmed after the deadline", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			r.bank.set(func() { r.bank.mute = true })
			p := r.pay("tea", time.Minute)
			time.Sleep(2 * time.Minute)
			r.bank.set(func() { r.bank.mute = false })
			require.Equal(t, outbox.Confirmed, r.settle(p.Key).State)
		})
	})
	t.Run("after the deadline it asks and does not pay", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			r.bounded(18)
			r.bank.set(func() { r.bank.deaf = true })
			p := r.pay("tea", time.Minute)
			time.Sleep(3 * time.Minute)
			r.settle(p.Key)
			status := 0
			for _, q := range r.bank.requests() {
				if q.Ask == pay.AskStatus {
					status++
				}
			}
			require.GreaterOrEqual(t, status, 18/3)
			require.Len(t, r.bank.requests(), 18)
		})
	})
}

func TestTriesAreBoundedAndSyncGoesOn(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.bounded(18)
		r.bank.set(func() { r.bank.deaf = true })
		p := r.settle(r.pay("tea", 0).Key)
		require.Equal(t, outbox.Unknown, p.State)
		require.Len(t, r.bank.requests(), 18)
		require.ErrorContains(t, r.Sync(r.t.Context()), "sync: 1 payment has no final answer yet")
		require.Len(t, r.bank.requests(), 36, "a round more")
		r.bank.set(func() { r.bank.deaf = false })
		require.NoError(t, r.Sync(r.t.Context()))
		require.Equal(t, outbox.Confirmed, r.settle(p.Key).State)
		require.NoError(t, r.Sync(r.t.Context()), "nothing left to ask")
	})
}

func TestPressWakesAPaymentThatRests(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.bounded(18)
		r.bank.set(func() { r.bank.deaf = true })
		p := r.settle(r.pay("tea", 0).Key)
		require.Equal(t, outbox.Unknown, p.State)
		require.Len(t, r.bank.requests(), 18)
		for range 9 {
			r.pay("tea", 0)
			time.Sleep(time.Millisecond)
		}
		r.settle(p.Key)
		require.Len(t, r.bank.requests(), 18+6, "a third of a round, however often it is pressed")
		r.bank.set(func() { r.bank.deaf = false })
		require.Equal(t, p.Key, r.pay("tea", 0).Key)
		require.Equal(t, outbox.Confirmed, r.settle(p.Key).State)
	})
}

func TestTriesWithoutALinkAreTheWalletsOwn(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.bank.set(func() { r.bank.down = true })
		late := r.pay("no deadline", 0)
		soon := r.pay("ten minutes", 10*time.Minute)
		time.Sleep(9 * time.Minute)
		r.bank.set(func() { r.bank.down = false })
		time.Sleep(20*time.Second + time.Millisecond)
		for _, p := range []outbox.Payment{late, soon} {
			require.Equal(t, []outbox.State{outbox.Queued, outbox.Sent, outbox.Confirmed}, r.toldOf(p.Key), "within one pause")
		}
	})
}

func TestQueuedPaymentExpiresHoweverFewTries(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.shut()
		r.cfg.Retry.Attempts = 1
		r.open()
		r.bank.set(func() { r.bank.down = true })
		began := time.Now()
		p := r.settle(r.pay("tea", time.Minute).Key)
		require.Equal(t, outbox.Expired, p.State)
		require.Equal(t, time.Minute, time.Since(began))
	})
}

func TestAnAnswerWakesTheOthers(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.shut()
		r.cfg.Retry = retry.Policy{Base: time.Hour, Cap: time.Hour}
		r.open()
		r.bank.set(func() { r.bank.down = true })
		tea := r.pay("tea", 0)
		time.Sleep(maxLag)
		synctest.Wait()
		r.bank.set(func() { r.bank.down = false })
		began := time.Now()
		r.settle(r.pay("bun", 0).Key)
		require.Equal(t, outbox.Confirmed, r.settle(tea.Key).State)
		require.Less(t, time.Since(began), time.Second)
	})
}

func TestDialDoesNotEatTheAnswersTime(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.shut()
		r.cfg.Dialer.(*noise.Dialer).Net = func(ctx context.Context, network, address string) (net.Conn, error) {
			time.Sleep(7 * time.Second) // three SYNs are lost
			return r.bank.dial(ctx, network, address)
		}
		r.bank.late = 1500 * time.Millisecond
		r.open()
		p := r.settle(r.pay("tea", 0).Key)
		require.Equal(t, []outbox.State{outbox.Queued, outbox.Sent, outbox.Confirmed}, r.toldOf(p.Key))
		require.Len(t, r.attempts, 1)
		require.Equal(t, 4*time.Second+500*time.Millisecond, r.backoff.Allow(), "only the answer's 1.5 s count")
	})
}

func TestWalletWhoseClockIsAhead(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.bank.set(func() { r.bank.deaf, r.bank.behind = true, 10*time.Minute })
		p := r.pay("tea", time.Minute)
		time.Sleep(59 * time.Second)
		r.bank.set(func() { r.bank.deaf = false })
		began := time.Now()
		p = r.settle(p.Key)
		require.Equal(t, outbox.Expired, p.State)
		require.InDelta(t, 10*time.Minute, time.Since(began), float64(time.Minute), "when the bank's clock is there")
		require.Less(t, len(r.bank.requests()), 18)
	})
}

func TestSyncWakesAPauseAtOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.cfg.Retry = retry.Policy{Base: time.Hour, Cap: time.Hour}
		r.shut()
		r.open()
		r.bank.set(func() { r.bank.down = true })
		r.pay("tea", 0)
		time.Sleep(time.Second)
		r.bank.set(func() { r.bank.down = false })
		began := time.Now()
		require.NoError(t, r.Sync(r.t.Context()))
		require.Less(t, time.Since(began), time.Second)
	})
}

func TestOneConnectionServesAll(t *testing.T) {
	inBubble(t, func(r *rig) {
		var keys []pay.Key
		for i := range 40 {
			keys = append(keys, r.pay("order "+string(rune(0x4e00+i)), 0).Key)
		}
		for _, k := range keys {
			require.Equal(t, outbox.Confirmed, r.settle(k).State)
		}
		require.Equal(t, 1, r.bank.dials)

		time.Sleep(r.Wallet.cfg.Retry.Idle + time.Second)
		require.Equal(t, outbox.Confirmed, r.settle(r.pay("later", 0).Key).State)
		require.Equal(t, 2, r.bank.dials, "the idle connection was closed")
		require.Len(t, r.bank.requests(), 41, "and no attempt was wasted on it")
	})
}

func TestBrokenConnectionIsReplacedAtOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settle(r.pay("one", 0).Key)
		r.bank.set(func() { r.bank.cut = true })
		began := time.Now()
		p := r.pay("two", 0)
		time.Sleep(maxLag)
		synctest.Wait()
		require.Equal(t, 2, r.bank.dials, "a connection that was open before is not trusted")
		require.Equal(t, maxLag, time.Since(began))
		r.bank.set(func() { r.bank.cut = false })
		require.Equal(t, outbox.Confirmed, r.settle(p.Key).State)
		require.Len(t, r.bank.bookings(), 2)
	})
}

func TestConnectionTheBankClosedCostsNoTry(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settle(r.pay("one", 0).Key)
		r.bank.hangUp()
		synctest.Wait()
		require.Equal(t, outbox.Confirmed, r.settle(r.pay("two", 0).Key).State)
		require.Len(t, r.attempts, 2)
		require.Empty(t, r.attempts[1].Error)
	})
}

func TestSlowBankKeepsItsConnection(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.settle(r.pay("one", 0).Key)
		r.bank.set(func() { r.bank.late = 6 * time.Second })
		for _, order := range []string{"two", "three", "four"} {
			require.Equal(t, outbox.Confirmed, r.settle(r.pay(order, 0).Key).State)
		}
		require.Len(t, r.bank.bookings(), 4)
		require.LessOrEqual(t, len(r.bank.requests()), 6, "the wallet learns to wait longer")
	})
}

func TestCrashAtEachState(t *testing.T) {
	tests := []struct {
		name   string
		set    func(*testBank)
		before []outbox.State
		after  []outbox.State
	}{
		{"queued", func(b *testBank) { b.down = true }, []outbox.State{outbox.Queued}, []outbox.State{outbox.Sent, outbox.Confirmed}},
		{"sent, not arrived", func(b *testBank) { b.deaf = true }, []outbox.State{outbox.Queued, outbox.Sent}, []outbox.State{outbox.Unknown, outbox.Confirmed}},
		{"sent, booked", func(b *testBank) { b.mute = true }, []outbox.State{outbox.Queued, outbox.Sent}, []outbox.State{outbox.Unknown, outbox.Confirmed}},
		{"confirmed", func(*testBank) {}, []outbox.State{outbox.Queued, outbox.Sent, outbox.Confirmed}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.bank.set(func() { tt.set(r.bank) })
				p := r.pay("tea", 0)
				synctest.Wait()
				require.Equal(t, tt.before, r.toldOf(p.Key))
				r.crash()
				r.bank.set(func() { r.bank.down, r.bank.deaf, r.bank.mute = false, false, false })
				r.open()
				require.Equal(t, outbox.Confirmed, r.settle(p.Key).State)
				require.Equal(t, append(tt.before, tt.after...), r.toldOf(p.Key))
				require.Len(t, r.bank.bookings(), 1)
				require.Len(t, r.bank.keysAsked(), 1)
			})
		})
	}
}

func TestKilledWalletTellsNobody(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.bank.set(func() { r.bank.late = time.Second })
		p := r.pay("tea", 0)
		synctest.Wait()
		r.Kill()
		require.Equal(t, []outbox.State{outbox.Queued, outbox.Sent}, r.toldOf(p.Key))
		_, err := r.Pay(r.t.Context(), Order{ID: "bun", Payee: "m0", Amount: 1, Currency: "KES"})
		require.ErrorIs(t, err, outbox.ErrClosed)
		require.ErrorIs(t, r.Sync(r.t.Context()), outbox.ErrClosed)
	})
}

func TestRestartsDoNotStorm(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.bounded(18)
		r.bank.set(func() { r.bank.deaf = true })
		p := r.pay("tea", 0)
		r.settle(p.Key)
		for range 5 {
			r.crash()
			r.open()
			r.settle(p.Key)
		}
		require.Len(t, r.bank.requests(), 18+5*6)
	})
}

func TestPayRefusesNonsense(t *testing.T) {
	tests := []struct {
		name  string
		order Order
		want  string
	}{
		{"no order", Order{Payee: "m0", Amount: 1, Currency: "KES"}, "has no name"},
		{"no payee", Order{ID: "tea", Amount: 1, Currency: "KES"}, "payee"},
		{"nothing", Order{ID: "tea", Payee: "m0", Currency: "KES"}, "amount 0"},
		{"currency", Order{ID: "tea", Payee: "m0", Amount: 1, Currency: "kes"}, "ISO 4217"},
		{"late", Order{ID: "tea", Payee: "m0", Amount: 1, Currency: "KES", Deadline: time.Unix(1e9, 0)}, "deadline"},
	}
	inBubble(t, func(r *rig) {
		for _, tt := range tests {
			_, err := r.Pay(r.t.Context(), tt.order)
			require.ErrorContains(t, err, tt.want, tt.name)
		}
		hs, err := r.History()
		require.NoError(t, err)
		require.Empty(t, hs)
	})
}

// TestTheQueueComesBack: a payment whose link was away for long is confirmed soon
// after it is back, by itself within six minutes, and within seconds if the wallet
// is told.
func TestTheQueueComesBack(t *testing.T) {
	for _, away := range []time.Duration{3 * time.Minute, 20 * time.Minute, 8 * time.Hour} {
		for _, told := range []bool{false, true} {
			for _, deadline := range []time.Duration{0, away + 10*time.Minute, 24 * time.Hour} {
				t.Run(fmt.Sprintf("%v, told %v, deadline %v", away, told, deadline), func(t *testing.T) {
					inBubble(t, func(r *rig) {
						r.bounded(30) // none of them is spent on dials
						r.bank.set(func() { r.bank.down = true })
						p := r.pay("tea", deadline)
						time.Sleep(away)
						r.bank.set(func() { r.bank.down = false })
						back, most := time.Now(), 6*time.Minute
						if told {
							r.LinkUp()
							most = 5 * time.Second
						}
						require.Equal(t, outbox.Confirmed, r.settle(p.Key).State)
						require.LessOrEqual(t, time.Since(back), most)
						require.Len(t, r.bank.requests(), 1)
					})
				})
			}
		}
	}
}

// TestAnUnknownPaymentComesBack: the same for one whose answer was lost, and whose
// connection is dead.
func TestAnUnknownPaymentComesBack(t *testing.T) {
	for _, told := range []bool{false, true} {
		t.Run(fmt.Sprintf("told %v", told), func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.bank.set(func() { r.bank.mute = true })
				p := r.pay("tea", 24*time.Hour)
				time.Sleep(time.Second)
				r.bank.set(func() { r.bank.down = true })
				r.bank.hangUp()
				time.Sleep(8 * time.Hour)
				r.bank.set(func() { r.bank.down, r.bank.mute = false, false })
				back, most := time.Now(), 6*time.Minute
				if told {
					r.LinkUp()
					most = 5 * time.Second
				}
				require.Equal(t, outbox.Confirmed, r.settle(p.Key).State)
				require.LessOrEqual(t, time.Since(back), most)
				require.Len(t, r.bank.bookings(), 1)
			})
		})
	}
}

// TestLinkUpGivesUpADeadConnection: a request whose connection has been silent for
// as long as an answer may take is made again at once over a new one.
func TestLinkUpGivesUpADeadConnection(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.bank.set(func() { r.bank.late = 1500 * time.Millisecond })
		require.Equal(t, outbox.Confirmed, r.settle(r.pay("tea", 0).Key).State)
		r.bank.set(func() { r.bank.late, r.bank.deaf = 0, true })
		time.Sleep(time.Second)
		p := r.pay("bun", 0)
		time.Sleep(time.Second)
		r.bank.set(func() { r.bank.deaf = false })
		r.LinkUp()
		time.Sleep(time.Second)
		require.Len(t, r.bank.requests(), 2, "one that was silent for a second may be slow")
		time.Sleep(2200 * time.Millisecond) // 4.2 s, and 4.5 are allowed to the answer
		r.LinkUp()
		began := time.Now()
		require.Equal(t, outbox.Confirmed, r.settle(p.Key).State)
		require.Less(t, time.Since(began), 10*time.Millisecond)
		require.Equal(t, 2, r.bank.dials)
	})
}

// TestAnIdleWalletSendsNothing, however often its link comes up.
func TestAnIdleWalletSendsNothing(t *testing.T) {
	inBubble(t, func(r *rig) {
		require.Equal(t, outbox.Confirmed, r.settle(r.pay("tea", 0).Key).State)
		for range 100 {
			time.Sleep(time.Hour)
			r.LinkUp()
		}
		require.Equal(t, 1, r.bank.dials)
		require.Len(t, r.bank.requests(), 1)
	})
}

// TestNothingLeavesUnlessItIsStored: a disk that fails once a payment was accepted
// cannot say "sent", and so nothing is sent to the bank. No attempt is spent on that, and
// the connection is kept.
func TestNothingLeavesUnlessItIsStored(t *testing.T) {
	disk := storetest.NewDisk(t)
	inBubble(t, func(r *rig) {
		r.shut()
		r.layer = disk.Name
		r.cfg.Retry.Attempts = 6
		r.open()
		r.bank.set(func() { r.bank.down = true })
		p := r.pay("tea", 24*time.Hour)
		time.Sleep(time.Minute)
		disk.FullAll.Store(true)
		dials := 0
		r.bank.set(func() { dials = r.bank.dials })
		r.bank.set(func() { r.bank.down = false })
		time.Sleep(20 * time.Minute)
		require.Empty(t, r.bank.requests())
		require.Empty(t, r.bank.bookings())
		require.Equal(t, []outbox.State{outbox.Queued}, r.toldOf(p.Key))
		r.bank.set(func() { dials = r.bank.dials - dials })
		require.Equal(t, 1, dials)
		disk.FullAll.Store(false)
		require.Equal(t, outbox.Confirmed, r.settle(p.Key).State)
		require.Len(t, r.bank.bookings(), 1)
	})
}
