package check

import (
	"fmt"
	"time"
)

const (
	// stallTime is the lateness of a packet that a retransmission time-out does not
	// bear: it is the least that the time-out has beyond the round trip (200 ms in
	// Linux and in package packet).
	stallTime = 200 * time.Millisecond
	// stallShare of the packets may be as late as that. With more, the time-outs that
	// the system under test has met are the machine's.
	stallShare = 0.05
	// A machine is busy if packets are late by more than this much, or this share of
	// the delay asked, whichever is more, on average.
	busyTime  = 5 * time.Millisecond
	busyShare = 0.05
	// lateEnough is how many packets make an average or a share.
	lateEnough = 20
)

// stalls wants few packets to have been late by a time-out, in each direction of
// each phase with enough packets, and over the run. Less lateness than that cannot
// turn what the checks find, and which thresholds it can turn is for metric.Doubt.
func (j *Judge) stalls(a *answer) {
	var n, stalled int64
	many := func(stalled, n int64) bool { return float64(stalled) > stallShare*float64(n) }
	j.links.each(func(s *stretch, w way) {
		n += w.met.delivered
		stalled += w.met.stalled
		if w.met.delivered >= lateEnough && many(w.met.stalled, w.met.delivered) {
			doubtful(a, s.line, "machine too busy: in phase %q %d of %s %s came more than %s late",
				s.Name, w.met.stalled, plural(int(w.met.delivered), "packet"), w.Direction, stallTime)
		}
	})
	if a.count == 0 && many(stalled, n) {
		doubtful(a, 0, "machine too busy: %d of %s came more than %s late", stalled, plural(int(n), "packet"), stallTime)
	}
}

// Busy says how late packets came, if the machine had too much to do, or nothing.
// It is no verdict: it says why an experiment may not have been as asked, and that
// it may be so on a machine that has less to do.
func (j *Judge) Busy() (how string) {
	var n, stalled int64
	j.links.each(func(s *stretch, w way) {
		d := w.met.delivered
		n += d
		stalled += w.met.stalled
		limit := max(busyTime, time.Duration(busyShare*float64(w.Delay)))
		if how == "" && d >= lateEnough && w.met.late > limit*time.Duration(d) {
			how = fmt.Sprintf("in phase %q packets %s came %s late on average", s.Name, w.Direction, rounded(w.met.late/time.Duration(d)))
		}
	})
	switch late := j.links.late(); {
	case how != "":
	case stalled > 0:
		how = fmt.Sprintf("%d of %s came more than %s late", stalled, plural(int(n), "packet"), stallTime)
	case late > busyTime:
		how = fmt.Sprintf("packets came %s late on average", rounded(late))
	}
	return how
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

func rounded(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
