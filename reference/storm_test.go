package reference

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/disk"
)

// TestPowerFailuresUnderLoad has the power of both sides fail again and again,
// also while they start, as four users pay, and now and then press again for
// what they have bought.
func TestPowerFailuresUnderLoad(t *testing.T) {
	seeds := uint64(40)
	if testing.Short() {
		seeds = 8
	}
	failures, restarts := int64(0), 0
	for seed := range seeds {
		o := Options{BankDisk: disk.New(), WalletDisks: disk.NewGroup()}
		inBubbleWith(t, o, 4, seed, newMemory(func(int, int) fault { return fault{} }), func(p *pair) {
			s := &shaker{pair: p, end: make(chan struct{}), ended: make(chan int)}
			go s.run(harness.Server, o.BankDisk, seed)
			go s.run(harness.Client, o.WalletDisks, seed+seeds)
			orders := p.shop(seed)
			close(s.end)
			restarts += <-s.ended + <-s.ended
			p.audit(orders)
		})
		failures += o.BankDisk.Failures() + o.WalletDisks.Failures()
		require.NoError(t, errors.Join(o.BankDisk.Close(), o.WalletDisks.Close()))
	}
	t.Logf("%d power failures, %d restarts that came through", failures, restarts)
	require.Greater(t, failures, int64(3*seeds))
	require.Greater(t, failures, int64(restarts), "some came during a start")
}

// shaker takes the power from the sides of a pair.
type shaker struct {
	*pair
	end   chan struct{}
	ended chan int // gets the number of restarts
}

// run lets the power of a side fail at an operation, time and again, until the
// end, and then leaves the side running.
func (s *shaker) run(side harness.Side, d disks, seed uint64) {
	r := harness.Rand(seed, harness.StreamTimeline)
	failed := make(chan struct{}, 1)
	d.OnFail(func() { failed <- struct{}{} })
	restarts, end := 0, s.end
	for {
		if end != nil {
			d.FailAt(disk.Point{N: d.Count(disk.Any) + 1 + r.Int64N(60)}, r.Uint64())
		} else if d.FailAt(disk.Point{}, 0); !d.Off() {
			s.ended <- restarts
			return
		}
		select {
		case <-failed:
			restarts += s.restart(side, d, r)
		case <-end:
			end = nil
		}
	}
}

// restart starts a side again, after a while, and returns 1, or 0 if the power
// failed once more meanwhile.
func (s *shaker) restart(side harness.Side, d disks, r *rand.Rand) int {
	crasher := s.Subject.(harness.Crasher)
	if err := crasher.Crash(side); err != nil {
		s.t.Errorf("crash the %v: %v", side, err)
	}
	time.Sleep(time.Duration(100+r.IntN(2000)) * time.Millisecond)
	if r.IntN(3) == 0 {
		d.FailAt(disk.Point{N: d.Count(disk.Any) + 1 + r.Int64N(20)}, r.Uint64())
	}
	err := crasher.Restart(s.t.Context(), side)
	switch {
	case err == nil:
		return 1
	case !d.Off():
		s.t.Errorf("restart the %v: %v", side, err)
	}
	return 0
}

// shop has users press pay thirty times and returns the presses of each order.
func (p *pair) shop(seed uint64) (orders map[string][]string) {
	r := harness.Rand(seed, harness.StreamWorkload)
	orders = map[string][]string{}
	for i := range 30 {
		id, user, n := fmt.Sprint("p", i), r.IntN(4), r.IntN(6)
		order := fmt.Sprintf("o%d.%d", user, n)
		orders[order] = append(orders[order], id)
		if err := p.press(user, id, order); err != nil {
			p.witness.Told(harness.Told{Payment: id, Outcome: harness.Failed})
		}
		time.Sleep(time.Duration(r.IntN(1500)) * time.Millisecond)
	}
	return orders
}

// audit holds what was told of each press against the ledger.
func (p *pair) audit(orders map[string][]string) {
	t := p.t
	for _, ids := range orders {
		for _, id := range ids {
			p.witness.final(t, id)
		}
	}
	posted := p.postings()
	for order, ids := range orders {
		want, why := 0, ""
		for _, id := range ids {
			told := p.witness.of(id)
			why += fmt.Sprintf("; %s was told %v", id, told)
			require.Len(t, finals(told), 1, why)
			if told[len(told)-1] == harness.Confirmed {
				want = 1
			}
		}
		require.Len(t, posted[order], want, order+why)
		for _, b := range posted[order] {
			require.Equal(t, 1, p.witness.committed[b.Payment], "%s: reports of %s", order, b.Payment)
		}
	}
	held, err := p.Subject.(harness.Holder).Held(t.Context())
	require.NoError(t, err)
	require.Empty(t, held)
}
