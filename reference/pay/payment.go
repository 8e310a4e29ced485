package pay

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
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
	KeySize     = 16                       // bytes of an idempotency key
	ReceiptSize = 64                       // bytes of an Ed25519 signature
)

// Key is a payment's idempotency key: drawn once when the payment is made, and
// sent with every attempt. Keys of different payers are independent.
type Key [KeySize]byte

// NewKey draws a key from r; nil is crypto/rand.
func NewKey(r io.Reader) (Key, error) {
	var k Key
	if _, err := io.ReadFull(source(r), k[:]); err != nil {
		return Key{}, fmt.Errorf("draw an idempotency key: %w", err)
	}
	return k, nil
}

// Compare orders keys by their bytes: it returns -1, 0 or 1.
func (k Key) Compare(other Key) int { return bytes.Compare(k[:], other[:]) }

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
	Deadline int64  // Unix milliseconds after which the bank must not book it, at most MaxValidity after Created; 0 is none: see BookableUntil
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

// BookableUntil returns the instant after which no bank books p, in Unix milliseconds: its
// deadline, or MaxValidity after it was created if it has none. So a bank need not remember
// refusals for ever.
func (p *Payment) BookableUntil() int64 {
	if p.Deadline == 0 {
		return p.Created + maxValidMS
	}
	return p.Deadline
}

// IsCurrency reports whether s has the form of an ISO 4217 code: three
// upper-case letters. It does not know which codes are in use.
func IsCurrency(s string) bool {
	return len(s) == 3 && !strings.ContainsFunc(s, func(r rune) bool { return r < 'A' || r > 'Z' })
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// IsAccount reports whether s can name an account: 1 to MaxPayee bytes of a-z,
// A-Z, 0-9 and . _ : - @.
func IsAccount(s string) bool {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-@"
	return len(s) >= 1 && len(s) <= MaxPayee && strings.Trim(s, allowed) == ""
}

func source(r io.Reader) io.Reader {
	if r == nil {
		return rand.Reader
	}
	return r
}
