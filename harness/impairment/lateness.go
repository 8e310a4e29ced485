package impairment

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
)

const (
	// stallShare of the packets, or of the time of the programs, may be late by more
	// than harness.LeastTimeout. With more, the time-outs that the system under test
	// has met are the machine's.
	stallShare = 0.05
	// waitShare of the time programs may wait for a processor, however short each
	// wait is. With more they run at less than half of their speed, and what needs time
	// may not be done in time.
	waitShare = 0.5
	// lateEnough is how many packets, or how many times harness.LeastTimeout, make a
	// share.
	lateEnough = 20
)

// stall is a time in which the machine had too much to do.
type stall struct {
	line int32  // of the phase; 0 is the whole run
	how  string // for people
}

// wait is a time in which a timer of the harness was late.
type wait struct{ from, to time.Duration }

// stalls returns the phases in which the machine stalled: many packets came later
// than a time-out bears, in a direction with enough packets, or programs waited as
// long for a processor. It is the whole run if only all phases together show it.
// Less lateness than that cannot turn the experiment into another, and which
// thresholds it can change, see threshold.Doubt.
func (l *Links) stalls() (all []stall) {
	var n, late int64
	l.each(func(s *phase, d direction) {
		n += d.counts.delivered
		late += d.counts.stalled
		if d.counts.delivered >= lateEnough && many(d.counts.stalled, d.counts.delivered) {
			all = append(all, stall{s.line, fmt.Sprintf("in phase %q %d of %s %s came more than %s late",
				s.Name, d.counts.stalled, harness.Plural(d.counts.delivered, "packet"), d.Direction, harness.LeastTimeout)})
		}
	})
	if len(all) == 0 && many(late, n) {
		all = append(all, stall{0, fmt.Sprintf("%d of %s came more than %s late", late, harness.Plural(n, "packet"), harness.LeastTimeout)})
	}
	return append(all, l.waiting(harness.LeastTimeout, stallShare)...)
}

// many reports whether more than stallShare of n are late.
func many(late, n int64) bool { return float64(late) > stallShare*float64(n) }

// waiting returns the phases in more than a share of which programs waited for a
// processor, longer than a time at once, or the whole run if only all phases
// together show it. Too short a time shows nothing.
func (l *Links) waiting(longer time.Duration, share float64) (all []stall) {
	add := func(line int32, where string, from, to time.Duration) {
		span, waited := to-from, l.waited(from, to, longer)
		if span < lateEnough*harness.LeastTimeout || float64(waited) <= share*float64(span) {
			return
		}
		round := func(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }
		how := fmt.Sprintf("%sprograms waited for a processor for %s of %s", where, round(waited), round(span))
		if longer > 0 {
			how += fmt.Sprintf(", more than %s at a time", longer)
		}
		all = append(all, stall{line, how})
	}
	for i := range l.phases {
		s, end := &l.phases[i], l.last
		if i+1 < len(l.phases) {
			end = l.phases[i+1].from
		}
		add(s.line, fmt.Sprintf("in phase %q ", s.Name), s.from, end)
	}
	if len(all) == 0 {
		add(0, "", 0, l.last)
	}
	return all
}

// waited is for how long in a time programs waited for a processor, longer than some
// time at once: they are taken to have waited while a timer of the harness was late.
func (l *Links) waited(from, to, longer time.Duration) (sum time.Duration) {
	first, _ := slices.BinarySearchFunc(l.waits, from, func(w wait, t time.Duration) int { return cmp.Compare(w.to, t) })
	for _, w := range l.waits[first:] {
		if w.from >= to {
			break
		}
		if w.to-w.from > longer {
			sum += min(to, w.to) - max(from, w.from)
		}
	}
	return sum
}

// Busy says how the machine stalled, or that it ran programs at less than half of
// their speed. It returns nothing if the machine kept up. A busy machine alone may be
// why a check is unknown or the experiment was not as asked.
func (l *Links) Busy() string {
	for _, s := range append(l.stalls(), l.waiting(0, waitShare)...) {
		return s.how
	}
	return ""
}

// meanLate is how late the packets of the run were on average.
func (l *Links) meanLate() time.Duration {
	var n int64
	var late time.Duration
	l.each(func(_ *phase, d direction) {
		n += d.counts.delivered
		late += d.counts.late
	})
	return late / time.Duration(max(n, 1))
}
