package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
)

// unexplained: attempts that failed although nothing hindered them, see package attempts.
// It fails if they are more than half of all attempts; fewer are counted and pass. It is
// unknown if the machine was too busy.
func (j *Judge) unexplained() answer {
	a := answer{noun: "attempt", fail: "failed although nothing hindered them", doubt: j.incomplete(), busy: j.Busy()}
	kinds, failures := j.tried.Judge()
	total := 0
	for _, k := range kinds {
		total += k.Count
	}
	if total == 0 {
		a.lacks = "the subject reports no attempts"
		return a
	}
	for _, f := range failures {
		a.found(f.Payment, result.Finding{
			Text:    fmt.Sprintf("%s: an attempt failed after %v: %s", f.Payment, f.Took.Round(time.Millisecond), f.What),
			Payment: f.Payment, Lines: []int{int(f.Line)},
		})
	}
	a.most = total / 2
	a.pass = fmt.Sprintf("%s, no failure without a cause in the network", harness.Plural(total, "attempt"))
	if a.count > 0 {
		a.pass = fmt.Sprintf("%d of %s failed although nothing hindered them: %s", a.count, harness.Plural(total, "attempt"), whats(kinds))
		a.fail = fmt.Sprintf("of %d failed although nothing hindered them (%s)", total, whats(kinds))
	}
	return a
}

// whats names the three most frequent errors and answers of unexplained failures.
func whats(kinds []result.AttemptStat) string {
	kinds = slices.DeleteFunc(slices.Clone(kinds), func(k result.AttemptStat) bool { return k.Unexplained == 0 })
	slices.SortStableFunc(kinds, func(x, y result.AttemptStat) int { return y.Unexplained - x.Unexplained })
	var said []string
	for _, k := range kinds[:min(len(kinds), maxNamed)] {
		said = append(said, fmt.Sprintf("%d × %s", k.Unexplained, k.What))
	}
	return strings.Join(said, ", ")
}
