package metric

import (
	"cmp"
	"slices"
	"time"
)

// span is when an attempt of a payment, numbered from 1, was under way.
type span struct {
	from, to time.Duration
	payment  int32
}

// lead is how much earlier than reported an attempt counts as begun. The beginning of an
// attempt is computed from its record, which is written a moment after its end, because a
// payer stores the result of an attempt before it reports it. Without lead, the first
// packet of the attempt, which wakes the radio, could belong to the payment before.
const lead = 20 * time.Millisecond

// attemptsByWallet returns the spans of the attempts and queries of each payer.
func (c *Collector) attemptsByWallet() map[int][]span {
	all := make(map[int][]span)
	for _, t := range c.attempts {
		if t.order >= 0 {
			w := c.orders[t.order].wallet
			all[w] = append(all[w], span{t.end - t.took - lead, t.end, t.order + 1})
		}
	}
	return all
}

// attribute finds the payment of each packet of a phone: that of the attempt under way
// that began last, else that of the attempt that ended last before the packet, else none.
// Cross traffic belongs to none. The packets must be in the order of time; attribute
// sorts the attempts.
func attribute(air []crossing, attempts []span) {
	slices.SortStableFunc(attempts, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var open []span // begun, in the order of their beginning; the last one is still under way
	var ended span  // the one that ended last, of those that were taken from open
	for i := range air {
		x := &air[i]
		for len(attempts) > 0 && attempts[0].from <= x.at {
			open = append(open, attempts[0])
			attempts = attempts[1:]
		}
		for len(open) > 0 && open[len(open)-1].to < x.at {
			if last := open[len(open)-1]; ended.payment == 0 || last.to > ended.to {
				ended = last
			}
			open = open[:len(open)-1]
		}
		switch {
		case x.owed == cross:
		case len(open) > 0:
			x.owed = open[len(open)-1].payment
		default:
			x.owed = ended.payment
		}
	}
}
