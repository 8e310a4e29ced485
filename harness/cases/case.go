// Package cases makes the runs that packages explore, sweep and shrink ask for.
//
// A [Case] is one run to be made: a scenario and a seed. A [Runner] makes it and
// returns a [Report]. There are three:
//
//   - [Simulator] runs in this process, in virtual time;
//   - [Workers] hands cases to child processes, which call [Serve];
//   - [Live] runs in this process, in real time.
//
// [Parallel] makes several runs at a time.
package cases

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/coverage"
	"github.com/onebar/onebar/harness/delivery"
	"github.com/onebar/onebar/harness/nemesis"
	"github.com/onebar/onebar/harness/result"
)

// Case is one run to be made. Its JSON form is how it gets to a worker process, see
// Pack.
type Case struct {
	Scenario harness.Scenario `json:"scenario"`
	Seed     uint64           `json:"seed"`
	Dir      string           `json:"dir,omitempty"`    // folder of its files; empty keeps none
	Pcap     bool             `json:"pcap,omitempty"`   // write a capture, too; needs Dir
	Verify   bool             `json:"verify,omitempty"` // add the verdict "repeat", see Simulator; needs Dir
	Survey   bool             `json:"survey,omitempty"` // report at which points events could begin
	Cover    bool             `json:"cover,omitempty"`  // report which situations are reached
	Brief    bool             `json:"brief,omitempty"`  // leave scenario, figures, phases, faults, energy and stories out of the result

	Traces []delivery.Data `json:"traces,omitempty"` // see Pack
}

// Pack returns the case with the traces that the JSON form of its scenario leaves
// out.
func (c Case) Pack() Case {
	byName := map[string]delivery.Data{}
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

// Unpack puts the traces of a case decoded from JSON back into its scenario, which it
// changes. A trace that is missing or not valid is an error.
func (c *Case) Unpack() error {
	byName := map[string]*delivery.Trace{}
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

// Report is what a run of a case shows.
type Report struct {
	Result result.Result `json:"result"`
	Survey *Survey       `json:"survey,omitempty"` // if the case asks for it

	Coverage coverage.Counts   `json:"coverage,omitempty"` // likewise
	Can      harness.Abilities `json:"can,omitempty"`      // what the engine and the subject can do
}

// Drawn returns the scenario of a case with the events that its nemesis drew in the run of
// the report, and without a nemesis.
func (r Report) Drawn(c Case) harness.Scenario {
	if r.Can != 0 { // otherwise the run has ended before that was known
		c.Scenario = nemesis.Fit(c.Scenario, r.Can)
	}
	return nemesis.Expand(c.Scenario, c.Seed)
}

// Runner makes runs. It may be used by several goroutines, and decides how many runs
// it makes at a time. A subject that panics, hangs or leaves goroutines behind is a
// *bubble.Failure.
type Runner interface {
	Run(ctx context.Context, c Case) (Report, error)
}
