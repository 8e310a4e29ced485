package threshold

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/onebar/onebar/harness/metric"
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
//	p95(confirm, phase: tunnel) < 20s
//	joules_per_payment(phase: "3G after the tunnel") < 12
//
// Any name of a phase is accepted: whether there is such a phase shows when the
// threshold is evaluated.
//
// A duration is written as time.ParseDuration reads it. A size is a number of
// bytes, with B, KB, MB, GB (powers of 1000) or KiB, MiB, GiB (powers of 1024)
// or nothing after it; a share is a percentage or a number from 0 to 1; an
// energy is a number of joules, with mJ, J, kJ or nothing after it. The error
// is a *ParseError.
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
		return t, p.fail(at, "a value is missing after %s: %s", t.Op, wordsOf(t.Unit).example)
	}
	v, reason := value(text, t.Metric)
	if reason != "" {
		return t, p.fail(at, "%s %s: %s", t.Figure, wordsOf(t.Unit).is, reason)
	}
	t.Value = v
	return t, nil
}

// figure reads a metric, or an aggregate and a series, either of them of a phase
// if it says so.
func (p *parser) figure(t *Threshold) error {
	p.space()
	at := p.pos
	name := p.word()
	if name == "" {
		return p.fail(at, "a metric is missing: write it as in p95(confirm) < 8s")
	}
	m, ok := lookup(name)
	p.space()
	parenthesis := p.take("(")
	switch {
	case parenthesis && slices.Contains(metric.Aggregates(), name):
		return p.series(t, name)
	case ok && m.Series:
		return p.fail(at, "%s has many values: say which is meant, such as p95(%s)", name, name)
	case !ok && parenthesis && !strings.HasPrefix(strings.TrimLeft(p.text[p.pos:], " \t"), "phase"):
		return p.fail(at, "%q cannot be taken of a series: use %s", name, strings.Join(metric.Aggregates(), ", "))
	case !ok:
		return p.fail(at, "no metric is named %q%s", name, p.meant(name))
	}
	t.Metric, t.Plain, t.Figure, t.Unit = m, name, name, m.Unit
	if !parenthesis {
		return nil
	}
	if m.Whole {
		return p.fail(at, "%s is of the whole run: write it without ( )", name)
	}
	return p.phase(t)
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
		return p.fail(at, "no series is named %q%s", name, didYouMean(cmp.Or(usual(name), name), metricNames(true)))
	case !m.Series:
		return p.fail(at, "%s is one number, not a series: write it without %s( )", name, aggregate)
	}
	t.Metric, t.Plain, t.Unit = m, aggregate+"("+name+")", m.Unit
	t.Figure = t.Plain
	p.space()
	if p.take(",") {
		return p.phase(t)
	}
	if at = p.pos; !p.take(")") {
		return p.fail(at, "a closing parenthesis is missing after %s", name)
	}
	return nil
}

// phase reads "phase: name" and the parenthesis after it.
func (p *parser) phase(t *Threshold) error {
	p.space()
	at := p.pos
	named := p.take("phase")
	p.space()
	if !named || !p.take(":") {
		return p.fail(at, "a phase is missing: write it as in phase: tunnel")
	}
	p.space()
	at = p.pos
	name, ok := p.quoted()
	switch {
	case !ok:
		return p.fail(at, "the quotation mark that opens the name of the phase is not closed")
	case name == "":
		return p.fail(at, "the name of a phase is missing")
	}
	t.Phase = name
	t.Figure = t.ofPhase().String()
	p.space()
	if at = p.pos; !p.take(")") {
		return p.fail(at, "a closing parenthesis is missing after the phase; a name of more than a word stands in quotation marks")
	}
	return nil
}

// quoted reads a word, or anything between quotation marks: single ones, in
// which all is as it is, or double ones, in which a backslash works as in Go.
func (p *parser) quoted() (name string, ok bool) {
	rest := p.text[p.pos:]
	switch {
	case strings.HasPrefix(rest, "'"):
		name, _, ok = strings.Cut(rest[1:], "'")
		p.pos += len(name) + 2
		return name, ok
	case strings.HasPrefix(rest, `"`):
		prefix, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return "", false
		}
		p.pos += len(prefix)
		name, err = strconv.Unquote(prefix)
		return name, err == nil
	}
	return p.word(), true
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
	n := strings.IndexAny(p.text[p.pos:], metric.WordEnd)
	if n < 0 {
		n = len(p.text) - p.pos
	}
	w := p.text[p.pos : p.pos+n]
	p.pos += n
	return w
}
