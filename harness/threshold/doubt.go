package threshold

import (
	"cmp"
	"fmt"
	"time"

	"github.com/onebar/onebar/harness/result"
)

// Doubt makes each judged threshold unknown whose result lateness of the machine could
// have changed: it differs for the figure without lateness, or for a value between that
// and the one measured. judged is what Evaluate returned for the thresholds, and onTime
// is from metric.Collector.OnTime. Doubt returns the first such threshold with the
// reason, or nothing. It does not change thresholds on the findings of checks.
func Doubt(judged []result.Threshold, thresholds []Threshold, onTime result.Figures) (first string) {
	if onTime == nil {
		return ""
	}
	for i, t := range thresholds {
		r := &judged[i]
		if t.Metric.Whole || r.Status == result.StatusUnknown {
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
		r.Status, r.Reason = result.StatusUnknown, "the machine was too busy: "+without
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
func written(f result.Figure) string {
	switch f.Unit {
	case result.Seconds:
		return time.Duration(f.Value * float64(time.Second)).Round(100 * time.Microsecond).String()
	case result.Bytes, result.Joules, result.BitPerSecond:
		return fmt.Sprintf("%.4g %s", f.Value, f.Unit)
	case result.Ratio:
		return fmt.Sprintf("%.4g %%", 100*f.Value)
	case result.Count, result.UnitUnknown:
	}
	return fmt.Sprintf("%.4g", f.Value)
}
