package metric

import (
	"cmp"
	"slices"
	"time"
)

// stretch is a time.
type stretch struct{ from, to time.Duration }

// join puts times in order and makes one of those that overlap, or are no farther
// apart than a gap. It changes spans.
func join(spans []stretch, gap time.Duration) []stretch {
	slices.SortFunc(spans, func(a, b stretch) int { return cmp.Compare(a.from, b.from) })
	joined := spans[:0]
	for _, s := range spans {
		if n := len(joined); n > 0 && s.from <= joined[n-1].to+gap {
			joined[n-1].to = max(joined[n-1].to, s.to)
		} else {
			joined = append(joined, s)
		}
	}
	return joined
}

// without returns what of some times is in none of the others. Both are in order
// and do not overlap.
func without(some, others []stretch) (rest []stretch) {
	for _, s := range some {
		for len(others) > 0 && others[0].to <= s.from {
			others = others[1:]
		}
		for _, o := range others {
			if o.from >= s.to {
				break
			}
			if o.from > s.from {
				rest = append(rest, stretch{s.from, o.from})
			}
			s.from = max(s.from, o.to)
		}
		if s.from < s.to {
			rest = append(rest, s)
		}
	}
	return rest
}

// within is for how much of a time some others were, which are in order and do not
// overlap.
func within(spans []stretch, from, to time.Duration) (sum time.Duration) {
	i, _ := slices.BinarySearchFunc(spans, from, func(s stretch, t time.Duration) int { return cmp.Compare(s.to, t) })
	for ; i < len(spans) && spans[i].from < to; i++ {
		sum += min(to, spans[i].to) - max(from, spans[i].from)
	}
	return max(0, sum)
}
