package impairment

import (
	"fmt"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/interval"
)

const (
	// stallShare is the share of the packets, or of the time of the programs, that may be
	// late by more than harness.LeastTimeout. With more, the machine may have caused the
	// time-outs of the system under test.
	stallShare = 0.05
	// waitShare is the share of the time that programs may wait for a processor, even if
	// each wait is short. With more they run at less than half of their speed, and may
	// not finish in time.
	waitShare = 0.5
	// lateEnough is how many packets, or how many times harness.LeastTimeout, a share
	// needs.
	lateEnough = 20
)

// stall is a phase, or the run, in which the machine was too busy.
type stall struct {
	line int32  // of the phase; 0 is the whole run
	how  string // for people
}

// stalls returns the phases in which the machine stalled: many packets of a direction
// were later than the shortest time-out, or programs waited as long for a processor. It
// returns the whole run if only all phases together show it. Less lateness cannot change
// the experiment; threshold.Doubt says which thresholds it can change.
func (l *Links) stalls() (all []stall) {
	var n, late int64
	l.each(func(s *phase, d direction) {
		n += d.counts.delivered
		late += d.counts.stalled
		if d.counts.delivered >= lateEnough && many(d.counts.stalled, d.counts.delivered) {
			all = append(all, stall{s.Line, fmt.Sprintf("in phase %q %d of %s %s came more than %s late",
				s.Name, d.counts.stalled, harness.Plural(d.counts.delivered, "packet"), d.Direction, harness.LeastTimeout)})
		}
	})
	if len(all) == 0 && many(late, n) {
		all = append(all, stall{0, fmt.Sprintf("%d of %s came more than %s late", late, harness.Plural(n, "packet"), harness.LeastTimeout)})
	}
	return append(all, l.waiting(harness.LeastTimeout, stallShare)...)
}

func many(late, n int64) bool { return float64(late) > stallShare*float64(n) }

// waiting returns the phases in which programs waited for a processor for more than a
// share of the time, counting waits longer than longer. It returns the whole run if only
// all phases together show it. A phase that is too short shows nothing. Programs count as
// waiting while a timer of the harness was late.
func (l *Links) waiting(longer time.Duration, share float64) (all []stall) {
	waits := slices.DeleteFunc(slices.Clone(l.waits), func(w interval.Interval) bool { return w.To-w.From <= longer })
	add := func(line int32, where string, from, to time.Duration) {
		span, waited := to-from, interval.Within(waits, from, to)
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
		s := &l.phases[i]
		add(s.Line, fmt.Sprintf("in phase %q ", s.Name), s.From, l.phases.End(i, l.last))
	}
	if len(all) == 0 {
		add(0, "", 0, l.last)
	}
	return all
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

func (l *Links) meanLate() time.Duration {
	var n int64
	var late time.Duration
	l.each(func(_ *phase, d direction) {
		n += d.counts.delivered
		late += d.counts.late
	})
	return late / time.Duration(max(n, 1))
}
