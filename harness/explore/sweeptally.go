package explore

import (
	"slices"
	"strings"

	"github.com/onebar/onebar/harness/result"
)

// tally adds up the runs of a sweep. Its size does not depend on how many there
// are.
type tally struct {
	sweep    result.Sweep
	base     map[string]result.Status // of each check, without a fault
	rows     map[string]int           // places in sweep.Rows
	findings map[[2]string]*finding   // by fault and check
}

// finding is a harness.SweepFinding that grows.
type finding struct {
	result.SweepFinding
	first  int   // place of the first shot that shows it; -1 is the run without a fault
	places []int // of Where
	shown  Case  // which that was
}

// shownPoints is how many points of a finding are named.
const shownPoints = 3

// outcome is what came of a shot.
type outcome struct {
	result  result.Result
	reached bool
	err     error
}

// weak says which checks are about the experiment. A sweep does not ask them of a
// run whose fault came: that the run without it put the server to the test is
// enough, and a payment that has expired in a blackhole is as good as any.
func weak(check string) bool { return check == "load" || check == "impairment" }

// begin takes in the run without a fault.
func (t *tally) begin(c Case, r result.Result) {
	t.sweep.Scenario, t.sweep.Engine = c.Scenario, r.Engine
	t.base, t.rows, t.findings = map[string]result.Status{}, map[string]int{}, map[[2]string]*finding{}
	for _, v := range r.Verdicts {
		t.base[v.Check] = v.Status
		if v.Check != "impairment" && v.Status.Worse(result.Pass) != result.Pass {
			t.found(shot{place: -1, fault: result.NoFault}, c, v)
		}
	}
}

// add takes in a run, and returns whether it is no worse than the one without a
// fault. One whose fault did not come can fail nevertheless: what it shows is found.
func (t *tally) add(sh shot, c Case, o outcome) bool {
	row := t.row(sh)
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
		t.found(sh, c, result.Verdict{Check: result.Broken, Summary: text})
		return false
	}
	worst := result.Pass
	for _, v := range o.result.Verdicts {
		if weak(v.Check) || !o.reached && v.Status != result.Fail || !t.worse(v) {
			continue
		}
		worst = worst.Worse(v.Status)
		t.found(sh, c, v)
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

// worse reports whether a verdict is none too good, and worse than that without a
// fault.
func (t *tally) worse(v result.Verdict) bool {
	was, judged := t.base[v.Check]
	return v.Status.Worse(result.Pass) != result.Pass && (!judged || was.Worse(v.Status) != was)
}

// fails reports whether a run fails in what the one without a fault does not.
func (t *tally) fails(r result.Result) bool {
	return slices.ContainsFunc(r.Verdicts, func(v result.Verdict) bool {
		return v.Status == result.Fail && !weak(v.Check) && t.worse(v)
	})
}

// row returns the row of a shot. It is valid until the next call.
func (t *tally) row(sh shot) *result.SweepRow {
	i, ok := t.rows[sh.row]
	if !ok {
		i = len(t.sweep.Rows)
		t.rows[sh.row] = i
		t.sweep.Rows = append(t.sweep.Rows, result.SweepRow{Fault: sh.row, Pairs: len(sh.events) > 1})
	}
	return &t.sweep.Rows[i]
}

// found takes in a verdict that is none too good. Which shots a finding names does
// not depend on the order in which runs end.
func (t *tally) found(sh shot, c Case, v result.Verdict) {
	key := [2]string{sh.fault, v.Check + " " + v.Status.String()}
	f := t.findings[key]
	if f == nil {
		f = &finding{}
		t.findings[key] = f
	}
	f.Runs++
	at, _ := slices.BinarySearch(f.places, sh.place)
	if at >= shownPoints {
		return
	}
	f.places = slices.Insert(f.places, at, sh.place)
	f.Where = slices.Insert(f.Where, at, sh.where)
	if len(f.places) > shownPoints {
		f.places, f.Where = f.places[:shownPoints], f.Where[:shownPoints]
	}
	if at == 0 {
		f.first, f.shown = sh.place, c
		f.Fault, f.Check, f.Status, f.Text = sh.fault, v.Check, v.Status, strings.TrimSpace(v.Summary)
	}
}

// result returns the sweep, its findings in order.
func (t *tally) result() SweepResult {
	r := SweepResult{Sweep: t.sweep}
	list := make([]*finding, 0, len(t.findings))
	for _, f := range t.findings {
		list = append(list, f)
	}
	slices.SortFunc(list, compare)
	for _, f := range list {
		r.Findings = append(r.Findings, f.SweepFinding)
		r.Cases = append(r.Cases, f.shown)
	}
	return r
}
