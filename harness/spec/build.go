package spec

import (
	"errors"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/threshold"
)

// maxScript is the longest script; it is also the highest duration.
const maxScript = 24 * time.Hour

// build makes the Scenario and checks what only makes sense together. The
// Scenario is good only if d has no mistakes; a value that is already known to
// be wrong is left out of further checks.
func build(d *decoder, f *file) harness.Scenario {
	script := d.script(f)
	scope := d.lib.links().with(d, f.Profiles)
	s := harness.Scenario{
		Name:     f.Name.s,
		Summary:  f.Summary.s,
		File:     d.file,
		Engine:   f.Engine.s,
		Seed:     uint64(f.Seed.n),
		Length:   f.Duration.d,
		Subject:  *plainOf[harness.SubjectConfig](&f.Subject),
		Workload: d.workload(f, script),
		Link:     scope.resolve(d, &f.Link),
		Radio:    d.radio(f.Radio),
		Settle:   f.Settle.d,
		Expect:   d.expectations(f.Expect),
	}
	f.Subject.check(d, f.Engine)
	for _, t := range f.Tags {
		s.Tags = append(s.Tags, t.s)
	}
	t := timeline{decoder: d, script: script, wallets: f.Workload.Wallets.n, scope: scope}
	for i := range f.Timeline {
		s.Timeline = append(s.Timeline, t.event(&f.Timeline[i]))
	}
	for i := range f.Nemesis {
		s.Nemesis = append(s.Nemesis, t.trouble(&f.Nemesis[i]))
	}
	return s
}

// script returns the length of the script, and 0 if the file does not say:
// every payment is asked at once, or what would tell it is wrong.
func (d *decoder) script(f *file) time.Duration {
	w := &f.Workload
	if !w.Rate.ok || !w.Payments.ok {
		return f.Duration.d
	}
	span := harness.Workload{Payments: int(w.Payments.n), Rate: w.Rate.hz}.Span()
	takes := FormatDuration(span.Round(time.Millisecond))
	switch {
	case span > maxScript:
		d.errorf(w.Rate.place, "rate is too low; %d payments take %s, and a script lasts at most %s", w.Payments.n, takes, FormatDuration(maxScript))
	case !f.Duration.given():
		return span
	case f.Duration.ok && f.Duration.d < span:
		d.errorf(f.Duration.place, "duration %s is too short; %d payments at this rate take %s", FormatDuration(f.Duration.d), w.Payments.n, takes)
	}
	return f.Duration.d
}

func (d *decoder) workload(f *file, script time.Duration) harness.Workload {
	w := &f.Workload
	if w.Presses.given() && !w.Impatience.given() {
		d.errorf(w.Presses.place, "presses without impatience has no effect; give impatience, such as 5s")
	}
	if w.Balance.ok && w.Amount.ok && w.Balance.currency != w.Amount.currency {
		d.errorf(w.Balance.place, "balance is in %s and amount in %s; a scenario has one currency", w.Balance.currency, w.Amount.currency)
	}
	got := harness.Workload{
		Wallets:   int(w.Wallets.n),
		Merchants: int(w.Merchants.n),
		Payments:  int(w.Payments.n),
		Rate:      w.Rate.hz,
		AmountMin: w.Amount.least,
		AmountMax: w.Amount.most,
		Currency:  w.Amount.currency,
		Balance:   w.Balance.minor,
		Impatient: w.Impatience.d,
		Deadline:  w.Deadline.d,
		Attempts:  int(w.Attempts.n),
	}
	if w.Impatience.given() {
		got.Presses = int(w.Presses.n)
	}
	if !w.Rate.given() && script > 0 {
		got.Rate = float64(got.Payments) / script.Seconds()
	}
	return got
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
