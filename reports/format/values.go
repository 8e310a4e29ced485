package format

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/mattn/go-runewidth"

	"github.com/onebar/onebar/harness/result"
)

// What stands in the place of a number.
const (
	None     = "–" // it was not measured
	Unjudged = "?" // a check could not tell
)

// Clean makes one harmless line of a text that came from outside (a scenario
// file, an answer of a server): no line breaks, no terminal escapes, no
// characters that turn the reading direction around.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r == '\r' || unicode.Is(unicode.Bidi_Control, r):
			return -1
		case unicode.IsControl(r):
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, string(unicode.ReplacementChar)))
}

// Width returns how many columns s takes on a terminal. It does not depend on
// the locale, unlike the package-level functions of runewidth.
func Width(s string) int {
	return (&runewidth.Condition{}).StringWidth(s)
}

// Fit cuts s to at most n columns and marks the cut.
func Fit(s string, n int) string {
	return (&runewidth.Condition{}).Truncate(s, n, "…")
}

// Pad fills s up with spaces to n columns, on its left if right is set.
func Pad(s string, n int, right bool) string {
	fill := strings.Repeat(" ", max(0, n-Width(s)))
	if right {
		return fill + s
	}
	return s + fill
}

// Duration writes d with three significant digits at most.
func Duration(d time.Duration) string {
	switch a := d.Abs(); {
	case a == 0:
		return "0s"
	case a < time.Millisecond:
		return strconv.FormatInt(d.Microseconds(), 10) + "µs"
	case a < 10*time.Millisecond:
		return strconv.FormatFloat(d.Seconds()*1e3, 'f', 1, 64) + "ms"
	case a < 999500*time.Microsecond:
		return strconv.FormatFloat(d.Seconds()*1e3, 'f', 0, 64) + "ms"
	case a < 9995*time.Millisecond:
		return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) + "s"
	case a < 99950*time.Millisecond:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + "s"
	}
	if d.Abs() >= time.Hour {
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return d.Round(time.Second).String()
}

// seconds is Duration for a figure; what is too long for a time.Duration stays
// a number.
func seconds(s float64) string {
	if !(math.Abs(s) < math.MaxInt64/float64(time.Second)) { // or not a number
		return strconv.FormatFloat(s, 'g', 3, 64) + "s"
	}
	return Duration(time.Duration(s * float64(time.Second)))
}

// Significant writes x with up to three digits that matter, and no exponent
// where people read one badly.
func Significant(x float64) string {
	if math.Abs(x) >= 100 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}

// Scaled writes x with a decimal prefix: 12.3 kbit/s. Bytes below 10,000 stay as
// they are, since the sizes of messages are compared digit by digit.
func Scaled(x float64, unit string) string {
	for _, p := range []struct {
		factor float64
		name   string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		least := p.factor
		if unit == "B" && p.name == "k" {
			least *= 10
		}
		if math.Abs(x) >= least {
			return Significant(x/p.factor) + " " + p.name + unit
		}
	}
	return Significant(x) + " " + unit
}

// Percent writes a share without its sign, with three digits that matter.
func Percent(share float64) string {
	if p := share * 100; p == 0 || math.Abs(p) >= 0.001 {
		return Significant(p)
	}
	return "<0.001"
}

// Brief is Percent with one decimal, for narrow columns.
func Brief(share float64) string {
	p := math.Abs(share * 100)
	if p > 0 && p < 0.05 {
		return "<0.1"
	}
	return strconv.FormatFloat(math.Round(p*10)/10, 'f', -1, 64)
}

// Figure writes the value of f with its unit.
func Figure(f result.Figure) string {
	switch f.Unit {
	case result.Seconds:
		return seconds(f.Value)
	case result.Bytes:
		return Scaled(f.Value, "B")
	case result.Ratio:
		return Percent(f.Value) + "%"
	case result.BitPerSecond:
		return Scaled(f.Value, "bit/s")
	case result.Joules:
		return Significant(f.Value) + " J"
	case result.Count, result.UnitUnknown:
	}
	if f.Value == math.Trunc(f.Value) {
		return strconv.FormatFloat(f.Value, 'f', 0, 64)
	}
	return Significant(f.Value)
}
