package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
)

// player does what the timeline says to the network and the subject, and notes
// it in the history. One goroutine uses it.
type player struct {
	scenario harness.Scenario
	network  harness.Network
	subject  harness.Subject
	history  *harness.History
	open     func() int   // payments without a final outcome
	state    func(string) // told what the network is like, for people
	began    time.Time    // the start of the script

	triggers *triggers
	profile  harness.Profile // of the links
	active   []*fault        // in the order they began, changes of the link among them

	dark  time.Time // the beginning of the outages that a sender's timer may span
	quiet time.Time // from then on nothing that an outage held up is sent again
}

// fault is an occurrence under way.
type fault struct {
	occurrence
	end func(context.Context) (int64, error)
}

// play walks the occurrences until the script's end, then heals. It returns
// early when ctx ends, or when a side of the subject did not come back.
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
			if err := p.begin(ctx, list[0]); err != nil {
				return err
			}
			list = list[1:]
		default:
			return p.close(ctx)
		}
	}
}

// come begins an event whose moment has come.
func (p *player) come(ctx context.Context, event int) error {
	defer p.triggers.done(event)
	return p.begin(ctx, occur(event, p.scenario.Timeline[event], time.Since(p.began)))
}

// close heals at the end of the script. Nothing is triggered any more: what the
// heal restarts stays up.
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
func (p *player) ending(at time.Duration) *fault {
	i := slices.IndexFunc(p.active, func(f *fault) bool { return f.to == at })
	return p.active[i]
}

// begin starts an occurrence.
func (p *player) begin(ctx context.Context, o occurrence) error {
	f := &fault{occurrence: o}
	switch o.Action {
	case harness.Heal:
		return p.heal(ctx, "")
	case harness.SetLink:
		if o.to == 0 { // it takes the place of those before for good
			p.active = slices.DeleteFunc(p.active, (*fault).links)
		}
		p.active = append(p.active, f)
		p.setLink()
		p.phase("")
		return nil
	case harness.Crash:
		if err := p.crash(f); err != nil {
			return err
		}
	case harness.Slow:
		p.slow(f)
	case harness.Freeze:
		if err := p.freeze(f); err != nil {
			return err
		}
	case harness.Drop:
		f.end = func(context.Context) (int64, error) { return 0, nil } // the trigger has lost it
	case harness.Blackhole, harness.Reset, harness.Refuse, harness.StreamToxic,
		harness.Rebind, harness.Vanish, harness.CrossTraffic:
		if err := p.inject(f); err != nil {
			return err
		}
	case harness.ActionUnknown:
		return fmt.Errorf("event %d of the timeline has no action", o.event+1)
	}
	p.history.Record(harness.Record{Fault: &harness.FaultNote{Event: o.event, Action: o.Action}})
	p.active = append(p.active, f)
	if atOnce(o.Action) {
		return p.finish(ctx, f)
	}
	p.phase("")
	return nil
}

// atOnce reports whether an action is over as soon as it is done.
func atOnce(a harness.Action) bool {
	return a == harness.Reset || a == harness.Rebind || a == harness.Drop
}

// links reports whether f changes the link.
func (f *fault) links() bool { return f.Action == harness.SetLink }

// setLink sets the link of the latest change in force, or else the scenario's.
func (p *player) setLink() {
	p.profile = p.scenario.Link
	for _, f := range p.active {
		if f.links() {
			p.profile = *f.Link
		}
	}
	p.network.SetProfile(p.profile)
}

func (p *player) inject(f *fault) error {
	end, err := p.network.Inject(harness.Fault{Action: f.Action, Direction: f.Direction, Toxic: f.Toxic, NewAddress: f.NewAddress})
	if err != nil {
		return fmt.Errorf("event %d of the timeline (%s): %w", f.event+1, f.Action, err)
	}
	f.end = func(context.Context) (int64, error) { return end(), nil }
	return nil
}

// crash kills a side. It hits something if a payment is under way when the
// side dies or when it comes back.
func (p *player) crash(f *fault) error {
	crasher, ok := p.subject.(harness.Crasher)
	if !ok {
		return fmt.Errorf("event %d of the timeline: this subject cannot crash its %s", f.event+1, f.Side)
	}
	hits := p.open()
	back := func() int64 { return 0 }
	if f.Vanish {
		var err error
		if back, err = p.network.Inject(harness.Fault{Action: harness.Vanish, Side: f.Side}); err != nil {
			return fmt.Errorf("event %d of the timeline (vanish): %w", f.event+1, err)
		}
	}
	if !p.down(f.Side) {
		if err := crasher.Crash(f.Side); err != nil {
			return fmt.Errorf("event %d of the timeline: crash the %s: %w", f.event+1, f.Side, err)
		}
		p.triggers.arm() // a power failure puts off the next one
	}
	f.end = func(ctx context.Context) (int64, error) {
		back()
		hits = max(hits, p.open())
		if p.down(f.Side) {
			return int64(hits), nil // another crash keeps it down
		}
		// If its power fails at a commit that it makes as it starts, it crashes again
		// and is restarted after that.
		if err := crasher.Restart(ctx, f.Side); err != nil && !p.triggers.failing(f.Side) {
			return int64(hits), fmt.Errorf("event %d of the timeline: restart the %s: %w", f.event+1, f.Side, err)
		}
		return int64(hits), nil
	}
	return nil
}

