package metric

import (
	"cmp"
	"fmt"
	"time"

	"github.com/onebar/onebar/harness"
)

// Doubt makes each judged threshold unknown that lateness could have turned: it
// would come out otherwise for the figure on time, or for a value between that and
// the one measured. judged is what Evaluate made of the thresholds, and onTime is
// from Collector.OnTime. It returns the first such threshold with the reason, or
// nothing. The findings of checks are not turned by lateness.
func Doubt(judged []harness.Threshold, thresholds []Threshold, onTime harness.Figures) (first string) {
	if onTime == nil {
		return ""
	}
	for i, t := range thresholds {
		r := &judged[i]
		if t.Metric.Whole || r.Status == harness.StatusUnknown {
			continue
		}
		got, ok := onTime.Get(t.Figure)
		if ok && !t.turned(r.Got.Value, got.Value) {
			continue
		}
		without := "without lateness there would be none"
		if ok {
			without = "without lateness it would be " + written(got)
		}
		r.Status, r.Reason = harness.StatusUnknown, "the machine was too busy: "+without
		first = cmp.Or(first, t.Text+": "+without)
	}
	return first
}

// turned reports whether t holds for some of the values from a to b, and not for
// others.
func (t Threshold) turned(a, b float64) bool {
	if t.Op == Equal || t.Op == NotEqual {
		return a != b && min(a, b) <= t.Value && t.Value <= max(a, b)
	}
	return t.Op.holds(a, t.Value) != t.Op.holds(b, t.Value)
}

// written is the value of a figure for people.
func written(f harness.Figure) string {
	switch f.Unit {
	case harness.Seconds:
		return time.Duration(f.Value * float64(time.Second)).Round(100 * time.Microsecond).String()
	case harness.Bytes, harness.Joules, harness.BitPerSecond:
		return fmt.Sprintf("%.4g %s", f.Value, f.Unit)
	case harness.Ratio:
		return fmt.Sprintf("%.4g %%", 100*f.Value)
	case harness.Count, harness.UnitUnknown:
	}
	return fmt.Sprintf("%.4g", f.Value)
}
