package threshold

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enum"
	"github.com/onebar/onebar/harness/metric"
	"github.com/onebar/onebar/harness/result"
)

// Op is a comparison.
type Op uint8

// The comparisons of a threshold.
const (
	OpUnknown Op = iota
	Less
	AtMost
	More
	AtLeast
	Equal
	NotEqual
)

const opNames enum.Names = "unknown < <= > >= == !="

// String returns the operator as it is written.
func (o Op) String() string { return opNames.Text(uint8(o)) }

// holds reports whether a stands to b as o says.
func (o Op) holds(a, b float64) bool {
	switch o {
	case Less:
		return a < b
	case AtMost:
		return a <= b
	case More:
		return a > b
	case AtLeast:
		return a >= b
	case Equal:
		return a == b
	case NotEqual:
		return a != b
	case OpUnknown:
	}
	return false
}

// Threshold is an expectation that was parsed and whose unit fits its metric. Parse
// returns one.
type Threshold struct {
	Text   string        // as written
	Line   int           // of the scenario file; 0 is not from a file
	Metric metric.Metric // what is measured
	Figure string        // the figure compared, such as "p95(confirm)", "payments" or "payments(phase: tunnel)"
	Plain  string        // Figure without its phase
	Phase  string        // the name of the phases it is taken of; empty is the whole run
	Op     Op            //
	Value  float64       // in Unit
	Unit   result.Unit   // of the figure
}

// ParseAll parses the expectations of a scenario. The error joins all mistakes,
// each with its text and its line if it has one.
func ParseAll(expect []harness.Expectation) ([]Threshold, error) {
	var all []Threshold
	var errs []error
	for _, e := range expect {
		t, err := Parse(e.Text)
		switch {
		case err != nil && e.Line > 0:
			errs = append(errs, fmt.Errorf("line %d: expect %q: %w", e.Line, e.Text, err))
		case err != nil:
			errs = append(errs, fmt.Errorf("expect %q: %w", e.Text, err))
		default:
			t.Line = e.Line
			all = append(all, t)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return all, nil
}

// Evaluate compares each threshold with its figure. A threshold whose figure is
// absent is unknown, with the reason; one of a phase that is not among phases
// says which there were.
func Evaluate(thresholds []Threshold, figures result.Figures, phases []result.PhaseStat) []result.Threshold {
	out := make([]result.Threshold, 0, len(thresholds))
	for _, t := range thresholds {
		out = append(out, t.evaluate(figures, phases))
	}
	return out
}

func (t Threshold) evaluate(figures result.Figures, phases []result.PhaseStat) result.Threshold {
	r := result.Threshold{Text: t.Text, Line: t.Line}
	got, ok := figures.Get(t.Figure)
	switch {
	case !ok:
		r.Reason = t.absent(phases)
	case t.Op.holds(got.Value, t.Value):
		r.Got, r.Status = got, result.Pass
	default:
		r.Got, r.Status = got, result.Fail
	}
	return r
}

// ofPhase is the figure that t compares, if it is of a phase.
func (t Threshold) ofPhase() metric.PhaseFigure {
	return metric.PhaseFigure{Name: t.Plain, Phase: t.Phase, Unit: t.Unit}
}

// PhaseFigures returns the figures of phases that thresholds compare: what
// metric.Collector.Figures is to measure beside those of the whole run.
func PhaseFigures(thresholds []Threshold) []metric.PhaseFigure {
	var all []metric.PhaseFigure
	for _, t := range thresholds {
		if t.Phase != "" && !slices.Contains(all, t.ofPhase()) {
			all = append(all, t.ofPhase())
		}
	}
	return all
}

// absent says why there is no figure for t.
func (t Threshold) absent(phases []result.PhaseStat) string {
	if t.Phase == "" {
		return t.Metric.Absent
	}
	var names []string
	for _, p := range phases {
		if p.Link != "" {
			continue // figures are of the access links
		}
		if p.Name == t.Phase {
			return "in this phase: " + t.Metric.Absent
		}
		if name := metric.Quoted(p.Name); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "the run had no phases"
	}
	return fmt.Sprintf("no phase was named %s; there were %s", metric.Quoted(t.Phase), strings.Join(names, ", "))
}
