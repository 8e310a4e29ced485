package spec

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/onebar/onebar/harness/quantity"
)

// mark is what every leaf embeds: where it was given, and whether it has a good
// value, be it given or the default.
type mark struct {
	place
	ok bool
}

func (m *mark) accept(at place) { m.place, m.ok = at, true }

// good reports whether there is a value.
func (m *mark) good() bool { return m.ok }

// wrong reports a value that was given and is no good.
func (m *mark) wrong() bool { return m.given() && !m.ok }

// literal is a value that is a text.
type literal struct {
	mark
	s string
}

func (v *literal) parts() []any { return []any{&v.s} }
func (v *literal) text() string { return v.s }

// text is free text on one line or several.
type text struct{ literal }

func (v *text) wants() string { return "text" }
func (v *text) scan(s string) error {
	if strings.TrimSpace(s) == "" {
		return errors.New("is empty")
	}
	v.s = strings.Join(strings.Fields(s), " ")
	return nil
}

// slug is a name that can also be a directory.
type slug struct{ literal }

const maxSlug = 64

func (v *slug) wants() string {
	return "a name of lower-case letters, digits and hyphens, such as rural-2g"
}

func (v *slug) scan(s string) error {
	if s == "" || len(s) > maxSlug {
		return fmt.Errorf("has %d characters, not 1 to %d", len(s), maxSlug)
	}
	for i, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && (r != '-' || i == 0) {
			return fmt.Errorf("has %q in it", r)
		}
	}
	v.s = s
	return nil
}

// word is one of the words its key allows.
type word struct{ literal }

func (v *word) wants() string { return "a word" }
func (v *word) scan(s string) error {
	if s == "" {
		return errors.New("is empty")
	}
	v.s = s
	return nil
}

// yes can only be true: leaving the key out is the other choice.
type yes struct{ mark }

func (v *yes) parts() []any  { return []any{&v.ok} }
func (v *yes) wants() string { return "true" }
func (v *yes) scan(s string) error {
	if s != "true" {
		return errors.New("says nothing")
	}
	return nil
}

// count is a whole number without a unit.
type count struct {
	mark
	n int64
}

func (v *count) parts() []any              { return []any{&v.n} }
func (v *count) wants() string             { return "a whole number such as 20" }
func (v *count) measure() float64          { return float64(v.n) }
func (v *count) scan(s string) (err error) { v.n, err = quantity.ParseCount(s); return err }

// number is a decimal number without a unit.
type number struct {
	mark
	f float64
}

func (v *number) parts() []any              { return []any{&v.f} }
func (v *number) wants() string             { return "a number such as 1.5" }
func (v *number) measure() float64          { return v.f }
func (v *number) text() string              { return fmt.Sprint(v.f) }
func (v *number) scan(s string) (err error) { v.f, err = quantity.ParseNumber(s); return err }

// duration is a length of time: Go's syntax, with the units us, ms, s, m and h.
type duration struct {
	mark
	d time.Duration
}

func (v *duration) parts() []any              { return []any{&v.d} }
func (v *duration) wants() string             { return "a duration such as 300ms, 15s or 1m30s" }
func (v *duration) measure() float64          { return v.d.Seconds() }
func (v *duration) scan(s string) (err error) { v.d, err = quantity.ParseDuration(s); return err }

// durations is a length of time, or the range it is drawn from.
type durations struct {
	mark
	least, most time.Duration
}

func (v *durations) parts() []any     { return []any{&v.least, &v.most} }
func (v *durations) wants() string    { return "a duration such as 2s, or a range such as 1s..30s" }
func (v *durations) measure() float64 { return v.most.Seconds() }
func (v *durations) scan(s string) error {
	low, high, ok := strings.Cut(s, "..")
	if !ok {
		high = low
	}
	least, wrong := quantity.ParseDuration(low)
	most, err := quantity.ParseDuration(high)
	switch {
	case errors.Join(wrong, err) != nil:
		return errors.New("is not a duration or a range of them")
	case least > most:
		return errors.New("goes from more to less")
	case least < minFor && most > 0:
		return fmt.Errorf("goes below %s", quantity.FormatDuration(minFor))
	}
	v.least, v.most = least, most
	return nil
}

// share is a part of a whole, written in percent and kept as 0 to 1.
type share struct {
	mark
	f float64
}

func (v *share) parts() []any              { return []any{&v.f} }
func (v *share) wants() string             { return "a percentage such as 2% or 0.5%" }
func (v *share) measure() float64          { return v.f }
func (v *share) scan(s string) (err error) { v.f, err = quantity.ParseShare(s); return err }