// down reports whether a crash of the side is in force.
func (p *player) down(side harness.Side) bool {
	return p.inForce(harness.Crash, side)
}

// inForce reports whether an action on a side is.
func (p *player) inForce(a harness.Action, side harness.Side) bool {
	return slices.ContainsFunc(p.active, func(f *fault) bool { return f.Action == a && f.Side == side })
}

// freeze stops a side until the fault ends. It hits something if a payment is
// under way when it begins or ends.
func (p *player) freeze(f *fault) error {
	freezer, ok := p.subject.(harness.Freezer)
	if !ok {
		return nil // refused before the run
	}
	if err := freezer.Freeze(f.Side); err != nil {
		return fmt.Errorf("event %d of the timeline: freeze the %s: %w", f.event+1, f.Side, err)
	}
	hits := p.open()
	f.end = func(context.Context) (int64, error) {
		hits = max(hits, p.open())
		if p.inForce(harness.Freeze, f.Side) {
			return int64(hits), nil // another one keeps it frozen
		}
		if err := freezer.Thaw(f.Side); err != nil {
			return int64(hits), fmt.Errorf("event %d of the timeline: let the %s go on: %w", f.event+1, f.Side, err)
		}
		return int64(hits), nil
	}
	return nil
}

// slow delays answers until the fault ends, and from then on as much as the
// latest one still in force asks.
func (p *player) slow(f *fault) {
	slower, ok := p.subject.(harness.Slower)
	if !ok {
		return // refused before the run
	}
	hits := slower.SlowAnswers(f.By)
	f.end = func(context.Context) (int64, error) {
		by := time.Duration(0)
		for _, g := range p.active {
			if g.Action == harness.Slow {
				by = g.By
			}
		}
		slower.SlowAnswers(by)
		return hits(), nil
	}
}

// finish ends a fault and notes what it hit. The phase ends before the fault
// does, and begins after it, so that all of it has the fault in force.
func (p *player) finish(ctx context.Context, f *fault) error {
	p.active = slices.DeleteFunc(p.active, func(g *fault) bool { return g == f })
	if f.links() {
		p.setLink()
		p.phase("")
		return nil
	}
	if !atOnce(f.Action) {
		p.phase("")
	}
	hits, err := f.end(ctx)
	if f.strikes() {
		hits++
	}
	if f.Action == harness.Blackhole && f.Direction != harness.Down {
		p.backOff(p.began.Add(f.from))
	}
	note := harness.FaultNote{Event: f.event, Action: f.Action, Ended: true, Hits: hits}
	if err != nil {
		note.Error = err.Error()
	}
	p.history.Record(harness.Record{Fault: &note})
	return err
}

// backOff reckons how long a sender may wait that doubled its timer in an outage
// that began at an instant and has ended: as long as the outage lasted. Its timer
// may span the time to another outage, which then counts with the first.
func (p *player) backOff(from time.Time) {
	if from.Before(p.dark) || from.After(p.quiet) {
		p.dark = from
	}
	p.quiet = time.Now().Add(time.Since(p.dark))
}

// strikes reports whether what began a fault is hit by it, beside what the fault
// itself counts: a commit by a power failure, and a packet by its loss.
func (f *fault) strikes() bool {
	switch f.Action {
	case harness.Drop, harness.Crash:
		return f.When != nil
	case harness.Blackhole:
		return f.When != nil && f.When.Packet > 0 && (f.Direction == harness.DirectionUnknown || f.Direction == f.When.Direction)
	default:
		return false
	}
}

// breakOff notes what the faults under way have hit so far. What has crashed
// stays down.
func (p *player) breakOff(ctx context.Context) error {
	p.active = slices.DeleteFunc(p.active, func(f *fault) bool { return f.Action == harness.Crash })
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
	p.setLink()
	p.phase(name)
	return errors.Join(errs...)
}

// phase notes what is asked of the links from now on. It has the given name, or
// that of the latest event in force that has one, or one made of what is in
// force.
func (p *player) phase(name string) {
	ph := harness.Phase{Name: name, Profile: p.profile}
	words := []string{p.profile.Name}
	if words[0] == "" {
		words[0] = "custom link"
	}
	for _, f := range p.active {
		if f.Phase != "" && name == "" {
			ph.Name = f.Phase
		}
		if f.Action == harness.Blackhole {
			ph.OutageUp = ph.OutageUp || f.Direction != harness.Down
			ph.OutageDown = ph.OutageDown || f.Direction != harness.Up
		}
		if word := f.word(); word != "" {
			words = append(words, word)
		}
	}
	if ph.Name == "" {
		ph.Name = strings.Join(words, ", ")
	}
	p.state(ph.Name)
	p.history.Record(harness.Record{Phase: &ph})
}

// word is how a fault in force stands in the name of a phase.
func (f *fault) word() string {
	switch f.Action {
	case harness.Blackhole:
		if f.Direction != harness.DirectionUnknown {
			return "blackhole " + f.Direction.String()
		}
	case harness.Crash:
		return f.Side.String() + " down"
	case harness.Freeze:
		return f.Side.String() + " frozen"
	case harness.StreamToxic:
		return f.Toxic.Type
	case harness.CrossTraffic:
		return "cross traffic"
	case harness.SetLink:
		return "" // the profile's name says it
	case harness.Refuse, harness.Slow, harness.Reset, harness.Heal, harness.Rebind, harness.Vanish, harness.Drop, harness.ActionUnknown:
	}
	return f.Action.String()
}
