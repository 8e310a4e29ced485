// Package message is what a test of package onebartest says of its runs: text for people.
//
// [Run] is one run, of which Text tells a failure at length. [Passed], [Explored],
// [Reached] and [Swept] say in short what came of runs.
package message

import (
	"cmp"
	"errors"
	"flag"
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

// Run is the result of a case, or the error, to be shown to people.
type Run struct {
	Case   cases.Case
	Result result.Result
	Err    error // it could not be carried out
	Racing bool  // the race detector looked on
}

const (
	shownFindings   = 5
	shownGoroutines = 5
	shownFrames     = 8
)

// Headline is the first line: the scenario, the seed and what is wrong.
func (r Run) Headline() string {
	what := "it is not known why" // every result that is not a pass says why
	switch {
	case r.Err != nil:
		what = r.Err.Error()
		if f, ok := errors.AsType[*bubble.Failure](r.Err); ok {
			what = string(f.Kind) + ": " + f.Text
		}
	case r.Result.Error != "":
		what = "the run could not be carried out: " + r.Result.Error
	default:
		what = cmp.Or(r.reason(), what)
	}
	return fmt.Sprintf("%s, seed %d: %s", r.Case.Scenario.Name, r.Case.Seed, what)
}

// reason is the first check, or else threshold, that says what the result says; empty is
// none.
func (r Run) reason() string {
	for _, v := range r.Result.Verdicts {
		if v.Status == r.Result.Status {
			return v.Check + ": " + v.Summary
		}
	}
	for _, t := range r.Result.Thresholds {
		if t.Status == r.Result.Status {
			return expected(t)
		}
	}
	return ""
}

// Text is the message of a test that fails. scenario is the Trial's.
func (r Run) Text(scenario string) string {
	return r.Told() + fmt.Sprintf("\nagain: onebartest.Trial{Scenario: %q, Seed: %d, System: …}.Run(t)", scenario, r.Case.Seed)
}

// Told is the report of what went wrong.
func (r Run) Told() string {
	var b strings.Builder
	b.WriteString(r.Headline() + "\n")
	if f, ok := errors.AsType[*bubble.Failure](r.Err); ok {
		r.stacks(&b, f)
	}
	if r.Err == nil {
		r.verdicts(&b)
		r.story(&b)
	}
	switch {
	case r.Result.HistoryFile == "":
	case kept():
		b.WriteString("\nhistory: " + r.Result.HistoryFile)
	default:
		b.WriteString("\nhistory: go test -artifacts keeps it")
	}
	return b.String()
}

// verdicts writes all verdicts and thresholds that are not a pass. It leaves out those
// that are unknown only because the run broke off, which the headline says.
func (r Run) verdicts(b *strings.Builder) {
	for _, v := range r.Result.Verdicts {
		broke := r.Result.Error != "" && v.Status == result.StatusUnknown && strings.HasSuffix(v.Summary, r.Result.Error)
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
	for _, t := range r.Result.Thresholds {
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
func (r Run) story(b *strings.Builder) {
	for _, v := range r.Result.Verdicts {
		for _, f := range v.Findings {
			if v.Status != result.Fail || f.Payment == "" {
				continue
			}
			file, err := os.Open(r.Result.HistoryFile)
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
func (r Run) stacks(b *strings.Builder, f *bubble.Failure) {
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
	if h := r.hint(f); h != "" {
		b.WriteString("\n  hint: " + h + "\n")
	}
}

// hint says what is usually the cause.
func (r Run) hint(f *bubble.Failure) string {
	switch f.Kind {
	case bubble.Stall:
		if r.Racing && len(f.Goroutines) == 0 {
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

// kept reports whether go test keeps what is in such a folder.
func kept() bool {
	f := flag.Lookup("test.artifacts")
	return f != nil && f.Value.String() == "true"
}
