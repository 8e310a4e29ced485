package metric

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/onebar/onebar/harness"
)

// ParseError is a mistake in the text of a threshold.
type ParseError struct {
	Column int    // where in the text, in characters from 1
	Reason string // what is wrong and what would be right
}

// Error returns "column N: reason".
func (e *ParseError) Error() string { return fmt.Sprintf("column %d: %s", e.Column, e.Reason) }

// Parse reads a threshold: a metric of the catalogue, or an aggregate of a
// series, then < <= > >= == or !=, then a value in the metric's unit:
//
//	p95(confirm) < 20s
//	bytes_per_payment <= 1.5KB
//	retransmitted_share < 10%
//	confirmed >= 200
//
// A duration is written as time.ParseDuration reads it. A size is a number of
// bytes, with B, KB, MB, GB (powers of 1000) or KiB, MiB, GiB (powers of 1024)
// or nothing after it; a share is a percentage or a number from 0 to 1. The
// error is a *ParseError.
func Parse(text string) (Threshold, error) {
	p := &parser{text: text}
	t, err := p.threshold()
	if err != nil {
		return Threshold{}, err
	}
	t.Text = text
	return t, nil
}

// parser reads text from left to right; pos is the next byte.
type parser struct {
	text string
	pos  int
}

func (p *parser) fail(at int, format string, args ...any) *ParseError {
	return &ParseError{
		Column: utf8.RuneCountInString(p.text[:at]) + 1,
		Reason: fmt.Sprintf(format, args...),
	}
}

func (p *parser) threshold() (Threshold, error) {
	var t Threshold
	if err := p.figure(&t); err != nil {
		return t, err
	}
	if err := p.operator(&t); err != nil {
		return t, err
	}
	p.space()
	at := p.pos
	text := strings.TrimRight(p.text[at:], " \t")
	if text == "" {
		return t, p.fail(at, "a value is missing after %s: %s", t.Op, example(t.Unit))
	}
	v, reason := value(text, t.Unit)
	if reason != "" {
		return t, p.fail(at, "%s %s: %s", t.Figure, unitSentence(t.Unit), reason)
	}
	t.Value = v
	return t, nil
}

// figure reads a metric, or an aggregate and a series.
func (p *parser) figure(t *Threshold) error {
	p.space()
	at := p.pos
	name := p.word()
	if name == "" {
		return p.fail(at, "a metric is missing: write it as in p95(confirm) < 8s")
	}
	p.space()
	if !p.take("(") {
		m, ok := lookup(name)
		switch {
		case ok && m.Series:
			return p.fail(at, "%s has many values: say which is meant, such as p95(%s)", name, name)
		case !ok:
			return p.fail(at, "no metric is named %q%s", name, didYouMean(name, metricNames(false)))
		}
		t.Metric, t.Figure, t.Unit = m, name, m.Unit
		return nil
	}
	if !slices.Contains(Aggregates(), name) {
		return p.fail(at, "%q cannot be taken of a series: use %s", name, strings.Join(Aggregates(), ", "))
	}
	return p.series(t, name)
}

// series reads what stands after the opening parenthesis of an aggregate.
func (p *parser) series(t *Threshold, aggregate string) error {
	p.space()
	at := p.pos
	name := p.word()
	m, ok := lookup(name)
	switch {
	case name == "":
		return p.fail(at, "a series is missing: write it as in %s(confirm)", aggregate)
	case !ok:
		return p.fail(at, "no series is named %q%s", name, didYouMean(name, metricNames(true)))
	case !m.Series:
		return p.fail(at, "%s is one number, not a series: write it without %s( )", name, aggregate)
	}
	p.space()
	if at = p.pos; !p.take(")") {
		return p.fail(at, "a closing parenthesis is missing after %s", name)
	}
	t.Metric, t.Figure, t.Unit = m, aggregate+"("+name+")", m.Unit
	return nil
}

