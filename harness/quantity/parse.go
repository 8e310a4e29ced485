// Package quantity reads and writes values with a unit, in the form that a scenario file
// has them: 1m30s, 64KiB, 9.6kbit, 2%, 90/min, 12.50 EUR. An error says what is wrong
// with a text, such as "has no unit"; the caller has the text.
package quantity

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// ParseCount reads a whole number without a unit.
func ParseCount(s string) (int64, error) {
	number, unit := split(s)
	if unit != "" {
		return 0, not(s, "a whole number")
	}
	if strings.Contains(number, ".") {
		return 0, errors.New("is not whole")
	}
	return whole(number, 1)
}

// ParseNumber reads a decimal number without a unit.
func ParseNumber(s string) (float64, error) {
	r, ok := rational(s)
	if !ok {
		return 0, errors.New("is not a number")
	}
	f, _ := r.Float64()
	return f, nil
}

// ParseDuration reads a length of time: Go's syntax without a sign, with the units us,
// ms, s, m and h.
func ParseDuration(s string) (time.Duration, error) {
	number, unit := split(s)
	if number == "" {
		return 0, not(s, "a duration")
	}
	if unit == "" {
		return 0, fmt.Errorf("has no unit (%ss? %sms?)", number, number)
	}
	if strings.HasPrefix(unit, " ") {
		return 0, errors.New("has a space before its unit")
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, errors.New("is not a duration")
	}
	return d, nil
}

// ParseShare reads a part of a whole in percent, and returns it as 0 to 1, or more.
func ParseShare(s string) (float64, error) {
	number, unit := split(s)
	if number != "" && unit == "" {
		return 0, errors.New("has no percent sign (0.02 is written 2%)")
	}
	r, ok := rational(number)
	if !ok || unit != "%" {
		return 0, not(s, "a percentage")
	}
	f, _ := r.Quo(r, big.NewRat(100, 1)).Float64()
	return f, nil
}

// ParseRate reads a rate, and returns it in bit/s. The units are decimal, as tc's are.
func ParseRate(s string) (int64, error) {
	return inUnits(s, map[string]int64{"bit": 1, "kbit": 1e3, "mbit": 1e6, "gbit": 1e9})
}

// ParseSize reads a size, and returns it in bytes.
func ParseSize(s string) (int64, error) {
	return inUnits(s, map[string]int64{"B": 1, "KB": 1e3, "MB": 1e6, "KiB": 1 << 10, "MiB": 1 << 20})
}

// ParseFrequency reads a number of times a second, a minute or an hour, and returns it
// a second.
func ParseFrequency(s string) (float64, error) {
	number, unit := split(s)
	r, ok := rational(number)
	seconds := map[string]int64{"/s": 1, "/min": 60, "/h": 3600}[unit]
	if !ok || seconds == 0 {
		return 0, errors.New("is not a frequency")
	}
	hz, _ := r.Quo(r, big.NewRat(seconds, 1)).Float64()
	return hz, nil
}

// inUnits reads a number with one of the units, and returns it in the smallest.
func inUnits(s string, units map[string]int64) (int64, error) {
	number, unit := split(s)
	if number == "" {
		return 0, not(s, "a number with a unit")
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

// not says that a text is not what was expected.
func not(s, expected string) error {
	if strings.HasPrefix(s, "-") {
		return errors.New("is negative")
	}
	return errors.New("is not " + expected)
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
