// Package leaf has the values that a YAML document writes as one scalar: texts, words, numbers,
// and quantities with a unit. Package keys reads and writes them, and has each under the same
// name.
package leaf

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/onebar/onebar/harness/quantity"
)

// Object is a JSON object, and mostly a JSON Schema.
type Object = map[string]any

// Leaf is a value written as one scalar: a number, a text, or a struct with an exported
// field for each field of its plain form.
type Leaf interface{ Scalar() Scalar }

// Scalar is what is to be known of a Leaf.
type Scalar struct {
	Scan  func(text string) error // takes the value, or says what is wrong with it
	Text  string                  // what Scan would read
	Wants string                  // what is expected, for messages
	Form  func() Object           // its schema

	Measure float64 // for its range
	Ranged  bool    // it has a range
	Bare    bool    // it is never a text for YAML
}

// The leaves that every document may have. Each is its Go value: what is known of it
// beside is in the marks of package keys.
type (
	// Text is free text on one line or several. White space in it is one space.
	Text string
	// Verbatim is text that is kept as it is.
	Verbatim string
	// Optional is text that is kept as it is, and may be empty.
	Optional string
	// Slug is a name that can also be a directory.
	Slug string
	// Word is one of the words its key allows, which are its schema.
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

// written is a text. Unless the pattern takes anything, it has more than white space.
func written[T ~string](v *T, pattern string) Scalar {
	return Scalar{Text: string(*v), Wants: "text", Form: PlainText(pattern), Scan: func(s string) error {
		if *v = T(s); pattern != ".*" && strings.TrimSpace(s) == "" {
			return errors.New("is empty")
		}
		return nil
	}}
}

// Scalar describes the text.
func (v *Verbatim) Scalar() Scalar { return written(v, `\S`) }

// Scalar describes the text.
func (v *Optional) Scalar() Scalar { return written(v, ".*") }

// Scalar describes the text.
func (v *Text) Scalar() Scalar {
	s := written(v, `\S`)
	scan := s.Scan
	s.Scan = func(text string) error { return scan(strings.Join(strings.Fields(text), " ")) }
	return s
}

// Scalar describes the word.
func (v *Word) Scalar() Scalar {
	s := written(v, `\S`)
	s.Wants = "a word"
	return s
}

const maxSlug = 64

// Scalar describes the name.
func (v *Slug) Scalar() Scalar {
	return Scalar{Text: string(*v), Scan: v.scan, Wants: "a name of lower-case letters, digits and hyphens, such as rural-2g", Form: func() Object {
		return Object{
			"type": []string{"string", "integer", "boolean"}, "minimum": 0,
			"pattern": `^[a-z0-9][a-z0-9-]{0,63}$`, "examples": []string{"rural-2g"},
		}
	}}
}

func (v *Slug) scan(s string) error {
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

// Scalar describes the only value there is.
func (v *Yes) Scalar() Scalar {
	return Scalar{Text: "true", Wants: "true, or no such key", Bare: true, Form: func() Object { return Object{"enum": []bool{true}} }, Scan: func(s string) error {
		if *v = s == "true"; !*v {
			return errors.New("says nothing")
		}
		return nil
	}}
}

// measured is a value with a range, that parse makes of a text and show turns back.
func measured[T, U ~int64 | ~float64](v *T, parse func(string) (U, error), show func(U) string) Scalar {
	return Scalar{Text: show(U(*v)), Measure: float64(*v), Ranged: true, Scan: func(s string) error {
		u, err := parse(s)
		*v = T(u)
		return err
	}}
}

func (s Scalar) with(wants string, form func() Object) Scalar {
	s.Wants, s.Form = wants, form
	return s
}

// bare is the schema of a number.
func bare(kind string) func() Object { return func() Object { return Object{"type": kind} } }

// Scalar describes the number.
func (v *Count) Scalar() Scalar {
	s := measured(v, quantity.ParseCount, func(n int64) string { return strconv.FormatInt(n, 10) })
	s.Bare = true
	return s.with("a whole number such as 20", bare("integer"))
}

// Scalar describes the number.
func (v *Number) Scalar() Scalar {
	s := measured(v, quantity.ParseNumber, func(f float64) string { return fmt.Sprint(f) })
	s.Bare = true
	return s.with("a number such as 1.5", bare("number"))
}

// Scalar describes the duration. It is measured in seconds.
func (v *Duration) Scalar() Scalar {
	s := measured(v, quantity.ParseDuration, quantity.FormatDuration)
	s.Measure = time.Duration(*v).Seconds()
	return s.with("a duration such as 300ms, 15s or 1m30s", Written(DurationPattern, "1m30s"))
}

// Scalar describes the share.
func (v *Share) Scalar() Scalar {
	return measured(v, quantity.ParseShare, quantity.FormatShare).with("a percentage such as 2% or 0.5%", Written(SharePattern, "2%"))
}

// Scalar describes the rate.
func (v *Bitrate) Scalar() Scalar {
	return measured(v, quantity.ParseRate, quantity.FormatRate).with("a rate such as 64kbit, 9.6kbit or 2mbit (per second)",
		Written(`[0-9]+bit|`+decimals+`(kbit|mbit|gbit)`, "64kbit"))
}

// Scalar describes the size.
func (v *Size) Scalar() Scalar {
	return measured(v, quantity.ParseSize, quantity.FormatSize).with("a size such as 120B, 20KB (20 000 bytes) or 64KiB", Written(SizePattern, "64KiB"))
}

// Scalar describes the frequency.
func (v *Frequency) Scalar() Scalar {
	return measured(v, quantity.ParseFrequency, quantity.FormatFrequency).with("a frequency such as 4/s, 30/min or 90/h", Written(decimals+`/(s|min|h)`, "4/s"))
}

// Scalar describes the amount.
func (v *Money) Scalar() Scalar {
	return Scalar{
		Text: quantity.FormatAmounts(v.Minor, v.Minor, v.Currency), Wants: "an amount such as 500 KES or 12.50 EUR", Form: Written(decimals+currency(), "500 KES"),
		Scan: func(s string) (err error) { v.Minor, v.Currency, err = quantity.ParseAmount(s); return err },
	}
}

// Scalar describes the amounts.
func (v *Amounts) Scalar() Scalar {
	return Scalar{
		Text: quantity.FormatAmounts(v.Least, v.Most, v.Currency), Wants: "an amount such as 250 KES or 10..900 KES",
		Form: Written(decimals+`(\.\.`+decimals+`)?`+currency(), "10..900 KES"),
		Scan: func(s string) (err error) { v.Least, v.Most, v.Currency, err = quantity.ParseAmounts(s); return err },
	}
}

// The patterns of values with a unit.
const (
	decimals = `[0-9]+(\.[0-9]+)?`

	DurationPattern = `(` + decimals + `(ns|us|µs|ms|s|m|h))+`  // of a Duration
	SharePattern    = `(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)%`     // of a Share
	SizePattern     = `[0-9]+B|` + decimals + `(KB|MB|KiB|MiB)` // of a Size
)

func currency() string { return ` (` + strings.Join(strings.Fields(quantity.Currencies), "|") + `)` }

// Written is the schema of a text of a pattern.
func Written(pattern, example string) func() Object {
	return func() Object {
		return Object{"type": "string", "pattern": "^(" + pattern + ")$", "examples": []string{example}}
	}
}

// PlainText is the schema of text of a pattern, or of what YAML takes for something else
// if it has no quotes.
func PlainText(pattern string) func() Object {
	return func() Object {
		return Object{"type": []string{"string", "number", "boolean"}, "pattern": pattern}
	}
}
