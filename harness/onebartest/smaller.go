package onebartest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/onebartest/message"
	"github.com/onebar/onebar/harness/shrink"
	"github.com/onebar/onebar/harness/spec"
)

// unrepeated says why two runs of a seed may differ.
const unrepeated = "the order of what this system does at one instant is left to the scheduler, or it draws numbers that no seed knows"

// shrinkTime is the longest time spent on making a failing case smaller.
const shrinkTime = 30 * time.Second

// again makes a run once more and returns its full report.
func (r *runs) again(ctx context.Context, c cases.Case) string {
	c.Dir = r.folder()
	report, err := r.Run(ctx, c)
	got := message.Run{Case: c, Result: report.Result, Err: err, Racing: racing}
	var b strings.Builder
	b.WriteString("\n\n" + got.Told())
	what := "broken"
	if err == nil {
		what = report.Result.Status.String()
	}
	r.file(&b, c, what, got.Headline())
	return b.String()
}

// smaller shrinks a case that fails a check and returns the report of the smallest.
// check is empty for a run that could not be carried out; hash is that of the history
// in which it has failed, and empty if that is not known.
func (r *runs) smaller(ctx context.Context, c cases.Case, check, hash string) string {
	o := shrink.Options{Check: check, Jobs: r.jobs, For: shrinkTime}
	if left := r.left(); left > 0 {
		o.For = min(o.For, left/2)
	}
	small, err := shrink.Shrink(ctx, r, c, o)
	if errors.Is(err, shrink.ErrPasses) && check != "" {
		return "\n\na second run of the seed did not fail so: " + unrepeated + r.again(ctx, c)
	}
	if err != nil {
		return r.again(ctx, c)
	}
	small.Case.Dir = r.folder()
	report, err := r.Run(ctx, small.Case)
	got := message.Run{Case: small.Case, Result: report.Result, Err: err, Racing: racing}
	var b strings.Builder
	if hash != "" && small.First.Result.Hash != hash {
		b.WriteString("\n\na second run of the seed had another history, and failed, too: " + unrepeated)
	}
	fmt.Fprintf(&b, "\n\nthe smallest run found that still fails, after %d runs: %s", small.Tried, got.Told())
	r.file(&b, small.Case, small.Check, got.Headline())
	return b.String()
}

// file writes the scenario of a case, to be kept and run again. what is the check that
// failed, or another word for what is wrong.
func (r *runs) file(b *strings.Builder, c cases.Case, what, why string) {
	sc := c.Scenario
	if word := strings.Trim(what, "abcdefghijklmnopqrstuvwxyz") == ""; word {
		sc.Name += "-" + what
	}
	sc.Summary, sc.File = "", "testdata/"+sc.Name+".yaml"
	var text strings.Builder
	if err := spec.Write(&text, sc, r.library, "Found by "+r.t.Name()+": "+why+"."); err != nil {
		fmt.Fprintf(b, "\n%v", err)
		return
	}
	fmt.Fprintf(b, "\nagain: save this as %s, and onebartest.Trial{Scenario: %q, Seed: %d, System: …}.Run(t)\n\n%s",
		sc.File, sc.File, c.Seed, text.String())
}
