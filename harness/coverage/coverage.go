// Package coverage counts which situations the payments of a run were in, and which
// faults hit something. It reads the records of a history. An exploration adds up the
// counts of its runs and shows which situations it never reached.
package coverage

import (
	"cmp"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/fault"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
)

// Situation is something that can happen to a payment and that a payment system may
// handle wrongly.
type Situation struct {
	Name    string
	Commits bool // seen only in a subject that reports its durable commits
}

// The situations, by what a history shows of them. An attempt lasts from its
// beginning to the record of its end.
const (
	confirmed   = "confirmed"
	declined    = "declined"
	expired     = "expired"
	failed      = "failed"
	toldUnknown = "told unknown"
	recovered   = "recovered: told unknown, and confirmed later"

	noConnection = "no connection: the attempt ended before one was open"
	requestLost  = "request lost: the attempt failed, nothing was booked"
	answerLost   = "answer lost: the attempt failed, but was booked"
	bookedLate   = "booked after the client gave up the attempt"
	replayed     = "an attempt for a booked payment, answered"
	asked        = "a status query, answered"
	nearDeadline = "booked in the last second before its deadline"
	pressedAgain = "pressed again without an answer"
	pressedTwice = "pressed again, and the first press was booked"

	crashBefore  = "server crash in an attempt, before its commit"
	crashBetween = "server crash in an attempt, between commit and answer"
	clientQueued = "client crash with a payment that was not booked"
	clientBooked = "client crash with a payment that was booked, unknown to it"
	resetInside  = "reset in an attempt"
	rebindInside = "rebind in an attempt"
	darkInside   = "blackhole that began in an attempt"
	together     = "a fault during another one"
)

// Situations returns every situation that is counted, in the order in which a report
// shows them. Faults are counted beside them.
func Situations() []Situation {
	return []Situation{
		{Name: confirmed},
		{Name: declined},
		{Name: expired},
		{Name: failed},
		{Name: toldUnknown},
		{Name: recovered},
		{Name: noConnection},
		{requestLost, true},
		{answerLost, true},
		{bookedLate, true},
		{replayed, true},
		{Name: asked},
		{nearDeadline, true},
		{Name: pressedAgain},
		{pressedTwice, true},
		{crashBefore, true},
		{crashBetween, true},
		{clientQueued, true},
		{clientBooked, true},
		{Name: resetInside},
		{Name: rebindInside},
		{Name: darkInside},
		{Name: together},
	}
}

// Counts is how often each situation was reached in a run, by its name, and how often
// each kind of fault hit something and missed, such as "blackhole hit" and "crash of
// the server missed".
type Counts map[string]int

// Recorder counts the situations of one run from the records of its history. Make it
// with NewRecorder. One goroutine uses it.
type Recorder struct {
	reached  Counts
	timeline []harness.Event
	commits  bool
	payments map[string]*payment
	orders   map[string][]*payment // presses by order
	faults   []begunFault          // in the order in which they began
	inForce  int
}

type payment struct {
	wallet      int
	deadline    time.Duration // offset; 0 is none
	told        bool
	last        harness.Outcome // the latest that its user was told
	seen        [6]bool         // outcomes that its user was told
	committed   bool
	at          time.Duration // of the commit
	unexplained bool          // its last attempt failed and nothing was booked by then
}

type begunFault struct {
	harness.Event
	at      time.Duration
	wallets []int // that it acts on; nil is all
}

// NewRecorder returns a recorder of a run whose history is still to come.
func NewRecorder() *Recorder {
	return &Recorder{reached: Counts{}, payments: map[string]*payment{}, orders: map[string][]*payment{}}
}

// Counts returns what the records so far show. The recorder owns it.
func (c *Recorder) Counts() Counts { return c.reached }

// Add counts what a record shows. Records come in the order of the history.
func (c *Recorder) Add(r history.Record) {
	switch {
	case r.Packet != nil:
	case r.Header != nil:
		c.timeline, c.commits = r.Header.Scenario.Timeline, r.Header.Commits
	case r.Pay != nil:
		c.press(*r.Pay)
	case r.Told != nil:
		c.tell(c.payment(r.Told.Payment), r.Told.Outcome)
	case r.Attempt != nil:
		c.attempt(c.payment(r.Attempt.Payment), *r.Attempt, r.At)
	case r.Committed != "":
		c.commit(c.payment(r.Committed), r.At)
	case r.Fault != nil:
		c.fault(*r.Fault, r.At)
	case r.End != nil:
		for _, p := range c.payments {
			c.explain(p, r.At)
		}
	}
}

func (c *Recorder) payment(id string) *payment {
	p := c.payments[id]
	if p == nil {
		p = &payment{}
		c.payments[id] = p
	}
	return p
}

func (c *Recorder) press(pay harness.Payment) {
	p := c.payment(pay.ID)
	p.wallet, p.deadline = pay.Wallet, pay.Deadline
	before := c.orders[pay.Order]
	if len(before) > 0 {
		c.reached[pressedAgain]++
	}
	if slices.ContainsFunc(before, func(p *payment) bool { return p.committed }) {
		c.reached[pressedTwice]++
	}
	c.orders[pay.Order] = append(before, p)
}

