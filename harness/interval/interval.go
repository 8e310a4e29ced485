// Package interval does arithmetic on intervals of time.
package interval

import (
	"cmp"
	"slices"
	"time"
)

// Interval is the time from one offset to another, which is not earlier.
type Interval struct{ From, To time.Duration }

// Join sorts intervals and merges those that overlap or are no farther apart than a
// gap. It changes spans.
func Join(spans []Interval, gap time.Duration) []Interval {
	slices.SortFunc(spans, func(a, b Interval) int { return cmp.Compare(a.From, b.From) })
	joined := spans[:0]
	for _, s := range spans {
		if n := len(joined); n > 0 && s.From <= joined[n-1].To+gap {
			joined[n-1].To = max(joined[n-1].To, s.To)
		} else {
			joined = append(joined, s)
		}
	}
	return joined
}

// Without returns the parts of spans that overlap no interval of others. Both are
// sorted and do not overlap among themselves.
func Without(spans, others []Interval) (rest []Interval) {
	for _, s := range spans {
		for len(others) > 0 && others[0].To <= s.From {
			others = others[1:]
		}
		for _, o := range others {
			if o.From >= s.To {
				break
			}
			if o.From > s.From {
				rest = append(rest, Interval{s.From, o.From})
			}
			s.From = max(s.From, o.To)
		}
		if s.From < s.To {
			rest = append(rest, s)
		}
	}
	return rest
}

// Within returns the total length of spans between two offsets. The spans are sorted
// and do not overlap.
func Within(spans []Interval, from, to time.Duration) (sum time.Duration) {
	for i := ending(spans, from); i < len(spans) && spans[i].From < to; i++ {
		sum += min(to, spans[i].To) - max(from, spans[i].From)
	}
	return max(0, sum)
}

// Overlap reports whether any of spans touches the time between two offsets. The spans are
// sorted and do not overlap.
func Overlap(spans []Interval, from, to time.Duration) bool {
	i := ending(spans, from)
	return i < len(spans) && spans[i].From <= to
}

// ending returns the index of the first of spans that ends at an offset or later.
func ending(spans []Interval, at time.Duration) int {
	i, _ := slices.BinarySearchFunc(spans, at, func(s Interval, t time.Duration) int { return cmp.Compare(s.To, t) })
	return i
}
