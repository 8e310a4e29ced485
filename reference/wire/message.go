package wire

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/onebar/onebar/reference/wire/internal/pb"
)

// Bounds of the fields of a Payment, refused by both ends when broken.
const (
	MaxOrder    = 64                       // bytes
	MaxPayee    = 32                       // bytes
	MaxAmount   = 1_000_000_000_000_000    // minor units; sums of thousands of such fit an int64
	MaxValidity = 30 * 24 * time.Hour      // from Created to Deadline
	maxTime     = 253_402_300_799_999      // Unix milliseconds, the end of the year 9999
	maxValidMS  = int64(MaxValidity / 1e6) // milliseconds
	minTime     = int64(631_152_000_000)   // Unix milliseconds, the beginning of 1990
	keySize     = 16                       // bytes of an idempotency key
	receiptSize = 64                       // bytes of an Ed25519 signature
	maxMessage  = 512                      // bytes of an encoded Answer, and more than any valid Request
)

// Key is a payment's idempotency key: drawn once when the payment is made, and
// sent with every try. Keys of different payers never meet.
type Key [keySize]byte

// NewKey draws a key from r; nil is crypto/rand.
func NewKey(r io.Reader) (Key, error) {
	var k Key
	if _, err := io.ReadFull(source(r), k[:]); err != nil {
		return Key{}, fmt.Errorf("draw an idempotency key: %w", err)
	}
	return k, nil
}

// String returns the key in hexadecimal.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// Payment is what a wallet asks its bank to book. The payer is not part of it:
// it is the wallet at the other end of the connection.
type Payment struct {
	Key      Key
	Order    string // the purchase it pays for: at most MaxOrder bytes of UTF-8, no control characters
	Payee    string // account: 1 to MaxPayee bytes of a-z, A-Z, 0-9 and . _ : - @
	Amount   int64  // minor units of Currency, 1 to MaxAmount
	Currency string // ISO 4217: three upper-case letters
	Created  int64  // Unix milliseconds of the wallet's clock when the user asked
	Deadline int64  // Unix milliseconds after which the bank must not book it, at most MaxValidity after Created; 0 is none
}

// Validate returns nil, or every field that breaks its bounds.
func (p *Payment) Validate() error {
	var errs []error
	refuse := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	if p.Key == (Key{}) {
		refuse("the idempotency key is all zero: draw one with NewKey")
	}
	if len(p.Order) > MaxOrder || !printable(p.Order) {
		refuse("order %.80q is not at most %d bytes of printable UTF-8", p.Order, MaxOrder)
	}
	if !IsAccount(p.Payee) {
		refuse("payee %.40q is not 1 to %d letters, digits or . _ : - @", p.Payee, MaxPayee)
	}
	if p.Amount < 1 || p.Amount > MaxAmount {
		refuse("amount %d is not between 1 and %d", p.Amount, int64(MaxAmount))
	}
	if !IsCurrency(p.Currency) {
		refuse("currency %.10q is not three upper-case letters (ISO 4217)", p.Currency)
	}
	if p.Created < minTime || p.Created > maxTime {
		refuse("created %d is not a time in Unix milliseconds", p.Created)
	} else if p.Deadline != 0 && (p.Deadline <= p.Created || p.Deadline-p.Created > maxValidMS) {
		refuse("deadline %d is not within %v after created %d", p.Deadline, MaxValidity, p.Created)
	}
	return errors.Join(errs...)
}

// IsCurrency reports whether s has the form of an ISO 4217 code: three
// upper-case letters. It does not know which codes are in use.
func IsCurrency(s string) bool {
	if len(s) != 3 {
		return false
	}
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return true
}

func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r < ' ' || (r >= 0x7f && r < 0xa0) {
			return false
		}
	}
	return true
}

// IsAccount reports whether s can name an account: 1 to MaxPayee bytes of a-z,
// A-Z, 0-9 and . _ : - @.
func IsAccount(s string) bool {
	if len(s) < 1 || len(s) > MaxPayee {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c == '.', c == '_', c == ':', c == '-', c == '@':
		default:
			return false
		}
	}
	return true
}

// Ask says what a Request wants done with its payment.
type Ask uint8

// What a wallet can ask.
const (
	AskUnknown Ask = iota
	// AskPay is to book the payment, or to repeat the answer it was given.
	AskPay
	// AskStatus is to repeat the answer the payment was given, and never to book
	// it. If it was given none, the answer is NotFound before its deadline, and
	// Expired after it: the bank records that, so a copy of the payment that
	// arrives later is not booked.
	AskStatus
)

