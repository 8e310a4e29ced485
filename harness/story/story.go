// Package story writes what happened to one payment: its attempts, what its user was
// told, the faults meanwhile and the packets of its phone. It reads a history.
package story

import (
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
)

// writer writes what a history says of one payment, one line for each event.
type writer struct {
	w       io.Writer
	finding result.Finding
	wallet  int
	asked   bool
	actions []harness.Event // of the timeline
	lost    [3]int          // packets of the wallet since the last line, by direction
	passed  [3]int
	pending []string // notes since the last line
	booked  bool     // the ledger is being read
}

// Write writes what records say of the payment of a finding, one line for each event,
// with every press of its order. It stops at the first record that cannot be read; an
// error of w is ignored.
func Write(w io.Writer, records iter.Seq2[history.Record, error], f result.Finding) {
	t := writer{w: w, finding: f}
	for r, err := range records {
		if err != nil {
			return // whoever judged the history has said so
		}
		t.record(r)
	}
}

// line writes what happened to the payment at an offset, and what came before it.
func (t *writer) line(at time.Duration, format string, args ...any) {
	t.note(at, format, args...)
	for _, text := range t.pending {
		fmt.Fprintln(t.w, text)
	}
	t.pending = nil
}

// note keeps an event beside the payment. It is written only if something happens to
// the payment after it.
func (t *writer) note(at time.Duration, format string, args ...any) {
	for _, d := range []harness.Direction{harness.Up, harness.Down} {
		if t.lost[d] > 0 {
			t.pending = append(t.pending, fmt.Sprintf("  %10s   %d packets %s: %d lost", "", t.lost[d]+t.passed[d], d, t.lost[d]))
		}
	}
	t.lost, t.passed = [3]int{}, [3]int{}
	text := strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " ") // one line
	t.pending = append(t.pending, fmt.Sprintf("  %10.3fs  %s", at.Seconds(), text))
}

// about reports whether a payment is a press of the order of the finding.
func (t *writer) about(payment string) bool {
	first, _, _ := strings.Cut(payment, ".")
	of, _, _ := strings.Cut(t.finding.Payment, ".")
	return payment != "" && first == of
}

func (t *writer) record(r history.Record) {
	switch {
	case r.Header != nil:
		t.actions = r.Header.Scenario.Timeline
	case r.Packet != nil:
		t.packet(*r.Packet)
	case r.Fault != nil:
		t.fault(r.At, *r.Fault)
	case r.Pay != nil && t.about(r.Pay.ID):
		t.asked, t.wallet = true, r.Pay.Wallet
		t.line(r.At, "%s presses pay: %s to %s (%s)", r.Pay.Payer, harness.FormatMoney(r.Pay.Amount, r.Pay.Currency), r.Pay.Payee, r.Pay.ID)
	case r.Attempt != nil && t.about(r.Attempt.Payment):
		came := "an answer came"
		if r.Attempt.Error != "" {
			came = r.Attempt.Error
		}
		t.line(r.At, "attempt %d ended after %s: %s", r.Attempt.N, r.Attempt.Took.Round(time.Millisecond), came)
	case r.Told != nil && t.about(r.Told.Payment):
		why := ""
		if r.Told.Reason != "" {
			why = ": " + r.Told.Reason
		}
		t.line(r.At, "the user is told %s%s", r.Told.Outcome, why)
	case t.about(r.Committed):
		t.line(r.At, "the server has booked it durably")
	case r.Posting != nil:
		t.posting(r.At, *r.Posting)
	case t.about(r.Held):
		t.line(r.At, "its phone still holds it")
	}
}

func (t *writer) packet(p harness.Packet) {
	if !t.asked || p.Client != t.wallet || p.Copy || p.Cross {
		return
	}
	if p.Drop == harness.DropNone {
		t.passed[p.Direction]++
	} else {
		t.lost[p.Direction]++
	}
}

func (t *writer) fault(at time.Duration, f history.FaultNote) {
	what := f.Action.String()
	if f.Event < len(t.actions) {
		e := t.actions[f.Event]
		if e.Side != harness.SideUnknown {
			what += " of the " + e.Side.String()
		}
		if e.Direction != harness.DirectionUnknown {
			what += " " + e.Direction.String()
		}
	}
	if f.Ended {
		t.note(at, "-- %s: over", what)
		return
	}
	t.note(at, "-- %s", what)
}

func (t *writer) posting(at time.Duration, p harness.Posting) {
	if t.about(p.Payment) || p.Order != "" && p.Order == t.finding.Order {
		if !t.booked {
			t.booked, t.pending = true, nil // the ledger is read after the run
		}
		t.line(at, "in the ledger: posting %s, %s from %s to %s", p.ID, harness.FormatMoney(p.Amount, p.Currency), p.Payer, p.Payee)
	}
}
