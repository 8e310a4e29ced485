// Package explore makes many runs of one scenario in virtual time.
//
// A [Case] is one run: a scenario, whose timeline is explicit to the last packet,
// and a seed. A [Runner] makes it and gives back the [Report]; a [Simulator] is one
// that does so in this process. What is done with many cases is a question each:
//
//   - Sweep: every single fault at every packet and every commit of one exchange;
//   - Explore: random timelines, as many seeds as there is time for;
//   - Shrink: of a case that fails, the smallest that fails in the same way.
package explore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/bubble"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/run"
	"github.com/onebar/onebar/harness/simnet"
)

// Case is one run to be made. It has a JSON form for the way to a worker process,
// see Pack.
type Case struct {
	Scenario harness.Scenario `json:"scenario"`
	Seed     uint64           `json:"seed"`
	Dir      string           `json:"dir,omitempty"` // of its files; empty keeps nothing
	Pcap     bool             `json:"pcap,omitempty"`
	Survey   bool             `json:"survey,omitempty"` // say at which points events could begin
	Cover    bool             `json:"cover,omitempty"`  // say which situations are reached
	Brief    bool             `json:"brief,omitempty"`  // leave scenario, figures, phases, faults and energy out of the result

	Traces []harness.TraceData `json:"traces,omitempty"` // see Pack
}

// Pack returns the case with what the JSON form of its scenario leaves out.
func (c Case) Pack() Case {
	byName := map[string]harness.TraceData{}
	eachPath(&c.Scenario, func(p *harness.Path) {
		if p.Trace != nil {
			byName[p.Trace.Name] = p.Trace.Data()
		}
	})
	c.Traces = nil
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		c.Traces = append(c.Traces, byName[name])
	}
	return c
}

// Unpack undoes Pack after the way through JSON. The case must be nobody else's.
func (c *Case) Unpack() error {
	byName := map[string]*harness.Trace{}
	for _, d := range c.Traces {
		t, err := d.Trace()
		if err != nil {
			return fmt.Errorf("unpack trace %s: %w", d.Name, err)
		}
		byName[d.Name] = t
	}
	var errs []error
	eachPath(&c.Scenario, func(p *harness.Path) {
		if p.Trace == nil {
			return
		}
		t := byName[p.Trace.Name]
		if t == nil {
			errs = append(errs, fmt.Errorf("trace %s did not come with its scenario", p.Trace.Name))
		}
		p.Trace = t
	})
	return errors.Join(errs...)
}

// eachPath calls f for every path of a scenario.
func eachPath(sc *harness.Scenario, f func(*harness.Path)) {
	f(&sc.Link.Up)
	f(&sc.Link.Down)
	event := func(e *harness.Event) {
		if e.Link != nil {
			f(&e.Link.Up)
			f(&e.Link.Down)
		}
	}
	for i := range sc.Timeline {
		event(&sc.Timeline[i])
	}
	for i := range sc.Nemesis {
		event(&sc.Nemesis[i].Event)
	}
}

// Report is what came of a case.
type Report struct {
	Result result.Result `json:"result"`
	Survey *Survey       `json:"survey,omitempty"` // if the case asks for it

	Coverage Coverage `json:"coverage,omitempty"` // likewise
}

// Runner makes runs. It may be used by several goroutines, and makes as many runs
// at a time as it sees fit. A subject that panics, hangs or leaves goroutines
// behind is a *bubble.Failure.
type Runner interface {
	Run(ctx context.Context, c Case) (Report, error)
}

// Simulator is a Runner in this process, one run at a time.
type Simulator struct {
	// New returns a fresh subject, and what frees whatever it was given when the
	// run is over. It is called in the bubble of the run.
	New     func(harness.Scenario) (s harness.Subject, free func() error, err error)
	Version string                       // of the program, for the header
	Watch   func(done int, state string) // as in run.Options
	Each    func(history.Record)         // as in run.Options

	RealLimit time.Duration // as in bubble.Options
}

// spare is how much longer than its script and its settle a run may take, in
// virtual time.
const spare = 10 * time.Minute

// Run implements Runner.
func (s Simulator) Run(ctx context.Context, c Case) (Report, error) {
	o := bubble.Options{
		Seed: c.Seed, RealLimit: s.RealLimit,
		VirtualLimit: c.Scenario.Duration() + c.Scenario.Settle + spare,
	}
	var done atomic.Pointer[Report] // a run that hangs may yet go on
	err := bubble.Run(ctx, o, func(ctx context.Context) (err error) {
		subject, free, err := s.New(c.Scenario)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, free()) }()
		report, err := carryOut(ctx, c, run.Options{
			Engine: simnet.Engine{}, Subject: subject, Version: s.Version, Watch: s.Watch, Each: s.Each,
		})
		done.Store(&report)
		return err
	})
	if report := done.Load(); report != nil {
		return *report, err
	}
	return Report{}, err
}

// carryOut makes the run of a case with the engine and the subject of o.
func carryOut(ctx context.Context, c Case, o run.Options) (Report, error) {
	o.Seed, o.Dir, o.Pcap = c.Seed, c.Dir, c.Pcap
	var s *surveyor
	if c.Survey {
		s = newSurveyor(c.Scenario)
		o.Each, o.Moments = both(s.add, o.Each), s.moment
	}
	cover := newCoverer()
	if c.Cover {
		o.Each = both(cover.add, o.Each)
	}
	res, err := run.Run(ctx, c.Scenario, o)
	if c.Brief {
		res.Scenario, res.Figures, res.Phases, res.Faults, res.Energy = harness.Scenario{}, nil, nil, nil, nil
	}
	report := Report{Result: res, Coverage: cover.reached}
	if s != nil {
		report.Survey = s.survey(o.Subject)
	}
	return report, err
}

// both shows a record to two; the second may be nil.
func both(first, second func(history.Record)) func(history.Record) {
	if second == nil {
		return first
	}
	return func(r history.Record) {
		first(r)
		second(r)
	}
}
