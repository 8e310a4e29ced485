package metric

import (
	"slices"
	"strconv"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
)

// Figures returns what was measured: the figures of the whole run in the order of the
// catalogue, then those wanted of phases. A figure that could not be measured is absent.
// The findings of the checks are not included: append what VerdictFigures returns.
func (c *Collector) Figures(wanted ...PhaseFigure) result.Figures {
	all := c.measure(c.whole()).figures()
	phases := make(map[string]values)
	for _, w := range wanted {
		s, ok := phases[w.Phase]
		if !ok {
			s = c.measure(c.phase(w.Phase))
			phases[w.Phase] = s
		}
		if v, ok := s[w.Name]; ok {
			all = append(all, result.Figure{Name: w.String(), Unit: w.Unit, Value: v})
		}
	}
	return all
}

// PhaseFigure is a figure that is taken of the phases of one name.
type PhaseFigure struct {
	Name  string      // of the whole run, such as "p95(confirm)"
	Phase string      // the name of the phases
	Unit  result.Unit // of the figure
}

// String returns the name of the figure, such as "p95(confirm, phase: tunnel)" or
// "payments(phase: tunnel)".
func (f PhaseFigure) String() string {
	of := "phase: " + Quoted(f.Phase) + ")"
	if series, ok := strings.CutSuffix(f.Name, ")"); ok {
		return series + ", " + of
	}
	return f.Name + "(" + of
}

// WordEnd holds the characters that end an unquoted word in a threshold.
const WordEnd = " \t(),<>=!"

