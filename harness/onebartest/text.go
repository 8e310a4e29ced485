package onebartest

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/onebar/onebar/harness/bubble"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/story"
)

// outcome is the result of a case, or the error, to be shown to people.
type outcome struct {
	c      cases.Case
	result result.Result
	err    error
}

const (
	shownFindings   = 5
	shownGoroutines = 5
	shownFrames     = 8
)

// headline is the first line: the scenario, the seed and what is wrong.
func (o outcome) headline() string {
	what := "it is not known why" // every result that is not a pass says why
	switch {
	case o.err != nil:
		what = o.err.Error()
		if f, ok := errors.AsType[*bubble.Failure](o.err); ok {
			what = string(f.Kind) + ": " + f.Text
		}
	case o.result.Error != "":
		what = "the run could not be carried out: " + o.result.Error
	default:
		what = cmp.Or(o.reason(), what)
	}
	return fmt.Sprintf("%s, seed %d: %s", o.c.Scenario.Name, o.c.Seed, what)
}

// reason is the first check, or else threshold, that says what the result says; empty is
// none.
func (o outcome) reason() string {
	for _, v := range o.result.Verdicts {
		if v.Status == o.result.Status {
			return v.Check + ": " + v.Summary
		}
	}
	for _, t := range o.result.Thresholds {
		if t.Status == o.result.Status {
			return expected(t)
		}
	}
	return ""
}

// text is the message of a test that fails. scenario is the Trial's.
func (o outcome) text(scenario string) string {
	return o.told() + fmt.Sprintf("\nagain: onebartest.Trial{Scenario: %q, Seed: %d, System: …}.Run(t)", scenario, o.c.Seed)
}

// told is the report of what went wrong.
func (o outcome) told() string {
	var b strings.Builder
	b.WriteString(o.headline() + "\n")
	if f, ok := errors.AsType[*bubble.Failure](o.err); ok {
		stacks(&b, f)
	}
	if o.err == nil {
		o.verdicts(&b)
		o.story(&b)
	}
	switch {
	case o.result.HistoryFile == "":
	case kept():
		b.WriteString("\nhistory: " + o.result.HistoryFile)
	default:
		b.WriteString("\nhistory: go test -artifacts keeps it")
	}
	return b.String()
}

// verdicts writes all verdicts and thresholds that are not a pass. It leaves out those
// that are unknown only because the run broke off, which the headline says.
func (o outcome) verdicts(b *strings.Builder) {
	for _, v := range o.result.Verdicts {
		broke := o.result.Error != "" && v.Status == result.StatusUnknown && strings.HasSuffix(v.Summary, o.result.Error)
		if v.Status == result.Pass || broke {
			continue
		}
		fmt.Fprintf(b, "  %-7s %-12s %s\n", strings.ToUpper(v.Status.String()), v.Check, v.Summary)
		shown := v.Findings[:min(shownFindings, len(v.Findings))]
		for _, f := range shown {
			if len(v.Findings) > 1 || f.Text != v.Summary {
				fmt.Fprintf(b, "          - %s\n", f.Text)
			}
		}
		if more := v.Count - len(shown); more > 0 {
			fmt.Fprintf(b, "          - and %d more\n", more)
		}
	}
	for _, t := range o.result.Thresholds {
		if t.Status != result.Pass {
			fmt.Fprintf(b, "  %-7s %s\n", strings.ToUpper(t.Status.String()), expected(t))
		}
	}
}

// expected says what a threshold wanted, and what it got.
func expected(t result.Threshold) string {
	got := "it was not measured"
	if t.Got.Name != "" {
		got = fmt.Sprintf("got %.4g", t.Got.Value)
		if t.Got.Unit != result.Count {
			got += " " + t.Got.Unit.String()
		}
	}
	if t.Reason != "" {
		got += " (" + t.Reason + ")"
	}
	return "expected " + t.Text + ": " + got
}

// story writes what happened to the payment of the first finding that names one.
func (o outcome) story(b *strings.Builder) {
	for _, v := range o.result.Verdicts {
		for _, f := range v.Findings {
			if v.Status != result.Fail || f.Payment == "" {
				continue
			}
			file, err := os.Open(o.result.HistoryFile)
			if err != nil {
				return // it is kept nowhere
			}
			defer file.Close()
			fmt.Fprintf(b, "\n  what happened to %s:\n", f.Payment)
			story.Write(b, history.Read(file), f)
			return
		}
	}
}

// stacks writes the goroutines of a failure, and what to do about it.
func stacks(b *strings.Builder, f *bubble.Failure) {
	for _, g := range f.Goroutines[:min(shownGoroutines, len(f.Goroutines))] {
		fmt.Fprintf(b, "\n  goroutine %d [%s]", g.ID, g.State)
		if g.Call != "" {
			b.WriteString(" in " + g.Call + ", called by")
		}
		b.WriteString("\n")
		for _, fr := range g.Frames[:min(shownFrames, len(g.Frames))] {
			fmt.Fprintf(b, "      %s (%s:%d)\n", fr.Func, path.Base(fr.File), fr.Line)
		}
	}
	if n := len(f.Goroutines) - shownGoroutines; n > 0 {
		fmt.Fprintf(b, "  and %d more goroutines\n", n)
	}
	if h := hint(f); h != "" {
		b.WriteString("\n  hint: " + h + "\n")
	}
}

// hint says what is usually the cause.
func hint(f *bubble.Failure) string {
	switch f.Kind {
	case bubble.Stall:
		if racing && len(f.Goroutines) == 0 {
			return "the race detector has found a data race in the run, and has printed it above"
		}
		for _, g := range f.Goroutines {
			if strings.HasPrefix(g.State, "sync.") {
				return "it waits for a mutex, and whoever holds that waits for an answer or a timer: " +
					"virtual time cannot move meanwhile. Give the mutex up before waiting, or use a channel of capacity 1 in its place"
			}
		}
		return "virtual time moves only while every goroutine waits for another one or for a timer. " +
			"This one waits for something else: the real network (dial with Phone.DialContext, serve on the listener that Serve is given), " +
			"a file, a channel made outside of the run; or it is busy"
	case bubble.Deadlock, bubble.Limit:
		return "Serve, and every Pay, has to return when its ctx ends"
	case bubble.Leak:
		return "all that Serve and Client start has to end when their ctx ends"
	case bubble.Died:
		return "runs are made by this test binary, started again with -test.run for this test: " +
			"it has to come to this Trial there, too; Trial.InProcess does without"
	case bubble.Panic, bubble.Exit:
	}
	return ""
}

// passed is the message of a test whose run passed.
func passed(r result.Result) string {
	var b strings.Builder
	figure := func(name, format string) {
		if f, ok := r.Figures.Get(name); ok {
			fmt.Fprintf(&b, format, f.Value)
		}
	}
	fmt.Fprintf(&b, "%s, seed %d: pass", r.Scenario.Name, r.Seed)
	figure("payments", ", %.0f payments")
	figure("confirmed", ", %.0f confirmed")
	figure("p95(confirm)", ", p95 %.3g s")
	figure("bytes_per_payment", ", %.0f B a payment")
	for _, v := range r.Verdicts {
		if v.Status == result.NotApplicable {
			fmt.Fprintf(&b, "\n  n/a %s: %s", v.Check, v.Summary)
		}
	}
	return b.String()
}
