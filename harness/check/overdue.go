package check

import (
	"fmt"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/interval"
)

// commitTime is how long after its deadline a booking may become durable: a server
// compares the deadline with its clock and commits after that. A commit on a phone's flash
// takes up to about a second; a server's queue of commits may double it.
const commitTime = 2 * time.Second

type late struct {
	by   time.Duration
	line int32
}

// overdue: durable after Payment.Deadline, by more than commitTime and the time for which
// a fault held the server up in between. It is unknown if the machine was too busy.
func (j *Judge) overdue() answer {
	a := answer{fail: "booked after its deadline", doubt: j.incomplete(), busy: j.Busy()}
	if j.header != nil && !j.header.Commits {
		a.lacks = "the subject does not report its commits"
		return a
	}
	if j.header != nil && !j.header.Deadlines {
		a.lacks = "the subject does not say that it keeps deadlines"
		return a
	}
	committed, silent, deadlines := 0, 0, 0
	for p, o := range j.asked() {
		if p.deadline > 0 {
			deadlines++
		}
		switch {
		case j.late[p.id].by > 0:
			a.found(j.label(p), j.finding(p, fmt.Sprintf("was booked %v after its deadline", j.late[p.id].by.Round(time.Millisecond)), p.pressed, j.late[p.id].line))
		case p.committed != 0:
			committed++
		case p.posted != 0 && o.committed == 0:
			silent++
		}
	}
	switch {
	case deadlines == 0:
		a.lacks = "no payment has a deadline"
	case silent > 0 && a.doubt == "":
		a.doubt = fmt.Sprintf("the commit of %s posted was never reported", harness.Plural(silent, "payment"))
	}
	a.pass = fmt.Sprintf("%d committed, none after its deadline", committed)
	return a
}

// overdueBy returns by how much the commit of p at an offset came after its deadline; 0 is
// in time.
func (j *Judge) overdueBy(p *payment, at time.Duration) time.Duration {
	if p.deadline == 0 || at <= p.deadline+commitTime {
		return 0
	}
	stopped := slices.Clone(j.stopped)
	for began := range j.holding.Open() {
		stopped = append(stopped, interval.Interval{From: began, To: at})
	}
	by := at - p.deadline
	if by-interval.Within(interval.Join(stopped, 0), p.deadline, at) <= commitTime {
		return 0
	}
	return by
}

// fault remembers when the server could not commit, or not report it: it was frozen, its
// disk was slow, or it was down. A booking that was durable before a crash is reported after
// the restart.
func (j *Judge) fault(f *history.FaultNote, at time.Duration) {
	holdsUp := f.Action == harness.Freeze || f.Action == harness.SlowDisk || f.Action == harness.Crash
	if !holdsUp || j.header == nil || f.Event >= len(j.header.Scenario.Timeline) ||
		j.header.Scenario.Timeline[f.Event].Side == harness.Client {
		return
	}
	if began, over := j.holding.Add(f, at); over {
		j.stopped = interval.Join(append(j.stopped, interval.Interval{From: began, To: at}), 0)
	}
}
