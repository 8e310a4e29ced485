package reference

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/disk"
)

// Bytes of the messages of a payment as made here: the first on a connection,
// and one more on the same connection. TestSizes keeps them true.
const (
	up1, down1 = 212, 127
	up2, down2 = 66, 97
)

// inBubble runs f on a pair in virtual time on a memory network, with disks in memory:
// files of this machine would spend most of the time in syncs.
func inBubble(t *testing.T, wallets int, m *memory, f func(*pair)) {
	t.Helper()
	o := Options{BankDisk: disk.New(), WalletDisks: disk.NewGroup()}
	inBubbleWith(t, o, wallets, 7, m, f)
	require.NoError(t, errors.Join(o.BankDisk.Close(), o.WalletDisks.Close()))
}

func inBubbleWith(t *testing.T, o Options, wallets int, seed uint64, m *memory, f func(*pair)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		// A bubble begins in the year 2000, before any time the protocol takes.
		time.Sleep(time.Until(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)))
		p := &pair{
			Subject: New(o), t: t, witness: newWitness(),
			start: time.Now(), pressed: map[string]harness.Payment{},
		}
		err := p.Start(t.Context(), harness.Env{
			Network: m, Seed: seed, Start: p.start, Dir: dir, Observer: p.witness, Log: slog.New(slog.DiscardHandler),
			Workload: harness.Workload{
				Wallets: wallets, Merchants: 2, Payments: 2 * wallets, AmountMin: 1, AmountMax: 1000, Currency: "KES",
			},
		})
		require.NoError(t, err)
		defer func() { require.NoError(t, p.Close()) }()
		f(p)
	})
}

func TestSizes(t *testing.T) {
	m := newMemory(func(int, int) fault { return fault{} })
	inBubble(t, 1, m, func(p *pair) {
		t := p.t
		require.NoError(t, p.press(0, "p0.1", "o0.1"))
		p.witness.final(t, "p0.1")
		c := m.conns[0]
		require.Equal(t, []int{up1, down1}, []int{c.up, c.down})
		require.NoError(t, p.press(0, "p0.2", "o0.2"))
		p.witness.final(t, "p0.2")
		require.Equal(t, []int{up1 + up2, down1 + down2}, []int{c.up, c.down})
	})
}

// faults returns each place in two payments on one connection where each kind of
// fault can happen.
func faults(step int) (fs []fault) {
	for after := 0; after < up1+up2; after += step {
		fs = append(fs, fault{cut, true, after, 0}, fault{swallow, true, after, 0}, fault{oneWay, true, after, 0})
	}
	for after := 0; after < down1+down2; after += step {
		fs = append(fs, fault{cut, false, after, 0}, fault{swallow, false, after, 0}, fault{oneWay, false, after, 0})
	}
	for _, up := range []bool{true, false} {
		for _, by := range []time.Duration{time.Second, 8 * time.Second, 12 * time.Second, 40 * time.Second} {
			for _, after := range []int{0, 1, 50, down1, up1, down1 + 1, up1 + 1} {
				fs = append(fs, fault{delay, up, after, by})
			}
		}
	}
	return fs
}

func step() int {
	if testing.Short() {
		return 29
	}
	return 1
}

// TestEveryPlaceOfOneFault injects a fault into each wallet's first connection,
// each at another byte, while it pays twice.
func TestEveryPlaceOfOneFault(t *testing.T) {
	fs := faults(step())
	m := newMemory(func(payer, n int) fault {
		if n > 0 {
			return fault{}
		}
		return fs[payer]
	})
	inBubble(t, len(fs), m, func(p *pair) {
		t := p.t
		for round := 1; round <= 2; round++ {
			for i := range fs {
				require.NoError(t, p.press(i, fmt.Sprintf("p%d.%d", i, round), fmt.Sprintf("o%d.%d", i, round)))
			}
			for i := range fs {
				p.witness.final(t, fmt.Sprintf("p%d.%d", i, round))
			}
		}
		posted := p.postings()
		hit := 0
		for i, f := range fs {
			for round := 1; round <= 2; round++ {
				id := fmt.Sprintf("p%d.%d", i, round)
				told := p.witness.of(id)
				require.Len(t, posted["o"+id[1:]], 1, "%+v: %v", f, told)
				if len(told) == 3 {
					require.Equal(t, []harness.Outcome{harness.Queued, harness.OutcomeUnknown, harness.Confirmed}, told, "%+v", f)
					hit++
				} else {
					require.Equal(t, []harness.Outcome{harness.Queued, harness.Confirmed}, told, "%+v", f)
				}
			}
		}
		require.Greater(t, hit, len(fs)*8/10, "the faults hit")
	})
}

