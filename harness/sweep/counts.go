package sweep

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/result"
)

// counts adds up the runs of a sweep. Its size does not grow with their number.
type counts struct {
	sweep    result.Sweep
	base     map[string]result.Status // of each check, without a fault
	rows     map[string]int           // places in sweep.Rows
	findings map[[2]string]*finding   // by fault and check
	failures map[int]int              // checks that failed in a run, by its place
}

// finding is a harness.SweepFinding that grows.
type finding struct {
	result.SweepFinding
	shown cases.Case // the first that shows it
}

// shownPoints is how many points of a finding are named.
const shownPoints = 3

// outcome is what an injection led to.
type outcome struct {
	result  result.Result
	reached bool
	err     error
}

// begin counts the run without a fault.
func (t *counts) begin(c cases.Case, r result.Result) {
	t.sweep.Scenario, t.sweep.Engine = c.Scenario, r.Engine
	t.base, t.rows, t.findings = map[string]result.Status{}, map[string]int{}, map[[2]string]*finding{}
	t.failures = map[int]int{}
	for _, v := range r.Verdicts {
		t.base[v.Check] = v.Status
		if v.Check != "impairment" && v.Status.Worse(result.Pass) != result.Pass {
			t.found(injection{place: -1, fault: result.NoFault}, c, v)
		}
	}
}

// add counts a run, and reports whether it is no worse than the one without a fault.
// Weak verdicts are left out: that the run without a fault had enough load is enough,
// and a payment may expire in a blackhole.
// A run whose fault did not come can fail all the same, and that is a finding.
func (t *counts) add(in injection, c cases.Case, o outcome) bool {
	row := t.row(in)
	row.Runs++
	text := o.result.Error
	if o.err != nil {
		text = o.err.Error()
	}
	if text == "" && len(o.result.Verdicts) == 0 {
		text = "the run was not judged"
	}
	if text != "" {
		row.Broken++
		t.found(in, c, result.Verdict{Check: result.Broken, Summary: text})
		return false
	}
	worst := result.Pass
	for _, v := range o.result.Verdicts {
		if v.Weak || !o.reached && v.Status != result.Fail || !t.worse(v) {
			continue
		}
		worst = worst.Worse(v.Status)
		t.found(in, c, v)
	}
	if !o.reached && worst == result.Pass {
		row.Unreached++
		return true
	}
	switch worst {
	case result.Fail:
		row.Failed++
	case result.StatusUnknown:
		row.Unknown++
	case result.Pass, result.NotApplicable:
		row.Passed++
	}
	return worst == result.Pass
}

// worse reports whether a verdict is worse than a pass, and worse than that of the run
// without a fault.
func (t *counts) worse(v result.Verdict) bool {
	was, judged := t.base[v.Check]
	return v.Status.Worse(result.Pass) != result.Pass && (!judged || was.Worse(v.Status) != was)
}

// fails reports whether a run fails a check that the run without a fault does not.
func (t *counts) fails(r result.Result) bool {
	return slices.ContainsFunc(r.Verdicts, func(v result.Verdict) bool {
		return v.Status == result.Fail && !v.Weak && t.worse(v)
	})
}

// row returns the row of an injection. It is valid until the next call.
func (t *counts) row(in injection) *result.SweepRow {
	i, ok := t.rows[in.row]
	if !ok {
		i = len(t.sweep.Rows)
		t.rows[in.row] = i
		t.sweep.Rows = append(t.sweep.Rows, result.SweepRow{Fault: in.row, Pairs: len(in.events) > 1})
	}
	return &t.sweep.Rows[i]
}

// found adds a verdict that is worse than a pass. The points that a finding names do
// not depend on the order in which runs end.
func (t *counts) found(in injection, c cases.Case, v result.Verdict) {
	key := [2]string{in.fault, v.Check + " " + v.Status.String()}
	f := t.findings[key]
	if f == nil {
		f = &finding{}
		t.findings[key] = f
	}
	f.Runs++
	if v.Status == result.Fail {
		t.failures[in.place]++
	}
	if cases.KeepFirst(&f.Places, &f.Where, shownPoints, in.place, in.where) == 0 {
		f.shown = c
		f.Fault, f.Check, f.Status, f.Text = in.fault, v.Check, v.Status, strings.TrimSpace(v.Summary)
	}
}

// once returns the findings with a fault that were seen in one run only.
func (t *counts) once() []*finding {
	var list []*finding
	for _, f := range t.findings {
		if f.Runs == 1 && f.Fault != result.NoFault && f.Check != result.Broken {
			list = append(list, f)
		}
	}
	slices.SortFunc(list, func(a, b *finding) int {
		return cmp.Or(cmp.Compare(a.Places[0], b.Places[0]), cmp.Compare(a.Check, b.Check))
	})
	return list
}

// doubt makes a finding unknown whose run did not show it a second time.
func (t *counts) doubt(f *finding) {
	f.Text += "; the same run, made once more, did not show it"
	if f.Status != result.Fail {
		return
	}
	f.Status = result.StatusUnknown
	if t.failures[f.Places[0]]--; t.failures[f.Places[0]] == 0 {
		row := &t.sweep.Rows[t.rows[f.Fault]]
		row.Failed--
		row.Unknown++
	}
}

// result returns the sweep, its findings in order: the worst first, and of these the
// one that came first.
func (t *counts) result() Result {
	r := Result{Sweep: t.sweep}
	r.Version = result.SweepVersion
	list := slices.SortedFunc(maps.Values(t.findings), func(a, b *finding) int { return worseFirst(a.SweepFinding, b.SweepFinding) })
	for _, f := range list {
		r.Findings = append(r.Findings, f.SweepFinding)
		r.Cases = append(r.Cases, f.shown)
	}
	return r
}

// worseFirst orders findings: the worst first, and of these the one that came first.
func worseFirst(a, b result.SweepFinding) int {
	return cmp.Or(
		cmp.Compare(cases.Rank(a.Check, a.Status), cases.Rank(b.Check, b.Status)),
		cmp.Compare(a.Places[0], b.Places[0]), cmp.Compare(a.Check, b.Check))
}
