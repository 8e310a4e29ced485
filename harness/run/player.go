package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/fault"
	"github.com/onebar/onebar/harness/history"
)

// player applies the timeline to the network and the subject, and records it in the
// history. One goroutine uses it.
type player struct {
	scenario harness.Scenario
	network  harness.Network
	subject  harness.Subject
	history  *history.Writer
	open     func() int   // payments without a final outcome
	state    func(string) // called with the state of the network in words
	began    time.Time    // the start of the script

	triggers *triggers
	links    []harness.Link // the access links, without ends, and those of the topology
	active   []*underway    // in the order of their beginning, changes of the link included

	outageFrom time.Time // the beginning of the outages during which a sender's timer may have doubled
	quiet      time.Time // after it no sender retransmits because of an outage
}

// underway is an occurrence that has begun and not ended.
type underway struct {
	occurrence
	fault fault.Fault
	end   fault.End
}

// play applies the occurrences until the end of the script, then heals. It returns early
// when ctx ends, or when a side of the subject could not be restarted.
func (p *player) play(ctx context.Context, list []occurrence) error {
	end := p.scenario.Duration()
	p.triggers.set(true)
	defer p.triggers.done(-1)
	defer p.triggers.set(false)
	for {
		next, at := p.next(list, end)
		event, ok := p.triggers.wait(ctx, p.began.Add(at))
		if !ok {
			return errors.Join(ctx.Err(), p.breakOff(ctx))
		}
		if event >= 0 {
			next = triggered
		}
		switch next {
		case triggered:
			if err := p.come(ctx, event); err != nil {
				return err
			}
		case ending:
			if err := p.finish(ctx, p.ending(at)); err != nil {
				return err
			}
		case beginning:
			if err := p.beginOrCount(ctx, list[0]); err != nil {
				return err
			}
			list = list[1:]
		default:
			return p.close(ctx)
		}
	}
}

// beginOrCount starts an occurrence, or has the trigger of its event count from now on.
func (p *player) beginOrCount(ctx context.Context, o occurrence) error {
	if o.When == nil {
		return p.begin(ctx, o)
	}
	p.triggers.count(o.event)
	return nil
}

// come begins an event whose trigger has fired.
func (p *player) come(ctx context.Context, event int) error {
	defer p.triggers.done(event)
	return p.begin(ctx, occur(event, p.scenario.Timeline[event], time.Since(p.began)))
}

// close heals at the end of the script. No trigger fires any more, so what the heal
// restarts keeps running.
func (p *player) close(ctx context.Context) error {
	p.triggers.set(false)
	for event := range p.triggers.rest() {
		if err := p.come(ctx, event); err != nil {
			return err
		}
	}
	return p.heal(ctx, "settle")
}

// What comes next on the timeline.
const (
	scriptEnd = iota
	beginning
	ending
	triggered
)

// next returns what happens next and when. Endings come before beginnings at
// the same instant, and both before the end of the script.
func (p *player) next(list []occurrence, end time.Duration) (what int, at time.Duration) {
	what, at = scriptEnd, end
	if len(list) > 0 && list[0].from <= at {
		what, at = beginning, list[0].from
	}
	for _, f := range p.active {
		if f.to > 0 && f.to <= at {
			what, at = ending, f.to
		}
	}
	return what, at
}

// ending returns a fault that ends at the given offset.
func (p *player) ending(at time.Duration) *underway {
	i := slices.IndexFunc(p.active, func(f *underway) bool { return f.to == at })
	return p.active[i]
}

// begin starts an occurrence.
func (p *player) begin(ctx context.Context, o occurrence) error {
	kind, ok := fault.Of(o.Action)
	f := &underway{occurrence: o, fault: kind}
	switch {
	case !ok:
		return fmt.Errorf("event %d of the timeline has no action", o.event+1)
	case o.Action == harness.Heal:
		return p.heal(ctx, "")
	case f.links():
		if o.to == 0 { // it replaces earlier changes until the heal
			p.active = slices.DeleteFunc(p.active, func(g *underway) bool { return g.links() && g.On == f.On })
		}
		p.active = append(p.active, f)
		err := p.setLink(f.On)
		p.phase("", f.On)
		return err
	}
	var err error
	if f.end, err = kind.Begin(p.scene(), o.Event); err != nil {
		return fmt.Errorf("event %d of the timeline: %w", o.event+1, err)
	}
	p.history.Record(history.Record{Fault: &history.FaultNote{Event: o.event, Action: o.Action}})
	p.active = append(p.active, f)
	if kind.Length == fault.AtOnce {
		return p.finish(ctx, f)
	}
	p.phase("", f.On)
	return nil
}

