package harness

import "time"

// Step is something that was said and understood between the parts of a subject, as
// a person sees it who follows a payment. Parts that are asked to tell their steps
// put everything in them, secrets included: whoever shows a step hides those first.
type Step struct {
	At    time.Duration `json:"at"`              // offset of its end
	Took  time.Duration `json:"took,omitempty"`  // 0 is not measured
	Part  string        `json:"part"`            // who does it, or what for: server, set-up, user, pay, status, callback, client, told, ledger, booked, balance or GivenUp
	Title string        `json:"title"`           // what is done, in a line
	Sent  []string      `json:"sent,omitempty"`  // what was sent, line by line
	Got   []string      `json:"got,omitempty"`   // what came back
	Means []string      `json:"means,omitempty"` // what was made of it, in clauses without a full stop
	Error string        `json:"error,omitempty"` // what went wrong; empty is nothing
	HTTP  *HTTPAnswer   `json:"-"`               // the answer over HTTP; nil is none
	Items []any         `json:"-"`               // what a page of a ledger lists, decoded from JSON
}

// GivenUp is the Part of the step with which a client leaves a payment unknown, of
// which it will say no more.
const GivenUp = "given up"

// LedgerRead is the Title of the step of the ledger that ends each reading after the
// first payment.
const LedgerRead = "read"

// HTTPAnswer is what an answer over HTTP was like.
type HTTPAnswer struct {
	Status   int
	Type     string // its Content-Type
	Location string // where a redirect leads
	Body     string // its beginning
	Rule     string // which rule matched; empty is none
	Outcome  string // what it means by that rule
}
