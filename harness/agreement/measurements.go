package agreement

import (
	"cmp"
	"fmt"
	"os"
	"time"

	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/metric"
	"github.com/onebar/onebar/harness/result"
)

// Unfit says why a run must not be used: it was not the experiment that was asked
// for. It is empty if it was.
func Unfit(res result.Result) string {
	if len(res.Verdicts) == 0 {
		return "the run was not judged"
	}
	for _, v := range res.Verdicts {
		if v.Weak && v.Status != result.Pass {
			return v.Check + ": " + v.Summary
		}
	}
	if late := lateness(res); late > mostLate {
		return fmt.Sprintf("packets were %s late on average, %s is allowed here", late.Round(100*time.Microsecond), mostLate)
	}
	return ""
}

// mostLate is how late packets may be on average. It is less than the impairment
// check allows: the engines are compared to a few per cent.
const mostLate = time.Millisecond

// lateness is by how much packets came later than was asked, on average.
func lateness(res result.Result) time.Duration {
	var late, packets int64
	for _, p := range res.Phases {
		for _, r := range []result.Realised{p.Up, p.Down} {
			late += int64(r.LateMean) * r.Delivered
			packets += r.Delivered
		}
	}
	return time.Duration(late / max(packets, 1))
}

// Measurements are what runs of a scenario on one engine measured.
type Measurements struct {
	runs     int
	confirm  []time.Duration    // of each confirmed payment
	payments float64            // asked for
	sums     map[string]float64 // over the payments, by the figure that is their mean
	Missing  string             // why there is nothing of a run; empty if there is
}

// Measure reads the history of a run that is fit.
func Measure(res result.Result) (m Measurements, err error) {
	f, err := os.Open(res.HistoryFile)
	if err != nil {
		return m, fmt.Errorf("open the history: %w", err)
	}
	defer f.Close()
	c := metric.NewCollector()
	for rec, err := range history.Read(f) {
		if err != nil {
			return m, fmt.Errorf("read %s: %w", res.HistoryFile, err)
		}
		c.Add(rec)
	}
	payments, _ := res.Figures.Get("payments")
	m = Measurements{runs: 1, confirm: c.Confirmed(), payments: payments.Value, sums: map[string]float64{}}
	for _, f := range res.Figures {
		m.sums[f.Name] = f.Value * payments.Value
	}
	return m, nil
}

// Add adds the runs of u. What is missing of any is missing of all.
func (m *Measurements) Add(u Measurements) {
	m.runs += u.runs
	m.Missing = cmp.Or(m.Missing, u.Missing)
	m.confirm = append(m.confirm, u.confirm...)
	m.payments += u.payments
	if m.sums == nil {
		m.sums = map[string]float64{}
	}
	for name, v := range u.sums {
		m.sums[name] += v
	}
}
