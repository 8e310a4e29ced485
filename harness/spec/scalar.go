package spec

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
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

func (v *count) parts() []any     { return []any{&v.n} }
func (v *count) wants() string    { return "a whole number such as 20" }
func (v *count) measure() float64 { return float64(v.n) }
func (v *count) scan(s string) error {
	number, unit := split(s)
	if unit != "" {
		return errors.New("is not a number of things")
	}
	if strings.Contains(number, ".") {
		return errors.New("is not whole")
	}
	n, err := whole(number, 1)
	v.n = n
	return err
}

// duration is a length of time: Go's syntax, with the units us, ms, s, m and h.
type duration struct {
	mark
	d time.Duration
}

func (v *duration) parts() []any     { return []any{&v.d} }
func (v *duration) wants() string    { return "a duration such as 300ms, 15s or 1m30s" }
func (v *duration) measure() float64 { return v.d.Seconds() }
func (v *duration) scan(s string) error {
	number, unit := split(s)
	if number == "" {
		return errors.New("is not a duration")
	}
	if unit == "" {
		return fmt.Errorf("has no unit (%ss? %sms?)", number, number)
	}
	if strings.HasPrefix(unit, " ") {
		return errors.New("has a space before its unit")
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return errors.New("is not a duration")
	}
	v.d = d
	return nil
}

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
	var a, b duration
	if err := errors.Join(a.scan(low), b.scan(high)); err != nil {
		return errors.New("is not a duration or a range of them")
	}
	switch {
	case a.d > b.d:
		return errors.New("goes from more to less")
	case a.d < minFor:
		return fmt.Errorf("goes below %s", FormatDuration(minFor))
	}
	v.least, v.most = a.d, b.d
	return nil
}

// share is a part of a whole, written in percent and kept as 0 to 1.
type share struct {
	mark
	f float64
}

func (v *share) parts() []any     { return []any{&v.f} }
func (v *share) wants() string    { return "a percentage such as 2% or 0.5%" }
func (v *share) measure() float64 { return v.f }
func (v *share) scan(s string) error {
	number, unit := split(s)
	if number != "" && unit == "" {
		return errors.New("has no percent sign (0.02 is written 2%)")
	}
	r, ok := rational(number)
	if !ok || unit != "%" {
		return errors.New("is not a percentage")
	}
	v.f, _ = r.Quo(r, big.NewRat(100, 1)).Float64()
	return nil
}

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
func (v *offset) scan(s string) error {
	if strings.HasSuffix(s, "%") {
		var part share
		if err := part.scan(s); err != nil {
			return err
		}
		if part.f > 1 {
			return errors.New("is more than the whole script")
		}
		v.share, v.relative = part.f, true
		return nil
	}
	var d duration
	err := d.scan(s)
	v.d = d.d
	return err
}

// bitrate is in bit/s. The units are decimal, as tc's are.
type bitrate struct {
	mark
	bps int64
}

func (v *bitrate) parts() []any     { return []any{&v.bps} }
func (v *bitrate) wants() string    { return "a rate such as 64kbit, 9.6kbit or 2mbit (per second)" }
func (v *bitrate) measure() float64 { return float64(v.bps) }
func (v *bitrate) scan(s string) (err error) {
	v.bps, err = quantity(s, map[string]int64{"bit": 1, "kbit": 1e3, "mbit": 1e6, "gbit": 1e9})
	return err
}

// size is in bytes.
type size struct {
	mark
	bytes int64
}

func (v *size) parts() []any     { return []any{&v.bytes} }
func (v *size) wants() string    { return "a size such as 120B, 20KB (20 000 bytes) or 64KiB" }
func (v *size) measure() float64 { return float64(v.bytes) }
func (v *size) scan(s string) (err error) {
	v.bytes, err = quantity(s, map[string]int64{"B": 1, "KB": 1e3, "MB": 1e6, "KiB": 1 << 10, "MiB": 1 << 20})
	return err
}

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
func (v *queue) scan(s string) error {
	var wait duration
	if wait.scan(s) == nil {
		if wait.d < minWait || wait.d > maxWait {
			return fmt.Errorf("is out of range (%s to %s)", FormatDuration(minWait), FormatDuration(maxWait))
		}
		v.d = wait.d
		return nil
	}
	var bytes size
	err := bytes.scan(s)
	v.bytes = bytes.bytes
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

func (v *frequency) parts() []any     { return []any{&v.hz} }
func (v *frequency) wants() string    { return "a frequency such as 4/s, 30/min or 90/h" }
func (v *frequency) measure() float64 { return v.hz }
func (v *frequency) scan(s string) error {
	number, unit := split(s)
	r, ok := rational(number)
	seconds := map[string]int64{"/s": 1, "/min": 60, "/h": 3600}[unit]
	if !ok || seconds == 0 {
		return errors.New("is not a frequency")
	}
	v.hz, _ = r.Quo(r, big.NewRat(seconds, 1)).Float64()
	return nil
}

// quantity reads a number with one of the units, and returns it in the smallest.
func quantity(s string, units map[string]int64) (int64, error) {
	number, unit := split(s)
	if number == "" {
		return 0, errors.New("is not a number with a unit")
	}
	if unit == "" {
		return 0, errors.New("has no unit")
	}
	if strings.HasPrefix(unit, " ") {
		return 0, errors.New("has a space before its unit")
	}
	factor, ok := units[unit]
	if !ok {
		return 0, fmt.Errorf("has the unknown unit %q", unit)
	}
	return whole(number, factor)
}

// whole returns number·factor if it is a whole number that an int64 can hold.
func whole(number string, factor int64) (int64, error) {
	r, ok := rational(number)
	if !ok {
		return 0, errors.New("is not a number")
	}
	r.Mul(r, big.NewRat(factor, 1))
	if !r.IsInt() {
		return 0, errors.New("is not whole in the smallest unit")
	}
	if !r.Num().IsInt64() {
		return 0, errors.New("is too large")
	}
	return r.Num().Int64(), nil
}

// split parts a text into the decimal number it begins with and the rest, its
// unit.
func split(s string) (number, unit string) {
	i := 0
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.') {
		i++
	}
	return s[:i], s[i:]
}

// maxDigits bounds a number as written.
const maxDigits = 24

// rational reads digits with at most one point between them, exactly.
func rational(number string) (*big.Rat, bool) {
	digits, fraction, point := strings.Cut(number, ".")
	if len(number) > maxDigits || digits == "" || point && fraction == "" || strings.Trim(digits+fraction, "0123456789") != "" {
		return nil, false
	}
	return new(big.Rat).SetString(number)
}