func (p *parser) operator(t *Threshold) error {
	p.space()
	at := p.pos
	for _, o := range []Op{AtMost, AtLeast, Equal, NotEqual, Less, More} { // the longer ones first
		if p.take(o.String()) {
			t.Op = o
			return nil
		}
	}
	if p.take("=") {
		return p.fail(at, "= is not a comparison: write == for equal")
	}
	return p.fail(at, "a comparison is missing after %s: one of < <= > >= == !=", t.Figure)
}

func (p *parser) space() {
	for p.pos < len(p.text) && (p.text[p.pos] == ' ' || p.text[p.pos] == '\t') {
		p.pos++
	}
}

func (p *parser) take(s string) bool {
	if !strings.HasPrefix(p.text[p.pos:], s) {
		return false
	}
	p.pos += len(s)
	return true
}

// word reads everything up to a space, a parenthesis, a comma or a comparison,
// so that an odd character is shown inside the name it spoils.
func (p *parser) word() string {
	n := strings.IndexAny(p.text[p.pos:], " \t(),<>=!")
	if n < 0 {
		n = len(p.text) - p.pos
	}
	w := p.text[p.pos : p.pos+n]
	p.pos += n
	return w
}

// value reads text as a value of unit u, or says why it is none.
func value(text string, u harness.Unit) (v float64, reason string) {
	n := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if n < 0 {
		n = len(text)
	}
	number, suffix := text[:n], strings.TrimLeft(text[n:], " ")
	v, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, fmt.Sprintf("%q is not a number of 0 or more; %s", text, example(u))
	}
	written := suffixUnit(suffix, text)
	switch {
	case written == harness.UnitUnknown:
		return 0, fmt.Sprintf("%q has no unit I know; %s", text, example(u))
	case u == harness.Seconds && text == "0":
		return 0, ""
	case written == u && u == harness.Seconds:
		d, _ := time.ParseDuration(text) // suffixUnit has read it
		return d.Seconds(), ""
	case written == u && u == harness.Bytes:
		return v * byteFactor(suffix), ""
	case written == u && u == harness.Ratio:
		v /= 100
	case written != harness.Count:
		return 0, fmt.Sprintf("%q is %s; %s", text, article(written), example(u))
	case u == harness.Seconds:
		return 0, fmt.Sprintf("%q has no unit; %s", text, example(u))
	}
	if u == harness.Ratio && v > 1 {
		return 0, fmt.Sprintf("%q is above 1; %s", text, example(u))
	}
	return v, ""
}

// suffixUnit returns the unit a value is written in: Count for a bare number,
// UnitUnknown if the suffix is none of ours.
func suffixUnit(suffix, text string) harness.Unit {
	switch {
	case suffix == "":
		return harness.Count
	case suffix == "%":
		return harness.Ratio
	case byteFactor(suffix) > 0:
		return harness.Bytes
	}
	if _, err := time.ParseDuration(text); err == nil {
		return harness.Seconds
	}
	return harness.UnitUnknown
}

// byteFactor returns how many bytes a suffix stands for, or 0.
func byteFactor(suffix string) float64 {
	switch suffix {
	case "B":
		return 1
	case "KB", "kB":
		return 1e3
	case "MB":
		return 1e6
	case "GB":
		return 1e9
	case "KiB":
		return 1 << 10
	case "MiB":
		return 1 << 20
	case "GiB":
		return 1 << 30
	}
	return 0
}

func article(u harness.Unit) string {
	switch u {
	case harness.Seconds:
		return "a duration"
	case harness.Bytes:
		return "a size"
	case harness.Ratio:
		return "a percentage"
	default:
		return "a number"
	}
}

func unitSentence(u harness.Unit) string {
	switch u {
	case harness.Seconds:
		return "is a duration"
	case harness.Bytes:
		return "is a size in bytes"
	case harness.Ratio:
		return "is a share"
	default:
		return "is a plain number"
	}
}

func example(u harness.Unit) string {
	switch u {
	case harness.Seconds:
		return "write a duration such as 20s or 300ms"
	case harness.Bytes:
		return "write a size such as 900 or 1.5KB"
	case harness.Ratio:
		return "write a share such as 10% or 0.1"
	default:
		return "write a number such as 0 or 2.5"
	}
}
