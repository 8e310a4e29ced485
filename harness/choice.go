package harness

import (
	"math"
	"slices"
	"time"
)

// Some reports whether the event acts on some of the wallets and not on all of them.
func (e Event) Some() bool { return e.Wallet != nil || e.Wallets > 0 }

// Choose returns the wallets that an occurrence of the event acts on, in order; nil is all
// of n. A share is at least one wallet. It is drawn by the seed of the run and the
// beginning of the occurrence, or what its Trigger waits for: so events with the same share
// that begin at the same instant act on the same wallets.
func (e Event) Choose(seed uint64, from time.Duration, n int) []int {
	switch {
	case e.Wallet != nil:
		return []int{*e.Wallet}
	case !e.Some():
		return nil
	}
	moment := uint64(from)
	if e.When != nil {
		moment = uint64(e.At) + uint64(e.When.Packet+e.When.Commit+e.When.Request)
	}
	const spread = 0x9e3779b97f4a7c15 // odd: each moment has a seed of its own
	chosen := Rand(seed^(moment+1)*spread, StreamWallets).Perm(n)
	chosen = chosen[:min(n, max(1, int(math.Round(e.Wallets*float64(n)))))]
	slices.Sort(chosen)
	return chosen
}