// String returns "pay" or "status".
func (a Ask) String() string { return enumName(int(a), "unknown", "pay", "status") }

// Request is what a wallet sends.
type Request struct {
	Ask     Ask
	Payment Payment
}

// Validate returns nil, or what is wrong with the request.
func (r *Request) Validate() error {
	if r.Ask != AskPay && r.Ask != AskStatus {
		return fmt.Errorf("a request must ask to pay or for the status, not %v", r.Ask)
	}
	return r.Payment.Validate()
}

// Result is what became of a payment.
type Result uint8

// The results. Unknown is what a wallet holds while it has no answer; a bank
// never sends it.
const (
	Unknown   = Result(pb.Result_RESULT_UNKNOWN)
	Confirmed = Result(pb.Result_RESULT_CONFIRMED) // final: the money has moved
	Declined  = Result(pb.Result_RESULT_DECLINED)  // final: nothing moves under this key; see the reason
	Expired   = Result(pb.Result_RESULT_EXPIRED)   // final: the deadline passed first, nothing moves under this key
	Conflict  = Result(pb.Result_RESULT_CONFLICT)  // final: the key belongs to other content, this content is not booked under it
	NotFound  = Result(pb.Result_RESULT_NOT_FOUND) // not final: an earlier copy may still arrive and be booked
	Refused   = Result(pb.Result_RESULT_REFUSED)   // not final: an earlier copy, or a commit that failed half-way, may have been recorded all the same; see the reason
)

// String returns the result in lower case.
func (r Result) String() string {
	return enumName(int(r), "unknown", "confirmed", "declined", "expired", "conflict", "not found", "refused")
}

// Final reports whether the result can never change again. Final answers carry
// a receipt.
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

// The reasons: those of Declined first, then those of Refused.
const (
	NoReason         = Reason(pb.Reason_REASON_NONE)
	NoFunds          = Reason(pb.Reason_REASON_NO_FUNDS)
	UnknownPayee     = Reason(pb.Reason_REASON_UNKNOWN_PAYEE)
	WrongCurrency    = Reason(pb.Reason_REASON_WRONG_CURRENCY)
	AmountOutOfRange = Reason(pb.Reason_REASON_AMOUNT_OUT_OF_RANGE)
	SameAccount      = Reason(pb.Reason_REASON_SAME_ACCOUNT) // payer and payee are one account
	Busy             = Reason(pb.Reason_REASON_BUSY)         // refused: try again later
	NotEnrolled      = Reason(pb.Reason_REASON_NOT_ENROLLED) // refused: the bank does not know the wallet's key
)

// String returns the reason in lower case, for people.
func (r Reason) String() string {
	return enumName(int(r), "no reason", "no funds", "unknown payee", "wrong currency",
		"amount out of range", "payer and payee are one account", "busy", "not enrolled")
}

func enumName(v int, names ...string) string {
	if v < len(names) {
		return names[v]
	}
	return fmt.Sprintf("%s(%d)", names[0], v)
}

// Answer is what the bank says of a payment.
type Answer struct {
	Key      Key    // of the payment; not sent, the wallet knows what it asked
	Result   Result //
	Reason   Reason // of Declined and Refused
	Transfer int64  // the ledger's number of the transfer, above 0 if Confirmed, else 0
	At       int64  // Unix milliseconds of the bank's clock when it decided
	Receipt  []byte // 64 bytes if Result is final, else none
}

// Validate returns nil, or the first thing no bank would say.
func (a *Answer) Validate() error {
	switch a.Result {
	case Confirmed, Expired, Conflict, NotFound:
		if a.Reason != NoReason {
			return fmt.Errorf("an answer %q has no reason, but this one says %q", a.Result, a.Reason)
		}
	case Declined:
		if a.Reason < NoFunds || a.Reason > SameAccount {
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
	if (a.Result == Confirmed) != (a.Transfer > 0) || a.Transfer < 0 {
		return fmt.Errorf("an answer %q cannot have transfer %d", a.Result, a.Transfer)
	}
	if a.At < minTime || a.At > maxTime {
		return fmt.Errorf("the answer's time %d is not one in Unix milliseconds", a.At)
	}
	want := 0
	if a.Result.Final() {
		want = receiptSize
	}
	if len(a.Receipt) != want {
		return fmt.Errorf("an answer %q has a receipt of %d bytes, not %d", a.Result, want, len(a.Receipt))
	}
	return nil
}
