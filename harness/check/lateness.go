package check

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
// thresholds it can turn is for metric.Doubt.
func (j *Judge) stalls() (all []stall) {
	var n, late int64
	j.links.each(func(s *stretch, w way) {
		n += w.met.delivered
		late += w.met.stalled
		if w.met.delivered >= lateEnough && many(w.met.stalled, w.met.delivered) {
			all = append(all, stall{s.line, fmt.Sprintf("in phase %q %d of %s %s came more than %s late",
				s.Name, w.met.stalled, plural(int(w.met.delivered), "packet"), w.Direction, harness.LeastTimeout)})
		}
	})
	if len(all) == 0 && many(late, n) {
		all = append(all, stall{0, fmt.Sprintf("%d of %s came more than %s late", late, plural(int(n), "packet"), harness.LeastTimeout)})
	}
	return append(all, j.waits(harness.LeastTimeout, stallShare)...)
}

// many reports whether more than stallShare of n are late.
func many(late, n int64) bool { return float64(late) > stallShare*float64(n) }

// waits returns the phases in more than a share of which programs waited for a
// processor, longer than a time at once, or the whole run if only all phases
// together show it. Too short a time shows nothing.
func (j *Judge) waits(longer time.Duration, share float64) (all []stall) {
	add := func(line int32, where string, from, to time.Duration) {
		span, waited := to-from, j.links.waited(from, to, longer)
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
	for i := range j.links.phases {
		s, end := &j.links.phases[i], j.last
		if i+1 < len(j.links.phases) {
			end = j.links.phases[i+1].from
		}
		add(s.line, fmt.Sprintf("in phase %q ", s.Name), s.from, end)
	}
	if len(all) == 0 {
		add(0, "", 0, j.last)
	}
	return all
}

// waited is for how long in a time programs waited for a processor, longer than some
// time at once: they are taken to have waited while a timer of the harness was late.
func (l *links) waited(from, to, longer time.Duration) (sum time.Duration) {
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
// their speed, or nothing. Then a check may be unknown, or the experiment not as
// asked, only because the machine had too much to do.
func (j *Judge) Busy() string {
	for _, s := range append(j.stalls(), j.waits(0, waitShare)...) {
		return s.how
	}
	return ""
}

// late is how late the packets of the run were on average.
func (l *links) late() time.Duration {
	var n int64
	var late time.Duration
	l.each(func(_ *stretch, w way) {
		n += w.met.delivered
		late += w.met.late
	})
	return late / time.Duration(max(n, 1))
}