// offset is a time in the script: a duration, or a percentage of the script's
// length.
type offset struct {
	mark
	d        time.Duration
	share    float64
	relative bool
}

func (v *offset) parts() []any { return []any{&v.d} }
func (v *offset) wants() string {
	return "a duration such as 15s, or a percentage of the script such as 25%"
}

func (v *offset) measure() float64 { return v.d.Seconds() }
func (v *offset) elsewhere() bool  { return v.relative } // in timeline.go
func (v *offset) scan(s string) (err error) {
	if !strings.HasSuffix(s, "%") {
		v.d, err = quantity.ParseDuration(s)
		return err
	}
	if v.share, err = quantity.ParseShare(s); err == nil && v.share > 1 {
		err = errors.New("is more than the whole script")
	}
	v.relative = err == nil
	return err
}

// bitrate is in bit/s. The units are decimal, as tc's are.
type bitrate struct {
	mark
	bps int64
}

func (v *bitrate) parts() []any              { return []any{&v.bps} }
func (v *bitrate) wants() string             { return "a rate such as 64kbit, 9.6kbit or 2mbit (per second)" }
func (v *bitrate) measure() float64          { return float64(v.bps) }
func (v *bitrate) scan(s string) (err error) { v.bps, err = quantity.ParseRate(s); return err }

// size is in bytes.
type size struct {
	mark
	bytes int64
}

func (v *size) parts() []any              { return []any{&v.bytes} }
func (v *size) wants() string             { return "a size such as 120B, 20KB (20 000 bytes) or 64KiB" }
func (v *size) measure() float64          { return float64(v.bytes) }
func (v *size) scan(s string) (err error) { v.bytes, err = quantity.ParseSize(s); return err }

// queue is how much may wait: a size, or a duration.
type queue struct {
	mark
	bytes int64
	d     time.Duration
}

// The range of a queue in time; that in bytes is in format.go.
const (
	minWait = time.Millisecond
	maxWait = time.Minute
)

func (v *queue) parts() []any     { return []any{&v.bytes, &v.d} }
func (v *queue) wants() string    { return "a size such as 20KB or 64KiB, or a duration such as 500ms" }
func (v *queue) measure() float64 { return float64(v.bytes) }
func (v *queue) elsewhere() bool  { return v.d > 0 }
func (v *queue) scan(s string) (err error) {
	wait, wrong := quantity.ParseDuration(s)
	switch {
	case wrong != nil:
		v.bytes, err = quantity.ParseSize(s)
	case wait < minWait || wait > maxWait:
		err = fmt.Errorf("is out of range (%s to %s)", quantity.FormatDuration(minWait), quantity.FormatDuration(maxWait))
	default:
		v.d = wait
	}
	return err
}

// reference names something bundled, or a file.
type reference struct{ literal }

func (v *reference) wants() string { return "the name of a bundled one, or a file" }
func (v *reference) scan(s string) error {
	if strings.TrimSpace(s) == "" {
		return errors.New("is empty")
	}
	v.s = s
	return nil
}

// isFile reports whether a file is meant: it has a dot or a folder in its name.
func (v *reference) isFile() bool { return isFile(v.s) }

func isFile(name string) bool { return strings.ContainsAny(name, `./\`) }

// frequency is a number of times a second.
type frequency struct {
	mark
	hz float64
}

func (v *frequency) parts() []any              { return []any{&v.hz} }
func (v *frequency) wants() string             { return "a frequency such as 4/s, 30/min or 90/h" }
func (v *frequency) measure() float64          { return v.hz }
func (v *frequency) scan(s string) (err error) { v.hz, err = quantity.ParseFrequency(s); return err }

// money is one amount, written in major units and kept in minor units.
type money struct {
	mark
	minor    int64
	currency string
}

func (v *money) parts() []any  { return []any{&v.minor, &v.currency} }
func (v *money) wants() string { return "an amount such as 500 KES or 12.50 EUR" }
func (v *money) scan(s string) (err error) {
	v.minor, v.currency, err = quantity.ParseAmount(s)
	return err
}

// amounts is an amount or a range of amounts of one currency.
type amounts struct {
	mark
	least, most int64 // minor units
	currency    string
}

func (v *amounts) parts() []any  { return []any{&v.least, &v.most, &v.currency} }
func (v *amounts) wants() string { return "an amount such as 250 KES or 10..900 KES" }
func (v *amounts) scan(s string) (err error) {
	v.least, v.most, v.currency, err = quantity.ParseAmounts(s)
	return err
}
