package story

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
)

const ms = time.Millisecond

// teller tells one story from the records of a history.
type teller struct {
	story result.Story
	order string // of the payment; empty if the finding does not name it

	events  []harness.Event      // of the timeline
	inForce map[int][]occurrence // the faults that have not ended, by event
	account account              // of a story of an account
	wallets map[int]bool         // whose packets are told

	deadlines map[string]time.Duration // by payment; none if it has none

	begun   bool               // its user has pressed pay
	open    map[string]bool    // presses without a final outcome
	read    bool               // the ledger is being read
	pending []result.StoryLine // since the last line, told if something happens after it
	lost    [3]int             // packets since the last line, by direction
	passed  [3]int
	first   time.Duration // when the first of the lost was sent

	tail []result.StoryLine // of a long story, what comes after the first half
	left int                // lines left out between the two
}

// occurrence is a fault that has begun.
type occurrence struct {
	at      time.Duration
	wallets []int // as history.FaultNote has them
}

func newTeller(check string, f result.Finding) *teller {
	return &teller{
		story: result.Story{Payment: f.Payment, Account: f.Account, Checks: []string{check}},
		order: f.Order, inForce: map[int][]occurrence{}, wallets: map[int]bool{},
		account: account{payments: map[string]bool{}}, deadlines: map[string]time.Duration{}, open: map[string]bool{},
	}
}

// of reports whether a finding is about the same payment, order or account.
func (t *teller) of(f result.Finding) bool {
	if f.Account != "" || t.story.Account != "" {
		return f.Account == t.story.Account
	}
	return press(f.Payment) == press(t.story.Payment)
}

// about reports whether a payment belongs to the story.
func (t *teller) about(payment string) bool {
	if payment == "" {
		return false
	}
	if t.story.Account != "" {
		return t.account.payments[press(payment)]
	}
	return press(payment) == press(t.story.Payment)
}

// record reads the next record.
func (t *teller) record(r *history.Record) {
	switch {
	case r.Packet != nil:
		t.packet(r.Packet)
	case r.Header != nil:
		t.events = r.Header.Scenario.Timeline
	case r.Fault != nil:
		t.fault(r.At, r.Fault)
	case r.Pay != nil:
		t.pay(r.At, r.Pay)
	case r.Attempt != nil && t.about(r.Attempt.Payment):
		t.attempt(r.At, r.Attempt)
	case r.Told != nil && t.about(r.Told.Payment):
		t.told(r.At, r.Told)
	case t.about(r.Committed):
		t.committed(r.At, r.Committed)
	case r.Posting != nil:
		t.posting(r.At, r.Posting)
	case r.Balance != nil && t.story.Account != "" && r.Balance.Account == t.story.Account:
		t.atRest()
		for _, text := range t.account.closes(r.Balance) {
			t.line(r.At, "%s", text)
		}
	case t.about(r.Held):
		t.line(r.At, "%sits phone still holds it", t.which(r.Held))
	}
}

// which names a payment at the begin of a line of a story about several.
func (t *teller) which(payment string) string {
	if t.story.Account == "" && payment == t.story.Payment {
		return ""
	}
	return payment + ": "
}

func (t *teller) pay(at time.Duration, p *harness.Payment) {
	if t.story.Account != "" {
		t.account.asked(p, t.story.Account)
	}
	if !t.about(p.ID) {
		return
	}
	t.wallets[p.Wallet], t.deadlines[p.ID] = true, p.Deadline
	first := !t.begun
	t.begun, t.open[p.ID] = true, true
	t.line(at, "%s presses pay: %s to %s (%s)", p.Payer, harness.FormatMoney(p.Amount, p.Currency), p.Payee, p.ID)
	if first {
		t.present(at)
	}
}

// present tells the faults that are in force when the story begins.
func (t *teller) present(at time.Duration) {
	for i := range t.events {
		if j := slices.IndexFunc(t.inForce[i], func(b occurrence) bool { return t.concerns(b.wallets) }); j >= 0 {
			t.line(at, "-- %s: since %.3fs", t.event(i, t.events[i].Action), t.inForce[i][j].at.Seconds())
		}
	}
}

func (t *teller) attempt(at time.Duration, a *harness.Attempt) {
	came := a.Answer
	switch {
	case a.Error != "":
		came = a.Error
	case came == "":
		came = "an answer came"
	}
	what := "attempt"
	if a.Status {
		what = "status query"
	}
	t.line(at, "%s%s %d ended after %s: %s", t.which(a.Payment), what, a.N, a.Took.Round(ms), came)
}

func (t *teller) told(at time.Duration, told *harness.Told) {
	if told.Outcome.Final() {
		delete(t.open, told.Payment)
	}
	why := ""
	if told.Reason != "" {
		why = ": " + told.Reason
	}
	if told.GivenUp {
		why += "; the app gives up"
	}
	t.line(at, "%sthe user is told %s%s", t.which(told.Payment), told.Outcome, why)
}

func (t *teller) committed(at time.Duration, payment string) {
	late := ""
	if by := t.deadlines[payment]; by > 0 && at > by {
		late = fmt.Sprintf(", %s after its deadline", (at - by).Round(ms))
	}
	t.line(at, "%sthe server has booked it durably%s", t.which(payment), late)
}