// scene returns what faults act on.
func (p *player) scene() *fault.Scene {
	return &fault.Scene{
		Network: p.network, Subject: p.subject, Open: p.open,
		Killed:  p.triggers.arm, // after a power failure the next one must be set
		Failing: p.triggers.failing,
		InForce: func() []harness.Event {
			var events []harness.Event
			for _, f := range p.active {
				events = append(events, f.Event)
			}
			return events
		},
	}
}

// links reports whether f changes the link.
func (f *underway) links() bool { return f.Action == harness.SetLink }

// setLink sets the profile of a link; an empty name is the access links. It is the profile
// of the latest change in force, or else that of the scenario.
func (p *player) setLink(name string) error {
	return p.network.SetLinkProfile(name, p.profile(name))
}

// profile returns the profile that a link must have now.
func (p *player) profile(link string) (now harness.Profile) {
	for _, l := range p.links {
		if nameOf(l) == link {
			now = l.Profile
		}
	}
	for _, f := range p.active {
		if f.links() && f.On == link {
			now = *f.Link
		}
	}
	return now
}

// nameOf returns the name of a link; empty for the access links.
func nameOf(l harness.Link) string {
	if l.Near == "" {
		return ""
	}
	return l.Name()
}

// finish ends a fault and records what it hit. A phase begins after the fault begins and
// ends before the fault ends, so the fault is in force during the whole phase.
func (p *player) finish(ctx context.Context, f *underway) error {
	p.active = slices.DeleteFunc(p.active, func(g *underway) bool { return g == f })
	if f.links() {
		err := p.setLink(f.On)
		p.phase("", f.On)
		return err
	}
	if f.fault.Length != fault.AtOnce {
		p.phase("", f.On)
	}
	hits, err := f.end(ctx)
	if err != nil {
		err = fmt.Errorf("event %d of the timeline: %w", f.event+1, err)
	}
	if fault.HitsTrigger(f.Event) {
		hits++
	}
	if f.outage(harness.Up) {
		p.backOff(p.began.Add(f.from))
	}
	note := history.FaultNote{Event: f.event, Action: f.Action, Ended: true, Hits: hits}
	if err != nil {
		note.Error = err.Error()
	}
	p.history.Record(history.Record{Fault: &note})
	return err
}

// backOff computes how long a sender may still wait to retransmit after an outage that
// began at an instant, because it doubled its timer meanwhile: as long as the outage
// lasted. If the timer reaches into another outage, both count as one.
func (p *player) backOff(from time.Time) {
	if from.Before(p.outageFrom) || from.After(p.quiet) {
		p.outageFrom = from
	}
	p.quiet = time.Now().Add(time.Since(p.outageFrom))
}

// outage reports whether every packet in a direction is lost while f is in force.
func (f *underway) outage(d harness.Direction) bool {
	return fault.Loses(f.Event, d) == harness.DropOutage
}

// breakOff records what the faults under way have hit so far. A crashed side is not
// restarted.
func (p *player) breakOff(ctx context.Context) error {
	p.active = slices.DeleteFunc(p.active, func(f *underway) bool { return f.Action == harness.Crash })
	return p.heal(ctx, "interrupted")
}

// heal ends every fault and goes back to the scenario's link.
func (p *player) heal(ctx context.Context, name string) error {
	var errs []error
	for _, f := range slices.Backward(slices.Clone(p.active)) {
		if !f.links() {
			errs = append(errs, p.finish(ctx, f))
		}
	}
	p.active = nil
	for _, l := range p.links {
		errs = append(errs, p.setLink(nameOf(l)))
	}
	p.phases(name)
	return errors.Join(errs...)
}

// phases records what is asked of every link from now on.
func (p *player) phases(name string) {
	for _, l := range p.links {
		p.phase(name, nameOf(l))
	}
}

// phase records what is asked of a link from now on; an empty link is the access links.
// The phase has the given name, or that of the latest event in force with a name, or a
// name made of the faults in force. For a link of the topology the name begins with the
// link's name.
func (p *player) phase(name, link string) {
	ph := history.Phase{Name: name, Link: link, Profile: p.profile(link)}
	words := []string{ph.Profile.Name}
	if words[0] == "" {
		words[0] = "custom link"
	}
	for _, f := range p.active {
		if f.On != link {
			continue
		}
		if f.Phase != "" && name == "" {
			ph.Name = f.Phase
		}
		ph.OutageUp = ph.OutageUp || f.outage(harness.Up)
		ph.OutageDown = ph.OutageDown || f.outage(harness.Down)
		if word := fault.State(f.Event); word != "" {
			words = append(words, word)
		}
	}
	if ph.Name == "" {
		ph.Name = strings.Join(words, ", ")
	}
	if link != "" {
		ph.Name = link + ": " + ph.Name
	}
	p.state(ph.Name)
	p.history.Record(history.Record{Phase: &ph})
}
