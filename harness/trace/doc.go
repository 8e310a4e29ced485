// Package trace reads, writes and makes delivery traces: what a radio could
// carry from one moment to the next, for [harness.Path].Trace.
//
// [Parse] takes both forms in use and tells them apart by their first line. A
// file is text; empty lines and what follows a # are left out.
//
//   - One whole number a line is mahimahi's form: the millisecond of a chance to
//     send 1500 bytes, written again for every further chance in the same
//     millisecond. The trace repeats after the last line (ravinet/mahimahi,
//     Netravali et al., USENIX ATC 2015).
//   - Two numbers a line are seconds and Mbit/s, parted by spaces, tabs or a
//     comma and, if you like, in square brackets: the rate from that time on. The
//     last line ends the trace, which then repeats; its rate is not used. Times
//     count from the first line's, so that a log with a clock of its own will do.
//
// [Generate] makes traces of our own in the second form, from published
// statistics and a seed; no recorded trace is part of the project.
package trace

import (
	"fmt"
	"slices"
	"time"

	"github.com/onebar/onebar/harness/delivery"
)

// MaxPeriod is the longest trace.
const MaxPeriod = 24 * time.Hour

// Series is a trace in the numbers of its file. Either Opportunities or Rates is
// set; see [delivery.NewOpportunities] and [delivery.NewRates] for what they must
// be. Those of Parse and Generate are sound.
type Series struct {
	Opportunities []time.Duration // from the start; the last one is the period
	Rates         []delivery.Rate // the first at 0
	Period        time.Duration   // of Rates
}

// Trace returns the series as a trace of the given name, or an error if the
// series is none. The trace keeps Opportunities: do not change them afterwards.
func (s Series) Trace(name string) (*delivery.Trace, error) {
	if s.Rates != nil {
		return delivery.NewRates(name, s.Rates, s.Period)
	}
	return delivery.NewOpportunities(name, s.Opportunities)
}

// Stalls are the stretches of one period in which nothing could be sent.
type Stalls struct {
	Count                  int
	Total, Median, Longest time.Duration // 0 if there are none
}

// Stalls returns those longer than over: the gaps between two opportunities, or
// the stretches at a rate of 0. One that reaches over the end of the trace into
// its beginning is one.
func (s Series) Stalls(over time.Duration) Stalls {
	gaps := slices.DeleteFunc(s.gaps(), func(g time.Duration) bool { return g <= over })
	slices.Sort(gaps)
	got := Stalls{Count: len(gaps)}
	for _, g := range gaps {
		got.Total += g
	}
	if n := len(gaps); n > 0 {
		got.Longest, got.Median = gaps[n-1], (gaps[(n-1)/2]+gaps[n/2])/2
	}
	return got
}

func (s Series) gaps() []time.Duration {
	var gaps []time.Duration
	if s.Rates == nil {
		var last time.Duration // the end of the period is the start of the next
		for _, at := range s.Opportunities {
			gaps = append(gaps, at-last)
			last = at
		}
		return gaps
	}
	var open time.Duration // how long the rate has been 0
	for i, r := range s.Rates {
		end := s.Period
		if i+1 < len(s.Rates) {
			end = s.Rates[i+1].At
		}
		if r.Rate == 0 {
			open += end - r.At
		} else if open > 0 {
			gaps, open = append(gaps, open), 0
		}
	}
	switch {
	case open > 0 && len(gaps) > 0 && s.Rates[0].Rate == 0:
		gaps[0] += open
	case open > 0:
		gaps = append(gaps, open)
	}
	return gaps
}

// Text returns the series as a file that Parse reads back unchanged, if it holds
// whole milliseconds of opportunities.
func (s Series) Text() []byte {
	var b []byte
	for _, at := range s.Opportunities {
		b = fmt.Appendln(b, at.Milliseconds())
	}
	for _, r := range s.Rates {
		b = fmt.Appendf(b, "%s %s\n", decimal(int64(r.At), 9), decimal(r.Rate, 6))
	}
	if s.Rates != nil {
		b = fmt.Appendf(b, "%s 0\n", decimal(int64(s.Period), 9))
	}
	return b
}

// decimal writes v·10^-digits without needless zeros.
func decimal(v int64, digits int) string {
	s := fmt.Sprintf("%0*d", digits+1, v)
	whole, fraction := s[:len(s)-digits], s[len(s)-digits:]
	for len(fraction) > 0 && fraction[len(fraction)-1] == '0' {
		fraction = fraction[:len(fraction)-1]
	}
	if fraction == "" {
		return whole
	}
	return whole + "." + fraction
}