func (t *teller) packet(p *harness.Packet) {
	if !t.begun || !t.wallets[p.Client] || p.Copy || p.Cross || p.Link != "" {
		return
	}
	if p.Drop == harness.DropNone {
		t.passed[p.Direction]++
		return
	}
	if t.lost[harness.Up]+t.lost[harness.Down] == 0 {
		t.first = p.At
	}
	t.lost[p.Direction]++
}

// event names an event of the timeline: what it does, to whom and in which direction.
func (t *teller) event(i int, action harness.Action) string {
	what := action.String()
	if i >= len(t.events) {
		return what
	}
	e := t.events[i]
	if e.Side != harness.SideUnknown {
		what += " of the " + e.Side.String()
	}
	if e.Direction != harness.DirectionUnknown {
		what += " " + e.Direction.String()
	}
	if e.On != "" {
		what += " on " + e.On
	}
	return what
}

// concerns reports whether a fault that chose wallets is a part of the story: one that chose
// none is, and one that chose a phone whose packets are told.
func (t *teller) concerns(wallets []int) bool {
	return wallets == nil || slices.ContainsFunc(wallets, func(w int) bool { return t.wallets[w] })
}

func (t *teller) fault(at time.Duration, f *history.FaultNote) {
	what, began := "-- "+t.event(f.Event, f.Action), t.inForce[f.Event]
	switch {
	case !f.Ended:
		t.inForce[f.Event] = append(began, occurrence{at, f.Wallets})
	case len(began) > 0:
		i := max(0, slices.IndexFunc(began, func(b occurrence) bool { return slices.Equal(b.wallets, f.Wallets) }))
		first := began[i].at
		t.inForce[f.Event] = slices.Delete(began, i, i+1)
		if at-first < ms && f.Error == "" {
			return // a fault without a duration
		}
		what += ": over"
	}
	if f.Error != "" {
		what += ", failed: " + f.Error
	}
	if t.begun && t.concerns(f.Wallets) {
		t.note(at, "%s", what)
	}
}

func (t *teller) posting(at time.Duration, p *harness.Posting) {
	t.atRest()
	if t.story.Account != "" {
		t.account.posted(p, t.story.Account)
		if p.Payer != t.story.Account && p.Payee != t.story.Account {
			return
		}
	} else if !t.about(p.Payment) && (p.Order == "" || p.Order != t.order) {
		return
	}
	of := ""
	if p.Payment != "" && p.Payment != t.story.Payment {
		of = " (" + p.Payment + ")"
	}
	t.line(at, "in the ledger: posting %s, %s from %s to %s%s", p.ID, harness.FormatMoney(p.Amount, p.Currency), p.Payer, p.Payee, of)
}

// atRest ends what is told of the network: the ledger is read, or the history ends. What
// came last is told if the payment has no final outcome, for which it may be the reason.
func (t *teller) atRest() {
	if t.read {
		return
	}
	if t.read = true; len(t.open) > 0 {
		t.packets()
		t.tell()
	}
	t.pending, t.lost, t.passed = nil, [3]int{}, [3]int{}
}

// line tells an event, and what came before it.
func (t *teller) line(at time.Duration, format string, args ...any) {
	t.note(at, format, args...)
	t.tell()
}

// tell tells what is pending.
func (t *teller) tell() {
	for _, l := range t.pending {
		t.add(l)
	}
	t.pending = nil
}

// note keeps an event beside the payment. It is told if something happens to the payment
// after it.
func (t *teller) note(at time.Duration, format string, args ...any) {
	t.packets()
	t.keep(at, fmt.Sprintf(format, args...))
}

// packets keeps a line about the packets that were lost since the last line.
func (t *teller) packets() {
	for _, d := range []harness.Direction{harness.Up, harness.Down} {
		if t.lost[d] > 0 {
			t.keep(t.first, fmt.Sprintf("%s %s: %d lost", harness.Plural(t.lost[d]+t.passed[d], "packet"), d, t.lost[d]))
		}
	}
	t.lost, t.passed = [3]int{}, [3]int{}
}

func (t *teller) keep(at time.Duration, text string) {
	t.pending = append(t.pending, result.StoryLine{At: at, Text: strings.Join(strings.Fields(text), " ")})
	if len(t.pending) > MostLines {
		t.pending = t.pending[1:] // it would be left out
	}
}

// add appends a line to the first half, or else to the second, which forgets its oldest.
func (t *teller) add(l result.StoryLine) {
	if len(t.story.Lines) < MostLines/2 {
		t.story.Lines = append(t.story.Lines, l)
		return
	}
	t.tail = append(t.tail, l)
	if len(t.tail) >= MostLines/2 {
		t.tail = t.tail[1:]
		t.left++
	}
}

// end returns the story.
func (t *teller) end() result.Story {
	t.atRest()
	if t.left > 0 {
		t.story.Lines = append(t.story.Lines, result.StoryLine{At: t.tail[0].At, Text: fmt.Sprintf("(%s left out)", harness.Plural(t.left, "line"))})
	}
	t.story.Lines = append(t.story.Lines, t.tail...)
	return t.story
}