func (c *Recorder) tell(p *payment, o harness.Outcome) {
	if !p.seen[o] {
		p.seen[o] = true
		if name := situationOf(o); name != "" {
			c.reached[name]++
		}
		if o == harness.Confirmed && p.seen[harness.OutcomeUnknown] {
			c.reached[recovered]++
		}
	}
	p.told, p.last = true, o
}

// situationOf returns the situation of being told an outcome. Queued is none: every
// payment may be.
func situationOf(o harness.Outcome) string {
	switch o {
	case harness.Confirmed:
		return confirmed
	case harness.Declined:
		return declined
	case harness.Expired:
		return expired
	case harness.Failed:
		return failed
	case harness.OutcomeUnknown:
		return toldUnknown
	case harness.Queued:
	}
	return ""
}

func (c *Recorder) commit(p *payment, at time.Duration) {
	if p.committed {
		return
	}
	p.committed, p.at = true, at
	if left := p.deadline - at; p.deadline > 0 && left >= 0 && left <= time.Second {
		c.reached[nearDeadline]++
	}
}

func (c *Recorder) attempt(p *payment, a harness.Attempt, at time.Duration) {
	began := at - a.Took
	if !a.NoConnection { // no server saw it, so the attempt before it may still be booked
		c.explain(p, began)
	}
	switch {
	case a.NoConnection:
		c.reached[noConnection]++
	case a.Error == "" && a.Status:
		c.reached[asked]++
	case a.Error == "" && p.committed && p.at < began:
		c.reached[replayed]++
	case a.Error == "":
	case p.committed && p.at >= began:
		c.reached[answerLost]++
	case !p.committed:
		p.unexplained = true
	}
	for _, f := range slices.Backward(c.faults) {
		if f.at <= began {
			break
		}
		if f.wallets == nil || slices.Contains(f.wallets, p.wallet) {
			c.inside(p, f, began)
		}
	}
}

// explain counts what a failed attempt came to, when the next one begins or the
// history ends.
func (c *Recorder) explain(p *payment, now time.Duration) {
	if !p.unexplained || !c.commits {
		return
	}
	p.unexplained = false
	if p.committed && p.at <= now {
		c.reached[bookedLate]++
		return
	}
	c.reached[requestLost]++
}

func (c *Recorder) inside(p *payment, f begunFault, began time.Duration) {
	booked := p.committed && p.at <= f.at
	switch {
	case f.Action == harness.Reset:
		c.reached[resetInside]++
	case f.Action == harness.Rebind:
		c.reached[rebindInside]++
	case f.Action == harness.Blackhole:
		c.reached[darkInside]++
	case f.Action != harness.Crash || f.Side != harness.Server || !c.commits:
	case booked && p.at >= began:
		c.reached[crashBetween]++
	case !booked:
		c.reached[crashBefore]++
	}
}

func (c *Recorder) fault(n history.FaultNote, at time.Duration) {
	if n.Event < 0 || n.Event >= len(c.timeline) {
		return
	}
	e := c.timeline[n.Event]
	if n.Ended {
		c.inForce--
		c.reached[fault.Name(e)+map[bool]string{true: " hit", false: " missed"}[n.Hits > 0]]++
		return
	}
	if c.inForce > 0 {
		c.reached[together]++
	}
	c.inForce++
	c.faults = append(c.faults, begunFault{e, at, n.Wallets})
	if e.Action != harness.Crash || e.Side != harness.Client || !c.commits {
		return
	}
	for _, p := range c.payments {
		if n.Wallets != nil && !slices.Contains(n.Wallets, p.wallet) {
			continue
		}
		switch open := p.told && !p.last.Final(); {
		case open && p.committed:
			c.reached[clientBooked]++
		case open:
			c.reached[clientQueued]++
		}
	}
}

// Total is the sum of the counts of several runs. The zero value is ready to use.
type Total struct {
	times, runs map[string]int
}

// Add adds the counts of a run.
func (t *Total) Add(c Counts) {
	if t.times == nil {
		t.times, t.runs = map[string]int{}, map[string]int{}
	}
	for name, n := range c {
		t.times[name] += n
		t.runs[name]++
	}
}

// Reached returns how often each situation was reached, those that never were
// included, and after them how often each kind of fault that the scenarios may have
// hit something, and how often it missed, if it did.
func (t *Total) Reached(list []harness.Scenario) []result.Reached {
	var all []result.Reached
	row := func(name string) {
		all = append(all, result.Reached{Name: name, Times: t.times[name], Runs: t.runs[name]})
	}
	for _, s := range Situations() {
		row(s.Name)
	}
	for _, kind := range faultKinds(list) {
		row(kind + " hit")
		if missed := kind + " missed"; t.times[missed] > 0 {
			row(missed)
		}
	}
	return all
}

// faultKinds returns the kinds of faults that scenarios may have, in the order of
// their actions.
func faultKinds(list []harness.Scenario) []string {
	var events []harness.Event
	for _, sc := range list {
		events = append(events, sc.Timeline...)
		for _, n := range sc.Nemesis {
			events = append(events, n.Event)
		}
	}
	events = slices.DeleteFunc(events, func(e harness.Event) bool { return !fault.Counts(e.Action) })
	slices.SortStableFunc(events, func(a, b harness.Event) int {
		return cmp.Or(cmp.Compare(a.Action, b.Action), cmp.Compare(fault.Name(a), fault.Name(b)))
	})
	var kinds []string
	for _, e := range events {
		kinds = append(kinds, fault.Name(e))
	}
	return slices.Compact(kinds)
}
