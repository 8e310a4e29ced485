package spec

import (
	"errors"
	"reflect"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/quantity"
	"github.com/onebar/onebar/harness/threshold"
)

// maxScript is the longest script; it is also the highest duration.
const maxScript = 24 * time.Hour

// build makes the Scenario and checks what only makes sense together. The
// Scenario is good only if d has no mistakes; a value that is already known to
// be wrong is left out of further checks.
func build(d *decoder, f *file) harness.Scenario {
	d.script = d.length(f)
	d.wallets = f.Workload.Wallets.n
	d.scope = d.lib.links().with(d, f.Profiles)
	s := harness.Scenario{File: d.file}
	d.fill(reflect.ValueOf(f).Elem(), reflect.ValueOf(&s).Elem())
	f.Workload.check(d, &s.Workload)
	f.Subject.check(d, f.Engine)
	s.Expect = d.expectations(f.Expect)
	return s
}

// length returns the length of the script, and 0 if the file does not say:
// every payment is asked at once, or what would tell it is wrong.
func (d *decoder) length(f *file) time.Duration {
	w := &f.Workload
	if !w.Rate.ok || !w.Payments.ok {
		return f.Duration.d
	}
	span := harness.Workload{Payments: int(w.Payments.n), Rate: w.Rate.hz}.Span()
	takes := quantity.FormatDuration(span.Round(time.Millisecond))
	switch {
	case span > maxScript:
		d.errorf(w.Rate.place, "rate is too low; %d payments take %s, and a script lasts at most %s", w.Payments.n, takes, quantity.FormatDuration(maxScript))
	case !f.Duration.given():
		return span
	case f.Duration.ok && f.Duration.d < span:
		d.errorf(f.Duration.place, "duration %s is too short; %d payments at this rate take %s", quantity.FormatDuration(f.Duration.d), w.Payments.n, takes)
	}
	return f.Duration.d
}

// check completes a workload by what follows from other keys.
func (v *workload) check(d *decoder, got *harness.Workload) {
	if v.Balance.ok && v.Amount.ok && v.Balance.currency != v.Amount.currency {
		d.errorf(v.Balance.place, "balance is in %s and amount in %s; a scenario has one currency", v.Balance.currency, v.Amount.currency)
	}
	if !v.Impatience.given() {
		got.Presses = 0
	}
	if !v.Rate.given() && d.script > 0 {
		got.Rate = float64(got.Payments) / d.script.Seconds()
	}
}

// expectations checks each threshold with package metric and keeps its text.
func (d *decoder) expectations(texts []text) []harness.Expectation {
	var got []harness.Expectation
	for _, t := range texts {
		if !t.ok {
			continue
		}
		if _, err := threshold.Parse(t.s); err != nil {
			at, reason := t.place, err.Error()
			if wrong, ok := errors.AsType[*threshold.ParseError](err); ok {
				at, reason = d.inside(t, wrong.Column), wrong.Reason
			}
			d.errorf(at, "threshold %q: %s", t.s, reason)
			continue
		}
		got = append(got, harness.Expectation{Text: t.s, Line: t.line})
	}
	return got
}

// inside returns the place of a column of the text, if the text stands in the
// file as it is, and otherwise the place where it begins.
func (d *decoder) inside(t text, column int) place {
	if t.line > len(d.lines) {
		return t.place
	}
	line := []rune(d.lines[t.line-1])
	want := []rune(t.s)
	from := t.col - 1
	for _, quote := range []int{0, 1} {
		if from+quote+len(want) <= len(line) && string(line[from+quote:from+quote+len(want)]) == t.s {
			return place{t.line, t.col + quote + max(column-1, 0)}
		}
	}
	return t.place
}
