package pay

import (
	"errors"
	"fmt"
)

// Result is the result of a payment.
type Result uint8

// The results. Unknown is what a wallet holds while it has no answer; a bank
// never sends it.
const (
	Unknown   Result = iota
	Confirmed        // final: the money has moved
	Declined         // final: no money moves under this key; see the reason
	Expired          // final: it was not booked by its deadline (Payment.BookableUntil), no money moves under this key
	Conflict         // final: the key belongs to other content, this content is not booked under it
	NotFound         // not final: an earlier copy may still arrive and be booked
	Refused          // not final: an earlier copy, or a commit that failed half-way, may have been recorded all the same; see the reason
)

// String returns the result in lower case.
func (r Result) String() string {
	return enumName(int(r), "unknown", "confirmed", "declined", "expired", "conflict", "not found", "refused")
}

// Final reports whether the payment has been booked, or never will be. A bank that no
// longer remembers a refusal answers Expired instead, which means the same. Final answers
// carry a receipt.
func (r Result) Final() bool {
	switch r {
	case Confirmed, Declined, Expired, Conflict:
		return true
	case Unknown, NotFound, Refused:
		return false
	}
	return false
}

// Reason says why a payment was declined or refused.
type Reason uint8

// The reasons. Those of Refused say so; the others are those of Declined.
const (
	NoReason Reason = iota
	NoFunds
	UnknownPayee
	WrongCurrency
	AmountOutOfRange
	SameAccount // payer and payee are one account
	Busy        // refused: try again later
	NotEnrolled // refused: the bank does not know the wallet's key
	AlreadyPaid // the payer has paid this order under another key; the answer names that transfer
)

// String returns the reason in lower case, for people.
func (r Reason) String() string {
	return enumName(int(r), "no reason", "no funds", "unknown payee", "wrong currency",
		"amount out of range", "payer and payee are one account", "busy", "not enrolled", "order already paid")
}

func enumName(v int, names ...string) string {
	if v < len(names) {
		return names[v]
	}
	return fmt.Sprintf("%s(%d)", names[0], v)
}

// ParseResult is the reverse of Result.String, for results that a bank can send.
func ParseResult(s string) (Result, error) {
	for r := Confirmed; r <= Refused; r++ {
		if r.String() == s {
			return r, nil
		}
	}
	return Unknown, fmt.Errorf("%.40q is no result of a payment", s)
}

// ParseReason is the reverse of Reason.String.
func ParseReason(s string) (Reason, error) {
	for r := NoReason; r <= AlreadyPaid; r++ {
		if r.String() == s {
			return r, nil
		}
	}
	return NoReason, fmt.Errorf("%.40q is no reason to decline or refuse a payment", s)
}

// Answer is the bank's answer to a request.
type Answer struct {
	Key      Key    // of the payment; not sent, because the wallet knows its request
	Result   Result //
	Reason   Reason // of Declined and Refused
	Transfer int64  // the ledger's number of the transfer, above 0 if Confirmed or AlreadyPaid, else 0
	At       int64  // Unix milliseconds of the bank's clock when it decided
	Receipt  []byte // 64 bytes if Result is final, else none
}

// ParseAnswer returns the answer with this result and reason, written as by their String
// methods. It is an error if no bank gives such an answer. The caller sets its Key.
func ParseAnswer(result, reason string, transfer, at int64, receipt []byte) (*Answer, error) {
	r, err := ParseResult(result)
	if err != nil {
		return nil, err
	}
	why, err := ParseReason(reason)
	if err != nil {
		return nil, err
	}
	a := &Answer{Result: r, Reason: why, Transfer: transfer, At: at, Receipt: receipt}
	if err := a.Validate(); err != nil {
		return nil, err
	}
	return a, nil
}

// Validate returns an error for the first field that no bank sends.
func (a *Answer) Validate() error {
	switch a.Result {
	case Confirmed, Expired, Conflict, NotFound:
		if a.Reason != NoReason {
			return fmt.Errorf("an answer %q has no reason, but this one says %q", a.Result, a.Reason)
		}
	case Declined:
		if (a.Reason < NoFunds || a.Reason > SameAccount) && a.Reason != AlreadyPaid {
			return fmt.Errorf("%q is no reason to decline a payment", a.Reason)
		}
	case Refused:
		if a.Reason != Busy && a.Reason != NotEnrolled {
			return fmt.Errorf("%q is no reason to refuse a payment for now", a.Reason)
		}
	case Unknown:
		return errors.New("an answer has a result")
	default:
		return fmt.Errorf("result %v is not known", a.Result)
	}
	if (a.Result == Confirmed || a.Reason == AlreadyPaid) != (a.Transfer > 0) || a.Transfer < 0 {
		return fmt.Errorf("an answer %q cannot have transfer %d", a.Result, a.Transfer)
	}
	if a.At < minTime || a.At > maxTime {
		return fmt.Errorf("the answer's time %d is not one in Unix milliseconds", a.At)
	}
	want := 0
	if a.Result.Final() {
		want = ReceiptSize
	}
	if len(a.Receipt) != want {
		return fmt.Errorf("an answer %q has a receipt of %d bytes, not %d", a.Result, want, len(a.Receipt))
	}
	return nil
}
