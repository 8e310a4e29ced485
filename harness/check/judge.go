package check

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/attempts"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/impairment"
	"github.com/onebar/onebar/harness/interval"
	"github.com/onebar/onebar/harness/result"
)

// Judge reads a history record by record and keeps what the checks need. It is
// not safe for concurrent use. Make it with New.
type Judge struct {
	header *history.Header
	end    *history.End
	lines  int // records read

	payments []payment // in the order they are first mentioned
	byID     map[string]int32
	orders   []order
	byOrder  map[string]int32
	names    map[string]string // accounts and currencies, each kept once

	postings    int
	alterations answer // found as the postings are read
	phantoms    answer
	others      answer // postings for payments of another run
	moved       map[account]*moves
	balances    []balance
	stopped     []interval.Interval // when the server could not go on
	holding     history.Occurrences // the faults that hold it up now

	tried attempts.Attempts

	refuse  map[string]string // why a payment must be refused, by its id
	reasons map[string]string // why a payment was declined last, by its id
	late    map[string]late   // the commits after the deadline, by payment

	attempts int              // attempts and status queries recorded, failed dials included
	paces    map[string]*pace // of payments that the server or the scenario asks for more attempts

	links impairment.Links
}

// New returns a Judge of an empty history.
func New() *Judge {
	return &Judge{
		byID:    make(map[string]int32),
		byOrder: make(map[string]int32),
		names:   make(map[string]string),
		moved:   make(map[account]*moves),
		refuse:  make(map[string]string),
		reasons: make(map[string]string),
		late:    make(map[string]late),
	}
}

// payment is what a history says about one press. A line is 0 if that did not happen.
type payment struct {
	id                     string
	payer, payee, currency string
	amount                 int64
	deadline               time.Duration // offset; 0 is none

	wallet    int32 // who pressed; -1 if nobody has
	order     int32 // index in Judge.orders
	next      int32 // the order's next press, or -1
	pressed   int32 // line
	pressed2  int32 // line of a second press with this id
	accepted  int32 // line of the first time it was told queued or unknown
	queued    int32 // line of the first time it was told queued
	unknown   int32 // line of the first time it was told unknown
	confirmed int32 // line of the first time it was told confirmed
	final     int32 // line of the first final outcome
	flip      int32 // line of the first other outcome after that
	told      int32 // line of the last outcome
	committed int32 // line
	held      int32 // line
	posted    int32 // line of the first posting with this id
	attempts  int32 // attempts and status queries that reached a connection
	attempted int32 // line of the last of them
	dials     int32 // attempts and status queries that ended before one was open

	last, firstFinal, flippedTo harness.Outcome
}

// order is what a history says about one purchase.
type order struct {
	id        string
	first     int32    // index of its first press in Judge.payments
	last      int32    // and of its latest
	postings  int32    // all that belong to it
	lines     [2]int32 // of the first two of them
	anonymous int32    // line of the first posting that names the order and no press of it
	committed int32    // line of the first commit of any press
}

// Add reads the next record. It keeps strings and numbers of it.
func (j *Judge) Add(r history.Record) {
	j.lines++
	line := int32(r.Line)
	if line == 0 {
		line = int32(j.lines)
	}
	j.links.Add(&r, line)
	j.tried.Add(&r)
	switch {
	case r.Packet != nil:
	case r.Attempt != nil:
		j.attempts++
		p := j.payment(r.Attempt.Payment)
		j.tried.Attempt(r.Attempt, int(p.wallet), r.At, line)
		if r.Attempt.NoConnection {
			p.dials++
			break
		}
		p.attempted = line
		if !j.paced(r.Attempt, r.At, line) {
			p.attempts++
		}
	case r.Told != nil:
		p := j.payment(r.Told.Payment)
		p.tell(r.Told.Outcome, line)
		if r.Told.Outcome == harness.Declined {
			j.reasons[p.id] = j.name(r.Told.Reason)
		}
	case r.Pay != nil:
		j.press(r.Pay, line)
	case r.Committed != "":
		j.commit(r.Committed, r.At, line)
	case r.Posting != nil:
		j.post(r.Posting, line)
	case r.Held != "":
		j.payment(r.Held).held = line
	case r.Balance != nil:
		j.balances = append(j.balances, balance{*r.Balance, line})
	case r.Fault != nil:
		j.fault(r.Fault, r.At)
	case r.Header != nil:
		j.header = r.Header
	case r.End != nil:
		j.end = r.End
	}
}

// Busy says how the machine was too slow for the run, or nothing; see
// impairment.Links.Busy.
func (j *Judge) Busy() string { return j.links.Busy() }

// Attempts says how the attempts ended, see result.Result.
func (j *Judge) Attempts() []result.AttemptStat {
	kinds, _ := j.tried.Judge()
	return kinds
}

// Verdicts answers every check, in the order of Checks. It may be asked again
// after more records.
func (j *Judge) Verdicts() []result.Verdict {
	var all []result.Verdict
	for _, q := range questions() {
		a := q.ask(j)
		all = append(all, a.verdict(q.Check))
	}
	return all
}

// payment returns the state of a payment, which is new if no earlier record mentions it.
// The pointer is valid until the next call.
func (j *Judge) payment(id string) *payment {
	i, ok := j.byID[id]
	if !ok {
		i = int32(len(j.payments))
		j.byID[id] = i
		j.payments = append(j.payments, payment{id: id, wallet: -1, order: -1, next: -1})
	}
	return &j.payments[i]
}

