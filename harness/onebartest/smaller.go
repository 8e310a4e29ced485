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
	r.file(&b, c, got)
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
		return "\n\na second run of the seed did not fail so: " + unrepeated + r.part(ctx, c) + r.again(ctx, c)
	}
	if err != nil {
		return r.again(ctx, c)
	}
	small.Case.Dir = r.folder()
	report, err := r.Run(ctx, small.Case)
	got := message.Run{Case: small.Case, Result: report.Result, Err: err, Check: small.Check, Racing: racing}
	var b strings.Builder
	if hash != "" && small.First.Result.Hash != hash {
		b.WriteString("\n\na second run of the seed had another history, and failed, too: " + unrepeated + r.part(ctx, c))
	}
	fmt.Fprintf(&b, "\n\nthe smallest run found that still fails, after %d runs: %s", small.Tried, got.Told())
	r.file(&b, small.Case, got)
	return b.String()
}

// part runs a case twice and says where the two histories part. It is empty if they are
// the same.
func (r *runs) part(ctx context.Context, c cases.Case) string {
	c.Dir, c.Verify = r.folder(), true
	report, err := r.Run(ctx, c)
	if v := report.Result.Verdict("repeat"); err == nil && len(v.Findings) > 0 {
		return fmt.Sprintf("\n  two more runs part at line %d of their histories: %s", v.Findings[0].Lines[0], v.Findings[0].Text)
	}
	return ""
}

// file writes the scenario of a case, to be kept and run again. It is named after what is
// wrong with its run.
func (r *runs) file(b *strings.Builder, c cases.Case, got message.Run) {
	sc, why := c.Scenario, got.Headline()
	sc.Name += "-" + got.Word()
	sc.Summary, sc.File = "", "testdata/"+sc.Name+".yaml"
	var text strings.Builder
	if err := spec.Write(&text, sc, r.library, "Found by "+r.t.Name()+": "+why+"."); err != nil {
		fmt.Fprintf(b, "\n%v", err)
		return
	}
	fmt.Fprintf(b, "\nagain: save this as %s, and onebartest.Trial{Scenario: %q, Seed: %d, System: …}.Run(t)\n\n%s",
		sc.File, sc.File, c.Seed, text.String())
}
