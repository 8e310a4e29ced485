package keys

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/onebar/onebar/harness/quantity"
)

// The leaves that every document may have. Each is its Go value: what is known of it
// beside is in [Marks].
type (
	// Text is free text on one line or several. White space in it is one space.
	Text string
	// Verbatim is text that is kept as it is.
	Verbatim string
	// Optional is text that is kept as it is, and may be empty.
	Optional string
	// Slug is a name that can also be a directory.
	Slug string
	// Word is one of the words its key allows.
	Word string
	// Yes can only be true: leaving the key out is the other choice.
	Yes bool
	// Count is a whole number without a unit.
	Count int64
	// Number is a decimal number without a unit.
	Number float64
	// Duration is a length of time: Go's syntax, with the units us, ms, s, m and h.
	Duration time.Duration
	// Share is a part of a whole, written in percent and kept as 0 to 1.
	Share float64
	// Bitrate is in bit/s. The units are decimal, as tc's are.
	Bitrate int64
	// Size is in bytes.
	Size int64
	// Frequency is a number of times a second.
	Frequency float64
	// Money is one amount, written in major units.
	Money struct {
		Minor    int64 // in minor units
		Currency string
	}
	// Amounts is an amount or a range of amounts of one currency.
	Amounts struct {
		Least, Most int64 // in minor units
		Currency    string
	}
)

var errEmpty = errors.New("is empty")

// scanText sets a text that is not blank.
func scanText[T ~string](v *T, s string) error {
	if strings.TrimSpace(s) == "" {
		return errEmpty
	}
	*v = T(s)
	return nil
}

func (v *Text) Wants() string       { return "text" }
func (v *Text) Text() string        { return string(*v) }
func (v *Text) Scan(s string) error { return scanText(v, strings.Join(strings.Fields(s), " ")) }

func (v *Verbatim) Wants() string       { return "text" }
func (v *Verbatim) Text() string        { return string(*v) }
func (v *Verbatim) Scan(s string) error { return scanText(v, s) }

func (v *Optional) Wants() string       { return "text" }
func (v *Optional) Text() string        { return string(*v) }
func (v *Optional) Scan(s string) error { *v = Optional(s); return nil }

func (v *Word) Wants() string { return "a word" }
func (v *Word) Text() string  { return string(*v) }
func (v *Word) Scan(s string) error {
	if s == "" {
		return errEmpty
	}
	*v = Word(s)
	return nil
}

const maxSlug = 64

func (v *Slug) Text() string { return string(*v) }
func (v *Slug) Wants() string {
	return "a name of lower-case letters, digits and hyphens, such as rural-2g"
}

func (v *Slug) Scan(s string) error {
	if s == "" || len(s) > maxSlug {
		return fmt.Errorf("has %d characters, not 1 to %d", len(s), maxSlug)
	}
	for i, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && (r != '-' || i == 0) {
			return fmt.Errorf("has %q in it", r)
		}
	}
	*v = Slug(s)
	return nil
}

func (v *Yes) Wants() string { return "true" }
func (v *Yes) Text() string  { return "true" }
func (v *Yes) Scan(s string) error {
	if *v = s == "true"; !*v {
		return errors.New("says nothing")
	}
	return nil
}

// scan sets a value from what parse makes of a text.
func scan[T, U ~int64 | ~float64](v *T, s string, parse func(string) (U, error)) error {
	u, err := parse(s)
	*v = T(u)
	return err
}

func (v *Count) Wants() string       { return "a whole number such as 20" }
func (v *Count) Text() string        { return strconv.FormatInt(int64(*v), 10) }
func (v *Count) Measure() float64    { return float64(*v) }
func (v *Count) Scan(s string) error { return scan(v, s, quantity.ParseCount) }

func (v *Number) Wants() string       { return "a number such as 1.5" }
func (v *Number) Text() string        { return fmt.Sprint(float64(*v)) }
func (v *Number) Measure() float64    { return float64(*v) }
func (v *Number) Scan(s string) error { return scan(v, s, quantity.ParseNumber) }

func (v *Duration) Wants() string       { return "a duration such as 300ms, 15s or 1m30s" }
func (v *Duration) Text() string        { return quantity.FormatDuration(time.Duration(*v)) }
func (v *Duration) Measure() float64    { return time.Duration(*v).Seconds() }
func (v *Duration) Scan(s string) error { return scan(v, s, quantity.ParseDuration) }

func (v *Share) Wants() string       { return "a percentage such as 2% or 0.5%" }
func (v *Share) Text() string        { return quantity.FormatShare(float64(*v)) }
func (v *Share) Measure() float64    { return float64(*v) }
func (v *Share) Scan(s string) error { return scan(v, s, quantity.ParseShare) }

func (v *Bitrate) Wants() string       { return "a rate such as 64kbit, 9.6kbit or 2mbit (per second)" }
func (v *Bitrate) Text() string        { return quantity.FormatRate(int64(*v)) }
func (v *Bitrate) Measure() float64    { return float64(*v) }
func (v *Bitrate) Scan(s string) error { return scan(v, s, quantity.ParseRate) }

func (v *Size) Wants() string       { return "a size such as 120B, 20KB (20 000 bytes) or 64KiB" }
func (v *Size) Text() string        { return quantity.FormatSize(int64(*v)) }
func (v *Size) Measure() float64    { return float64(*v) }
func (v *Size) Scan(s string) error { return scan(v, s, quantity.ParseSize) }

func (v *Frequency) Wants() string       { return "a frequency such as 4/s, 30/min or 90/h" }
func (v *Frequency) Text() string        { return quantity.FormatFrequency(float64(*v)) }
func (v *Frequency) Measure() float64    { return float64(*v) }
func (v *Frequency) Scan(s string) error { return scan(v, s, quantity.ParseFrequency) }

func (v *Money) Wants() string { return "an amount such as 500 KES or 12.50 EUR" }
func (v *Money) Text() string  { return quantity.FormatAmounts(v.Minor, v.Minor, v.Currency) }
func (v *Money) Scan(s string) (err error) {
	v.Minor, v.Currency, err = quantity.ParseAmount(s)
	return err
}

func (v *Amounts) Wants() string { return "an amount such as 250 KES or 10..900 KES" }
func (v *Amounts) Text() string  { return quantity.FormatAmounts(v.Least, v.Most, v.Currency) }
func (v *Amounts) Scan(s string) (err error) {
	v.Least, v.Most, v.Currency, err = quantity.ParseAmounts(s)
	return err
}
