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

// lead is how much sooner than reported an attempt is taken to have begun. Its
// beginning is reckoned from its record, which is written a moment after its end:
// a payer stores how an attempt ended before it tells. Its first packet, the one that
// wakes the radio, would else be nobody's or belong to the payment before.
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

// attribute says of every packet on the air of a phone which payment it belongs
// to: that of the latest begun of the attempts under way, else that of the try that
// ended last before it, else none. Cross traffic belongs to none. The packets
// must be in the order of time; attempts are sorted.
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
