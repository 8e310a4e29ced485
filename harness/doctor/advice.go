package doctor

import (
	"fmt"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/exchange"
	"github.com/onebar/onebar/harness/result"
)

// must gives advice without which a run would say nothing.
func (e *examination) must(text, yaml string) {
	e.advice = append(e.advice, result.Advice{Must: true, Text: text, YAML: yaml})
}

// note gives advice that is good to know.
func (e *examination) note(text, yaml string) {
	e.advice = append(e.advice, result.Advice{Text: text, YAML: yaml})
}

// sentence ends a text with a full stop.
func sentence(text string) string { return strings.TrimRight(text, ".\n ") + "." }

func (e *examination) advise() {
	for _, s := range e.steps {
		if s.HTTP != nil {
			e.answer(s)
		}
	}
	if len(e.asked) == 0 {
		return // no payment was made, and the error says why
	}
	e.outcome()
	e.bookings()
	e.client()
	e.ledger()
	e.abilities()
}

func (e *examination) outcome() {
	if len(e.told) == 0 {
		e.must("The payer was told nothing before the run was over: see the attempts above, and make settle longer than the client takes to give up.", "settle: 90s")
		return
	}
	last := e.told[len(e.told)-1]
	switch last.Outcome {
	case harness.Confirmed:
		e.pace()
	case harness.Declined:
		e.must("The payment was declined over a perfect network, so onebar cannot test payments. See the answer above; check that the payer has an account with enough money (subject.client.http.setup, workload.balance), that the payee has an account, and the amount.", "")
	case harness.OutcomeUnknown, harness.Queued:
		e.unresolved(last)
	case harness.Expired, harness.Failed:
		e.must(sentence("The payment was not made: the payer was told "+last.Outcome.String()+orReason(last.Reason)), "")
	}
}

func orReason(reason string) string {
	if reason == "" {
		return ""
	}
	return ", " + reason
}

// unresolved gives advice about a payment whose outcome the payer does not know.
func (e *examination) unresolved(last harness.Told) {
	pending := false
	for _, s := range e.steps {
		pending = pending || s.HTTP != nil && s.HTTP.Outcome == exchange.Pending.String()
	}
	h := e.httpClient()
	switch {
	case pending && h != nil && h.Poll == nil && h.Callback == nil:
		e.must("The server has accepted the payment and will know its outcome later, but the client does not ask for it: make the client poll the status, or listen for a callback.",
			"subject:\n  client:\n    http:\n      poll:\n        path: \"/payments/{{ payment.reference }}\"\n        every: 1s\n        outcomes:\n          - {when: body.status == \"done\", outcome: confirmed}")
	case strings.Contains(last.Reason, "no answer in time"):
		e.must("The server accepted the request and gave no answer in time: check that url, port and path are those of the API, and that it answers a request by hand; if it is slow, make the timeout longer.",
			"subject:\n  client:\n    http:\n      timeout: 30s")
	case strings.Contains(last.Reason, "closed the connection"), strings.Contains(last.Reason, "reset the connection"):
		e.must("The server ended the connection without an answer: check that it speaks HTTP at this port (and not only TLS: url with https), and what its log says.", "")
	default:
		e.must(sentence("The outcome of the payment is unknown: the payer was told "+last.Outcome.String()+orReason(last.Reason)), "")
	}
}

func (e *examination) pace() {
	begin, end := time.Duration(-1), time.Duration(0)
	for _, s := range e.steps {
		switch s.Part {
		case "user":
			begin = s.At
		case "told":
			end = s.At
		}
	}
	if took := end - begin; begin >= 0 && took > slow {
		e.note(fmt.Sprintf("The payment took %v without any impairment: thresholds, timeouts and settle must allow for that on top of the network.", took.Round(10*time.Millisecond)), "")
	}
	if n := max(count(e.steps, "pay"), count(e.attempts, "pay")); n > 1 {
		e.note(fmt.Sprintf("The payment took %d attempts without any impairment: see above why.", n), "")
	}
}

func count(steps []harness.Step, part string) (n int) {
	for _, s := range steps {
		if s.Part == part {
			n++
		}
	}
	return n
}

func (e *examination) bookings() {
	if e.result.Error != "" || e.scenario.Subject.Ledger != nil && e.scenario.Subject.Ledger.None {
		return
	}
	confirmed := len(e.told) > 0 && e.told[len(e.told)-1].Outcome == harness.Confirmed
	if stray := e.stray(); len(stray) > 0 {
		e.unmatched(stray)
		return
	}
	if len(e.postings) == 0 && confirmed {
		e.must("The payment was confirmed and the ledger has nothing new: every payment would count as lost. "+e.whyEmpty(), "")
	}
	if len(e.postings) > 1 {
		e.must(fmt.Sprintf("One payment was made, and the ledger has %d bookings of it: find out whether they are one transfer in two entries (then leave one out with where, or in the query), or a double charge.", len(e.postings)), "")
	}
}

// whyEmpty says what to check where a ledger has nothing new.
func (e *examination) whyEmpty() string {
	if l := e.scenario.Subject.Ledger; l != nil && l.HTTP != nil {
		if n, shown := e.listed(); n > 0 {
			return fmt.Sprintf("Of %d items in the list the last was %s; check ledger.http.where, and that path lists payments of this account, the newest on a page that is read (next).", n, shown)
		}
		return "Its list is empty; check ledger.http.path, and that it lists payments of the account that the client pays with."
	}
	if e.scenario.Subject.Ledger == nil {
		return ""
	}
	return "Check that it is read from the place to which the server writes, and that the query or program leaves no booking out."
}

// slowReading gives advice about a ledger that took long to read.
func (e *examination) slowReading() {
	var took time.Duration
	for _, s := range e.steps {
		if s.Part == "ledger" {
			took += s.Took
		}
	}
	if took > slowLedger {
		e.note(fmt.Sprintf("The ledger took %v to be read: each run reads it three times or more.", took.Round(10*time.Millisecond)), "")
	}
}