// Quoted returns the name of a phase as it is written in a threshold.
func Quoted(name string) string {
	if name == "" || strings.ContainsAny(name, WordEnd+`"'\`) || strconv.Quote(name) != `"`+name+`"` {
		return strconv.Quote(name)
	}
	return name
}

// scope is what figures are of: the whole run, or all phases of one name.
type scope struct {
	never    bool         // there was no such phase
	phases   map[int]bool // nil is the whole run
	up, down counts       // pooled
}

func (c *Collector) whole() *scope {
	s := &scope{up: c.phases.before.Up, down: c.phases.before.Down}
	for i := range c.phases.list {
		s.pool(&c.phases.list[i])
	}
	return s
}

func (c *Collector) phase(name string) *scope {
	s := &scope{phases: make(map[int]bool)}
	for i := range c.phases.list {
		if p := &c.phases.list[i]; p.Name == name {
			s.phases[i] = true
			s.pool(p)
		}
	}
	s.never = len(s.phases) == 0
	return s
}

func (s *scope) pool(p *phase) {
	s.up.pool(&p.Up)
	s.down.pool(&p.Down)
}

// has reports whether a payment that was first pressed in a phase belongs to
// the scope.
func (s *scope) has(phase int) bool { return s.phases == nil || s.phases[phase] }

func (c *Collector) measure(in *scope) values {
	s := make(values)
	if in.never {
		return s
	}
	payments := c.countPayments(s, in)
	c.countAttempts(s, in, payments)
	c.sampleTimes(s, in)
	c.countTraffic(s, in, payments)
	c.countEnergy(s, in, payments)
	return s
}

// VerdictFigures returns the number of findings of each check that could be
// judged, under the name of the check.
func VerdictFigures(verdicts []result.Verdict) result.Figures {
	s := make(values)
	for _, v := range verdicts {
		if v.Status == result.Pass || v.Status == result.Fail {
			s[v.Check] = float64(v.Count)
		}
	}
	return s.figures()
}

// values are the values measured, by the name of the figure. A figure that is not in it
// is absent.
type values map[string]float64

// figures returns the values in the order of the catalogue.
func (s values) figures() result.Figures {
	var all result.Figures
	for _, m := range Catalogue() {
		for _, name := range m.Figures() {
			if v, ok := s[name]; ok {
				all = append(all, result.Figure{Name: name, Unit: m.Unit, Value: v})
			}
		}
	}
	return all
}

// share enters a/b, unless there is nothing to divide by.
func (s values) share(name string, a, b float64) {
	if b > 0 {
		s[name] = a / b
	}
}

func (c *Collector) countPayments(s values, in *scope) float64 {
	for _, name := range []string{"payments", "presses", "confirmed", "declined", "expired", "failed", "unknown", "queued", "recovered"} {
		s[name] = 0
	}
	for _, p := range c.presses {
		if !p.void && in.has(c.orders[p.order].phase) {
			s["presses"]++
		}
	}
	for _, o := range c.orders {
		if !in.has(o.phase) {
			continue
		}
		s["payments"]++
		outcome := c.presses[o.latest].last
		if o.confirmed > 0 {
			outcome = harness.Confirmed
		}
		s[outcome.String()]++
		if o.recovered {
			s["recovered"]++
		}
	}
	return s["payments"]
}

func (c *Collector) countAttempts(s values, in *scope, payments float64) {
	var attempts, queries, connections, dials float64
	var took []float64
	for _, t := range c.attempts {
		switch {
		case in.phases != nil && (t.order < 0 || !in.has(c.orders[t.order].phase)):
			continue
		case t.unconnected:
			dials++
		case t.status:
			queries++
		default:
			attempts++
			took = append(took, t.took.Seconds())
		}
		if t.dialed {
			connections++
		}
	}
	s.series("attempt", took)
	if attempts+queries+dials > 0 {
		s.share("attempts_per_payment", attempts, payments)
		s.share("status_queries_per_payment", queries, payments)
		s.share("connections_per_payment", connections, payments)
		s.share("failed_dials_per_payment", dials, payments)
	}
}

func (c *Collector) sampleTimes(s values, in *scope) {
	var confirm, feedback []float64
	for _, o := range c.orders {
		if !in.has(o.phase) {
			continue
		}
		if o.confirm >= 0 {
			confirm = append(confirm, o.confirm.Seconds())
		}
		if o.feedback >= 0 {
			feedback = append(feedback, o.feedback.Seconds())
		}
	}
	s.series("confirm", confirm)
	s.series("feedback", feedback)
}

// series enters the aggregates of samples, which it sorts.
func (s values) series(name string, samples []float64) {
	if len(samples) == 0 {
		return
	}
	slices.Sort(samples)
	sum := 0.0
	for _, v := range samples {
		sum += v
	}
	quantile := func(percent int) float64 { return NearestRank(samples, percent) }
	s["mean("+name+")"] = sum / float64(len(samples))
	s["p50("+name+")"] = quantile(50)
	s["p90("+name+")"] = quantile(90)
	s["p95("+name+")"] = quantile(95)
	s["p99("+name+")"] = quantile(99)
	s["max("+name+")"] = quantile(100)
}

// NearestRank returns a percentile, from 1 to 100, of sorted samples: the smallest one that
// at least this share of them does not exceed. There must be a sample.
func NearestRank[T any](sorted []T, percent int) T {
	return sorted[(percent*len(sorted)+99)/100-1]
}

func (c *Collector) countTraffic(s values, in *scope, payments float64) {
	up, down := in.up.charged, in.down.charged
	if in.up.Offered+in.down.Offered == 0 {
		return
	}
	s.share("bytes_per_payment", float64(up.bytes+down.bytes), payments)
	s.share("bytes_up_per_payment", float64(up.bytes), payments)
	s.share("bytes_down_per_payment", float64(down.bytes), payments)
	if c.header == nil || c.header.Payload {
		return
	}
	packets := float64(up.packets + down.packets)
	s.share("packets_per_payment", packets, payments)
	s.share("packets_up_per_payment", float64(up.packets), payments)
	s.share("packets_down_per_payment", float64(down.packets), payments)
	s.share("retransmitted_share", float64(up.again+down.again), packets)
	s.share("loss_up", float64(in.up.Lost), float64(in.up.Delivered+in.up.Lost))
	s.share("loss_down", float64(in.down.Lost), float64(in.down.Delivered+in.down.Lost))
}
