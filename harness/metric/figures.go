package metric

import (
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
)

// Figures returns what was measured, in the order of the catalogue. The
// findings of the checks are not among it: append what VerdictFigures returns.
func (c *Collector) Figures() harness.Figures {
	s := make(sheet)
	c.countPayments(s)
	c.countTries(s)
	c.sampleTimes(s)
	c.countTraffic(s)
	return s.figures()
}

// VerdictFigures returns the number of findings of each check that could be
// judged, under the name of the check.
func VerdictFigures(verdicts []harness.Verdict) harness.Figures {
	s := make(sheet)
	for _, v := range verdicts {
		if v.Status != harness.StatusUnknown {
			s[v.Check] = float64(v.Count)
		}
	}
	return s.figures()
}

// sheet is the values measured, by the name of the figure. What is not in it is
// absent.
type sheet map[string]float64

// figures puts the sheet in the order of the catalogue.
func (s sheet) figures() harness.Figures {
	var all harness.Figures
	for _, m := range Catalogue() {
		for _, name := range m.Figures() {
			if v, ok := s[name]; ok {
				all = append(all, harness.Figure{Name: name, Unit: m.Unit, Value: v})
			}
		}
	}
	return all
}

// share enters a/b, unless there is nothing to divide by.
func (s sheet) share(name string, a, b float64) {
	if b > 0 {
		s[name] = a / b
	}
}

func (c *Collector) countPayments(s sheet) {
	for _, name := range []string{"confirmed", "declined", "expired", "failed", "unknown", "queued", "recovered"} {
		s[name] = 0
	}
	s["payments"], s["presses"] = float64(len(c.orders)), float64(len(c.presses))
	for _, o := range c.orders {
		outcome := c.presses[o.latest].last
		if o.confirmed > 0 {
			outcome = harness.Confirmed
		}
		s[outcome.String()]++
		if o.recovered {
			s["recovered"]++
		}
	}
}

func (c *Collector) countTries(s sheet) {
	payments := float64(len(c.orders))
	if len(c.attempts)+c.queries > 0 {
		s.share("attempts_per_payment", float64(len(c.attempts)), payments)
		s.share("status_queries_per_payment", float64(c.queries), payments)
		s.share("connections_per_payment", float64(c.connections), payments)
	}
}

func (c *Collector) sampleTimes(s sheet) {
	var confirm, feedback []time.Duration
	for _, o := range c.orders {
		if o.confirm >= 0 {
			confirm = append(confirm, o.confirm)
		}
		if o.feedback >= 0 {
			feedback = append(feedback, o.feedback)
		}
	}
	s.series("confirm", confirm)
	s.series("feedback", feedback)
	s.series("attempt", slices.Clone(c.attempts))
}

// series enters the aggregates of samples, which it sorts.
func (s sheet) series(name string, samples []time.Duration) {
	if len(samples) == 0 {
		return
	}
	slices.Sort(samples)
	sum := 0.0
	for _, d := range samples {
		sum += d.Seconds()
	}
	quantile := func(percent int) float64 { // nearest rank
		rank := (percent*len(samples) + 99) / 100
		return samples[rank-1].Seconds()
	}
	s["mean("+name+")"] = sum / float64(len(samples))
	s["p50("+name+")"] = quantile(50)
	s["p90("+name+")"] = quantile(90)
	s["p95("+name+")"] = quantile(95)
	s["p99("+name+")"] = quantile(99)
	s["max("+name+")"] = quantile(100)
}

func (c *Collector) countTraffic(s sheet) {
	payments := float64(len(c.orders))
	up, down := c.phases.all.up, c.phases.all.down
	offered := float64(up.Offered + down.Offered)
	if offered == 0 {
		return
	}
	s.share("bytes_per_payment", float64(up.Bytes+down.Bytes), payments)
	s.share("bytes_up_per_payment", float64(up.Bytes), payments)
	s.share("bytes_down_per_payment", float64(down.Bytes), payments)
	if c.header == nil || c.header.Payload {
		return
	}
	s.share("packets_per_payment", offered, payments)
	s.share("packets_up_per_payment", float64(up.Offered), payments)
	s.share("packets_down_per_payment", float64(down.Offered), payments)
	s["retransmitted_share"] = float64(c.phases.rtx) / offered
	s.share("loss_up", float64(up.Lost), float64(up.Delivered+up.Lost))
	s.share("loss_down", float64(down.Lost), float64(down.Delivered+down.Lost))
}