// TestEveryPlaceOfAFaultUntilTheDeadline injects a fault into every connection of a wallet
// until after the payment's deadline. What the user is told then must be what
// the ledger holds.
func TestEveryPlaceOfAFaultUntilTheDeadline(t *testing.T) {
	fs := faults(step())
	healed := false
	m := newMemory(func(payer, _ int) fault {
		if healed {
			return fault{}
		}
		return fs[payer]
	})
	inBubble(t, len(fs), m, func(p *pair) {
		t := p.t
		for i := range fs {
			require.NoError(t, p.press(i, fmt.Sprintf("p%d.1", i), fmt.Sprintf("o%d.1", i)))
		}
		time.Sleep(61 * time.Second)
		m.mu.Lock()
		healed = true
		m.mu.Unlock()
		count := map[harness.Outcome]int{}
		for i := range fs {
			count[p.witness.final(t, fmt.Sprintf("p%d.1", i))]++
		}
		posted := p.postings()
		for i, f := range fs {
			told := p.witness.of(fmt.Sprintf("p%d.1", i))
			want := 0
			if told[len(told)-1] == harness.Confirmed {
				want = 1
			}
			require.Len(t, posted[fmt.Sprintf("o%d.1", i)], want, "%+v: %v", f, told)
			require.Len(t, finals(told), 1, "%+v: %v", f, told)
		}
		require.Positive(t, count[harness.Confirmed])
		require.Positive(t, count[harness.Expired])
		t.Logf("told %v", count)
	})
}

// TestFirstMessageRepeated makes an attacker on the path send a copy of a wallet's
// first message on other connections, which Noise allows.
func TestFirstMessageRepeated(t *testing.T) {
	repeat := func(p *pair, m *memory, times int) {
		m.mu.Lock()
		c := m.conns[0]
		m.mu.Unlock()
		c.mu.Lock()
		message := c.message
		c.mu.Unlock()
		require.NotEmpty(p.t, message)
		for range times {
			conn, err := m.raw(context.Background())
			require.NoError(p.t, err)
			go func() { _, _ = io.Copy(io.Discard, conn) }()
			_, err = conn.Write(message)
			require.NoError(p.t, err)
			time.Sleep(time.Second)
			conn.Close()
		}
	}
	tests := []struct {
		name  string
		fault fault // of the wallet's first connection
		all   bool  // of every connection
		wait  time.Duration
		want  harness.Outcome
	}{
		{"after the original", fault{}, false, time.Second, harness.Confirmed},
		{"before the original", fault{delay, true, 0, 5 * time.Second}, false, time.Second, harness.Confirmed},
		{"in place of the original", fault{oneWay, true, 0, 0}, true, time.Second, harness.Confirmed},
		{"after the answer was lost", fault{oneWay, false, 0, 0}, true, time.Second, harness.Confirmed},
		{"held back until after the deadline", fault{oneWay, true, 0, 0}, true, 2 * time.Minute, harness.Expired},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			healed := false
			m := newMemory(func(_, n int) fault {
				if healed || n > 0 && !tt.all {
					return fault{}
				}
				return tt.fault
			})
			inBubble(t, 1, m, func(p *pair) {
				t := p.t
				require.NoError(t, p.press(0, "p1", "o1"))
				time.Sleep(tt.wait)
				repeat(p, m, 3)
				m.mu.Lock()
				healed = true
				m.mu.Unlock()
				require.Equal(t, tt.want, p.witness.final(t, "p1"))
				repeat(p, m, 3)
				want := 0
				if tt.want == harness.Confirmed {
					want = 1
				}
				require.Len(t, p.postings()["o1"], want)
				require.Len(t, finals(p.witness.of("p1")), 1)
			})
		})
	}
}
