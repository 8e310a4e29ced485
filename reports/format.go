package reports

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/mattn/go-runewidth"

	"github.com/onebar/onebar/harness/result"
)

const (
	none     = "–" // it was not measured
	unjudged = "?" // a check could not tell
)

// clean makes one harmless line of a text that came from outside (a scenario
// file, an answer of a server): no line breaks, no terminal escapes, no
// characters that turn the reading direction around.
func clean(s string) string {
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

// width returns how many columns s takes on a terminal. It does not depend on
// the locale, unlike the package-level functions of runewidth.
func width(s string) int {
	return (&runewidth.Condition{}).StringWidth(s)
}

// fit cuts s to at most n columns and marks the cut.
func fit(s string, n int) string {
	return (&runewidth.Condition{}).Truncate(s, n, "…")
}

// pad fills s up with spaces to n columns, on its left if right is set.
func pad(s string, n int, right bool) string {
	fill := strings.Repeat(" ", max(0, n-width(s)))
	if right {
		return fill + s
	}
	return s + fill
}

// duration writes d with three significant digits at most.
func duration(d time.Duration) string {
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
	return d.Round(time.Second).String()
}

// seconds is duration for a figure; what is too long for a time.Duration stays
// a number.
func seconds(s float64) string {
	if !(math.Abs(s) < math.MaxInt64/float64(time.Second)) { // or not a number
		return strconv.FormatFloat(s, 'g', 3, 64) + "s"
	}
	return duration(time.Duration(s * float64(time.Second)))
}

// significant writes x with up to three digits that matter, and no exponent
// where people read one badly.
func significant(x float64) string {
	if math.Abs(x) >= 100 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}

// scaled writes x with a decimal prefix: 12.3 kbit/s. Bytes below 10,000 stay as
// they are, since the sizes of messages are compared digit by digit.
func scaled(x float64, unit string) string {
	for _, p := range []struct {
		factor float64
		name   string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		least := p.factor
		if unit == "B" && p.name == "k" {
			least *= 10
		}
		if math.Abs(x) >= least {
			return significant(x/p.factor) + " " + p.name + unit
		}
	}
	return significant(x) + " " + unit
}

// percent writes a share without its sign, with three digits that matter.
func percent(share float64) string {
	if p := share * 100; p == 0 || math.Abs(p) >= 0.001 {
		return significant(p)
	}
	return "<0.001"
}

// brief is percent with one decimal, for narrow columns.
func brief(share float64) string {
	p := math.Abs(share * 100)
	if p > 0 && p < 0.05 {
		return "<0.1"
	}
	return strconv.FormatFloat(math.Round(p*10)/10, 'f', -1, 64)
}

// figure writes the value of f with its unit.
func figure(f result.Figure) string {
	switch f.Unit {
	case result.Seconds:
		return seconds(f.Value)
	case result.Bytes:
		return scaled(f.Value, "B")
	case result.Ratio:
		return percent(f.Value) + "%"
	case result.BitPerSecond:
		return scaled(f.Value, "bit/s")
	case result.Joules:
		return significant(f.Value) + " J"
	case result.Count, result.UnitUnknown:
	}
	if f.Value == math.Trunc(f.Value) {
		return strconv.FormatFloat(f.Value, 'f', 0, 64)
	}
	return significant(f.Value)
}

// got writes what a threshold measured.
func got(t result.Threshold) string {
	if t.Got.Name == "" {
		return none
	}
	return figure(t.Got)
}

// plural writes a number and its noun: "1 run", "2 runs".
func plural[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// lines names lines of a history: "line 3" or "lines 3, 14".
func lines(at []int) string {
	if len(at) == 0 {
		return ""
	}
	text := make([]string, len(at))
	for i, n := range at {
		text[i] = strconv.Itoa(n)
	}
	noun := "line "
	if len(at) > 1 {
		noun = "lines "
	}
	return noun + strings.Join(text, ", ")
}