func (j *Judge) press(pay *harness.Payment, line int32) {
	p := j.payment(pay.ID)
	if p.pressed != 0 {
		p.pressed2 = line
		return
	}
	p.pressed = line
	p.amount, p.deadline = pay.Amount, pay.Deadline
	p.wallet = int32(pay.Wallet)
	if pay.Refuse != "" {
		j.refuse[p.id] = pay.Refuse
	}
	p.payer, p.payee, p.currency = j.name(pay.Payer), j.name(pay.Payee), j.name(pay.Currency)
	this := j.byID[pay.ID]
	o, ok := j.byOrder[pay.Order]
	if !ok || pay.Order == "" {
		o = int32(len(j.orders))
		j.orders = append(j.orders, order{id: pay.Order, first: this, last: this})
		if pay.Order != "" {
			j.byOrder[pay.Order] = o
		}
	} else {
		j.payments[j.orders[o].last].next = this
		j.orders[o].last = this
	}
	p.order = o
}

// name returns s. Equal names share one copy in memory.
func (j *Judge) name(s string) string {
	if known, ok := j.names[s]; ok {
		return known
	}
	j.names[s] = s
	return s
}

func (p *payment) tell(o harness.Outcome, line int32) {
	if p.final != 0 && p.flip == 0 && o != p.firstFinal {
		p.flip, p.flippedTo = line, o
	}
	switch {
	case o.Final() && p.final == 0:
		p.final, p.firstFinal = line, o
	case !o.Final() && p.accepted == 0:
		p.accepted = line
	}
	if o == harness.Queued && p.queued == 0 {
		p.queued = line
	}
	if o == harness.OutcomeUnknown && p.unknown == 0 {
		p.unknown = line
	}
	if o == harness.Confirmed && p.confirmed == 0 {
		p.confirmed = line
	}
	p.last, p.told = o, line
}

func (j *Judge) commit(id string, at time.Duration, line int32) {
	p := j.payment(id)
	if by := j.overdueBy(p, at); by > j.late[id].by {
		j.late[id] = late{by, line}
	}
	if p.committed == 0 {
		p.committed = line
	}
	if p.order >= 0 && j.orders[p.order].committed == 0 {
		j.orders[p.order].committed = line
	}
}

func (j *Judge) presses(o *order) iter.Seq[*payment] {
	return func(yield func(*payment) bool) {
		for i := o.first; i >= 0; i = j.payments[i].next {
			if !yield(&j.payments[i]) {
				return
			}
		}
	}
}

// asked yields every payment that was pressed, with its order.
func (j *Judge) asked() iter.Seq2[*payment, *order] {
	return func(yield func(*payment, *order) bool) {
		for i := range j.payments {
			p := &j.payments[i]
			if p.pressed != 0 && !yield(p, &j.orders[p.order]) {
				return
			}
		}
	}
}

func (p *payment) refused() bool { return p.last.Refused() }

// incomplete says why the history is not that of a whole run, or nothing.
func (j *Judge) incomplete() string {
	switch {
	case j.header == nil:
		return "the history has no header: its first line is missing"
	case j.header.Version > history.Version:
		return fmt.Sprintf("the history has version %d and this onebar knows %d: judge it with a newer one",
			j.header.Version, history.Version)
	case j.end == nil:
		return "the history has no end: the run was killed, or is still going on"
	case j.end.Error != "":
		return "the run broke off: " + j.end.Error
	case j.end.Interrupted:
		return "the run was interrupted"
	}
	return ""
}

// ledgerDoubt says why postings may be missing from the history, or nothing. It returns
// nothing, too, if the subject has no ledger, see noLedger.
func (j *Judge) ledgerDoubt() string {
	if s := j.incomplete(); s != "" {
		return s
	}
	if !j.end.LedgerRead && !j.end.NoLedger {
		return "the ledger was not read"
	}
	if j.end.LedgerMoving {
		return "the ledger still changed when settle was over: make settle longer"
	}
	return ""
}

// noLedger says that there is no ledger to judge by, or nothing.
func (j *Judge) noLedger() string {
	if j.end == nil || !j.end.NoLedger {
		return ""
	}
	return "the subject has no ledger to read: nobody knows what was booked"
}

// noPosting says that there is no posting to judge, or nothing.
func (j *Judge) noPosting() string {
	if s := j.noLedger(); s != "" || j.postings > 0 {
		return s
	}
	return "nothing was posted"
}

// label names a payment in a summary.
func (j *Judge) label(p *payment) string {
	if o := j.orderID(p); o != "" {
		return p.id + " (order " + o + ")"
	}
	return p.id
}

func (j *Judge) orderID(p *payment) string {
	if p.order < 0 {
		return ""
	}
	return j.orders[p.order].id
}

// finding returns evidence about p: its label and a text, with the lines that are not 0,
// in ascending order.
func (j *Judge) finding(p *payment, text string, lines ...int32) result.Finding {
	return result.Finding{
		Text: j.label(p) + " " + text, Payment: p.id, Order: j.orderID(p), Lines: sorted(lines),
	}
}

func sorted(lines []int32) []int {
	var all []int
	for _, l := range lines {
		if l != 0 {
			all = append(all, int(l))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
