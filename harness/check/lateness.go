package check

import (
	"fmt"
	"time"

	"github.com/onebar/onebar/harness"
)

const (
	// stallShare of the packets, or of the time of the programs, may be late by more
	// than harness.LeastTimeout. With more, the time-outs that the system under test
	// has met are the machine's.
	stallShare = 0.05
	// waitShare of the time programs may wait for a processor, however short each
	// wait is. With more they run at less than half of their speed.
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
// than a time-out bears, in a direction with enough packets, or programs waited for
// a processor, see waited. It is the whole run if only all phases together show it.
// Less lateness than that cannot turn what the checks find, and which thresholds it
// can turn is for metric.Doubt.
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
	for i := range j.links.phases {
		s, end := &j.links.phases[i], j.last
		if i+1 < len(j.links.phases) {
			end = j.links.phases[i+1].from
		}
		if how := j.links.waited(s.from, end); how != "" {
			all = append(all, stall{s.line, fmt.Sprintf("in phase %q %s", s.Name, how)})
		}
	}
	if len(all) > 0 {
		return all
	}
	if many(late, n) {
		all = append(all, stall{0, fmt.Sprintf("%d of %s came more than %s late", late, plural(int(n), "packet"), harness.LeastTimeout)})
	}
	if how := j.links.waited(0, j.last); how != "" {
		all = append(all, stall{0, how})
	}
	return all
}

// many reports whether more than stallShare of n are late.
func many(late, n int64) bool { return float64(late) > stallShare*float64(n) }

// waited says how long programs waited for a processor in a time, or nothing if it
// was not for long, or the time is too short to say. They are taken to have waited
// while a timer of the harness was late.
func (l *links) waited(from, to time.Duration) string {
	span := to - from
	if span < lateEnough*harness.LeastTimeout {
		return ""
	}
	var all, long time.Duration
	for _, w := range l.waits {
		d := min(to, w.to) - max(from, w.from)
		if d <= 0 {
			continue
		}
		all += d
		if w.to-w.from > harness.LeastTimeout {
			long += d
		}
	}
	round := func(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }
	switch {
	case many(int64(long), int64(span)):
		return fmt.Sprintf("programs waited for a processor for %s of %s, more than %s at a time", round(long), round(span), harness.LeastTimeout)
	case float64(all) > waitShare*float64(span):
		return fmt.Sprintf("programs waited for a processor for %s of %s", round(all), round(span))
	}
	return ""
}

// Busy says how the machine stalled, or nothing if it did not. Then the load and
// the impairment may not be as asked, and payments may have been tried more often or
// have no outcome yet, only because the machine had too much to do.
func (j *Judge) Busy() string {
	if all := j.stalls(); len(all) > 0 {
		return all[0].how
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
