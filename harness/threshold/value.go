package threshold

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/onebar/onebar/harness/metric"
	"github.com/onebar/onebar/harness/result"
)

// value reads text as a value of metric m, or says why it is none.
func value(text string, m metric.Metric) (v float64, reason string) {
	u := m.Unit
	n := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if n < 0 {
		n = len(text)
	}
	number, suffix := text[:n], strings.TrimLeft(text[n:], " ")
	v, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, fmt.Sprintf("%q is not a number of 0 or more; %s", text, wordsOf(u).example)
	}
	written := suffixUnit(suffix, text)
	switch {
	case written == result.UnitUnknown:
		return 0, fmt.Sprintf("%q has no unit I know; %s", text, wordsOf(u).example)
	case u == result.Seconds && text == "0":
		return 0, ""
	case written == u && u == result.Seconds:
		d, _ := time.ParseDuration(text) // suffixUnit has read it
		return d.Seconds(), ""
	case written == u && u == result.Bytes:
		return v * byteFactor(suffix), ""
	case written == u && u == result.Joules:
		return v * jouleFactor(suffix), ""
	case written == u && u == result.Ratio:
		v /= 100
	case written != result.Count:
		return 0, fmt.Sprintf("%q is %s; %s", text, wordsOf(written).a, wordsOf(u).example)
	case u == result.Seconds:
		return 0, fmt.Sprintf("%q has no unit; %s", text, wordsOf(u).example)
	}
	if u == result.Ratio && v > 1 && !m.Above {
		return 0, fmt.Sprintf("%q is above 1; %s", text, wordsOf(u).example)
	}
	return v, ""
}

// suffixUnit returns the unit a value is written in: Count for a bare number,
// UnitUnknown if the suffix is none of ours.
func suffixUnit(suffix, text string) result.Unit {
	switch {
	case suffix == "":
		return result.Count
	case suffix == "%":
		return result.Ratio
	case byteFactor(suffix) > 0:
		return result.Bytes
	case jouleFactor(suffix) > 0:
		return result.Joules
	}
	if _, err := time.ParseDuration(text); err == nil {
		return result.Seconds
	}
	return result.UnitUnknown
}

// byteFactor returns how many bytes a suffix stands for, or 0.
func byteFactor(suffix string) float64 {
	return map[string]float64{
		"B": 1, "KB": 1e3, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
	}[suffix]
}

// jouleFactor returns how many joules a suffix stands for, or 0.
func jouleFactor(suffix string) float64 {
	return map[string]float64{"mJ": 1e-3, "J": 1, "kJ": 1e3}[suffix]
}

// wording is how messages speak of the values of a unit.
type wording struct {
	a       string // such a value
	is      string // what a metric of the unit is
	example string // how to write one
}

func wordsOf(u result.Unit) wording {
	switch u {
	case result.Seconds:
		return wording{"a duration", "is a duration", "write a duration such as 20s or 300ms"}
	case result.Bytes:
		return wording{"a size", "is a size in bytes", "write a size such as 900 or 1.5KB"}
	case result.Ratio:
		return wording{"a percentage", "is a share", "write a share such as 10% or 0.1"}
	case result.Joules:
		return wording{"an energy", "is an energy", "write an energy such as 12 or 12J"}
	default:
		return wording{"a number", "is a plain number", "write a number such as 0 or 2.5"}
	}
}
