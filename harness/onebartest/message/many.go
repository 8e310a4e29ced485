package message

import (
	"fmt"
	"strings"
	"time"

	"github.com/onebar/onebar/harness/explore"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/sweep"
)

// Explored returns the result of an exploration as text.
func Explored(found explore.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, seeds %d to %d: %d runs in %v, %v of virtual time: %d passed, %d failed, %d unknown, %d broken",
		strings.Join(found.Scenarios, ", "), found.First, found.First+uint64(max(found.Runs, 1)-1), found.Runs,
		found.Took.Round(time.Millisecond), found.Virtual.Round(time.Second), found.Passed, found.Failed, found.Unknown, found.Broken)
	for _, n := range found.ByCheck {
		fmt.Fprintf(&b, "\n  %-7s %-12s in %d of %d runs, first with seed %d: %s", result.WordOf(n.Check, n.Status), n.Check, n.Runs, found.Runs, n.First.Seed, n.First.Text)
	}
	return b.String()
}

// Reached says which situations the payments of an exploration were in.
func Reached(found explore.Result) string {
	var b strings.Builder
	for _, s := range found.Reached {
		if s.Times > 0 {
			fmt.Fprintf(&b, "\n  %6d times: %s", s.Times, s.Name)
		}
	}
	if never := found.Never(); len(never) > 0 {
		b.WriteString("\n   never: " + strings.Join(never, "; "))
	}
	return b.String()
}

// Swept returns the result of a sweep as text.
func Swept(found sweep.Result) string {
	var b strings.Builder
	total := found.Total()
	fmt.Fprintf(&b, "%s, seed %d: a sweep of %d runs: %d passed, %d failed, %d unknown, %d broken, %d did not reach their point",
		found.Scenario.Name, found.Seed, total.Runs, total.Passed, total.Failed, total.Unknown, total.Broken, total.Unreached)
	for _, p := range found.Points {
		fmt.Fprintf(&b, "\n  %d %s", p.N, p.Kind)
	}
	for _, note := range found.Notes {
		b.WriteString("\n  note: " + note)
	}
	for _, f := range found.Findings {
		where := ""
		if len(f.Where) > 0 && f.Where[0] != "" {
			where = ", " + f.Where[0]
		}
		fmt.Fprintf(&b, "\n  %-7s %-12s %s%s: %s", result.WordOf(f.Check, f.Status), f.Check, f.Fault, where, f.Text)
		if f.Runs > 1 {
			fmt.Fprintf(&b, " (%d runs)", f.Runs)
		}
	}
	return b.String()
}

// Passed is the message of a test whose run passed.
func Passed(r result.Result) string {
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
	for _, note := range r.Notes {
		b.WriteString("\n  note: " + note)
	}
	return b.String()
}
