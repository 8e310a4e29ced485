package spec

import (
	"errors"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/keys"
	"github.com/onebar/onebar/harness/quantity"
	"github.com/onebar/onebar/harness/threshold"
)

// maxScript is the longest script; it is also the highest duration.
const maxScript = 72 * time.Hour

// build makes the Scenario and checks what only makes sense together. The
// Scenario is good only if r has no mistakes; a value that is already known to
// be wrong is left out of further checks.
func build(r *keys.Reader, f *file) harness.Scenario {
	e := envOf(r)
	e.script = length(r, f)
	e.wallets = int64(f.Workload.Wallets)
	e.Add(r, f.Profiles)
	s := harness.Scenario{File: r.File}
	r.Fill(f, &s)
	f.Workload.check(r, &s.Workload)
	f.Subject.Check(r)
	sound := r.Sound()
	s.Expect = expectations(r, f.Expect, func(t threshold.Threshold, at keys.Place, text string) {
		if !sound || t.Phase == "" {
			return // which phases there are is not known, or need not be
		}
		if phases := phasesOf(s); !phases.can(t.Phase) {
			r.Errorf(at, "threshold %q: no phase can have the name %q; %s", text, t.Phase, keys.Suggest(t.Phase, phases.options()))
		}
	})
	return s
}

// length returns the length of the script, and 0 if the file does not say:
// every payment is asked at once, or what would tell it is wrong.
func length(r *keys.Reader, f *file) time.Duration {
	w, duration := &f.Workload, time.Duration(f.Duration)
	if !r.Good(&w.Rate) || !r.Good(&w.Payments) {
		return duration
	}
	span := harness.Workload{Payments: int(w.Payments), Rate: float64(w.Rate)}.Span()
	takes := quantity.FormatDuration(span.Round(time.Millisecond))
	switch {
	case span > maxScript:
		r.Errorf(r.At(&w.Rate), "rate is too low; %d payments take %s, and a script lasts at most %s", w.Payments, takes, quantity.FormatDuration(maxScript))
	case !r.Given(&f.Duration):
		return span
	case r.Good(&f.Duration) && duration < span:
		r.Errorf(r.At(&f.Duration), "duration %s is too short; %d payments at this rate take %s", quantity.FormatDuration(duration), w.Payments, takes)
	}
	return duration
}

// check completes a workload by what follows from other keys.
func (v *workload) check(r *keys.Reader, got *harness.Workload) {
	if r.Good(&v.Balance) && r.Good(&v.Amount) && v.Balance.Currency != v.Amount.Currency {
		r.Errorf(r.At(&v.Balance), "balance is in %s and amount in %s; a scenario has one currency", v.Balance.Currency, v.Amount.Currency)
	}
	switch n := len(got.Currencies()); {
	case n == 1:
	case r.Good(&v.Balance) && got.Balance > 0:
		r.Errorf(r.At(&v.Balance), "balance does not go with amounts in %d currencies; leave it out, and each wallet has enough", n)
	case got.Wallets < n || got.Merchants < n:
		r.Errorf(r.At(&v.Others), "amounts in %d currencies need %d wallets and %d merchants or more; wallets is %d and merchants is %d", n, n, n, got.Wallets, got.Merchants)
	}
	if !r.Given(&v.Impatience) {
		got.Presses = 0
	}
	if script := envOf(r).script; !r.Given(&v.Rate) && script > 0 {
		got.Rate = float64(got.Payments) / script.Seconds()
	}
}

// expectations checks each threshold with package threshold, has check look at it, and
// keeps its text.
func expectations(r *keys.Reader, texts []keys.Text, check func(threshold.Threshold, keys.Place, string)) []harness.Expectation {
	var got []harness.Expectation
	for i := range texts {
		at, text := r.At(&texts[i]), string(texts[i])
		if !r.Good(&texts[i]) {
			continue
		}
		t, err := threshold.Parse(text)
		if err != nil {
			reason := err.Error()
			if wrong, ok := errors.AsType[*threshold.ParseError](err); ok {
				at, reason = r.Inside(at, text, 1, wrong.Column), wrong.Reason
			}
			r.Errorf(at, "threshold %q: %s", text, reason)
			continue
		}
		check(t, at, text)
		got = append(got, harness.Expectation{Text: text, Line: at.Line})
	}
	return got
}
