package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/fault"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/workload"
)

// player applies the timeline to the network and the subject, and records it in the
// history. One goroutine uses it.
type player struct {
	scenario harness.Scenario
	network  harness.Network
	subject  harness.Subject
	history  *history.Writer
	users    *workload.Users
	seed     uint64
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

func (p *player) ending(at time.Duration) *underway {
	i := slices.IndexFunc(p.active, func(f *underway) bool { return f.to == at })
	return p.active[i]
}

func (p *player) begin(ctx context.Context, o occurrence) error {
	kind, ok := fault.Of(o.Action)
	o.chosen = o.Choose(p.seed, o.from, p.scenario.Workload.Wallets)
	f := &underway{occurrence: o, fault: kind}
	switch {
	case !ok:
		return fmt.Errorf("event %d of the timeline has no action", o.event+1)
	case o.Action == harness.Heal:
		return p.heal(ctx, "")
	case f.links():
		if o.to == 0 { // it replaces earlier changes until the heal
			p.active = slices.DeleteFunc(p.active, func(g *underway) bool {
				return g.links() && g.On == f.On && (f.chosen == nil || slices.Equal(f.chosen, g.chosen))
			})
		}
		p.active = append(p.active, f)
		err := p.setLink(f.On)
		p.phase("", f.On)
		return err
	}
	var err error
	if f.end, err = kind.Begin(p.scene(o.chosen), o.Event); err != nil {
		return fmt.Errorf("event %d of the timeline: %w", o.event+1, err)
	}
	p.history.Record(history.Record{Fault: &history.FaultNote{Event: o.event, Action: o.Action, Wallets: o.chosen}})
	p.active = append(p.active, f)
	if kind.Length == fault.AtOnce {
		return p.finish(ctx, f)
	}
	p.phase("", f.On)
	return nil
}

// scene returns what a fault acts on that chooses wallets; nil is all.
func (p *player) scene(chosen []int) *fault.Scene {
	return &fault.Scene{
		Network: p.network, Subject: p.subject, Chosen: chosen, Wallets: p.scenario.Workload.Wallets,
		Open:    func() int { return p.users.Open(chosen...) },
		Pressed: func() int { return p.users.Pressed(chosen...) },
		Killed:  p.triggers.arm, // after a power failure the next one must be set
		Failing: p.triggers.failing,
		InForce: func() []fault.Occurrence {
			var list []fault.Occurrence
			for _, f := range p.active {
				list = append(list, fault.Occurrence{Event: f.Event, Chosen: f.chosen})
			}
			return list
		},
	}
}

// links reports whether f changes the link.
func (f *underway) links() bool { return f.Action == harness.SetLink }

// setLink sets the profile of a link; an empty name is the access links. It is the profile
// of the latest change in force, or else that of the scenario.
func (p *player) setLink(name string) error {
	errs := []error{p.network.SetLinkProfile(name, p.profile(name, everyWallet))}
	for _, i := range p.apart(name) {
		errs = append(errs, p.network.SetLinkProfile(harness.ClientName(i), p.profile(name, i)))
	}
	return errors.Join(errs...)
}

// everyWallet stands for the wallets that no event in force has chosen.
const everyWallet = -1

// apart returns the wallets that events in force on a link have chosen, in order.
func (p *player) apart(link string) (wallets []int) {
	for _, f := range p.active {
		if f.On == link {
			wallets = append(wallets, f.chosen...)
		}
	}
	slices.Sort(wallets)
	return slices.Compact(wallets)
}

// profile returns the profile that a link must have now, and if it is the access links that
// of one wallet or of everyWallet.
func (p *player) profile(link string, wallet int) (now harness.Profile) {
	for _, l := range p.links {
		if nameOf(l) == link {
			now = l.Profile
		}
	}
	for _, f := range p.active {
		if f.links() && f.on(link, wallet) {
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
	note := history.FaultNote{Event: f.event, Action: f.Action, Wallets: f.chosen, Ended: true, Hits: hits}
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

// asked is what is asked of a link now, and of the access links for one wallet or for
// everyWallet.
func (p *player) asked(link string, wallet int) history.Apart {
	a := history.Apart{Profile: p.profile(link, wallet)}
	for _, f := range p.active {
		if f.on(link, wallet) {
			a.OutageUp = a.OutageUp || f.outage(harness.Up)
			a.OutageDown = a.OutageDown || f.outage(harness.Down)
		}
	}
	return a
}

// phaseApart is what is asked of the access links of the wallets that events have chosen,
// if that differs from what is asked of all others. Wallets of which the same is asked
// are together.
func (p *player) phaseApart(link string, all history.Apart) (list []history.Apart) {
	for _, i := range p.apart(link) {
		asked := p.asked(link, i)
		if reflect.DeepEqual(asked, all) {
			continue
		}
		k := slices.IndexFunc(list, func(a history.Apart) bool {
			asked.Wallets = a.Wallets
			return reflect.DeepEqual(a, asked)
		})
		if k < 0 {
			k, list = len(list), append(list, asked)
			list[k].Wallets = nil
		}
		list[k].Wallets = append(list[k].Wallets, i)
	}
	return list
}

// profileWord is how a profile stands in the name of a phase.
func profileWord(p harness.Profile) string { return cmp.Or(p.Name, "custom link") }

// word is how f stands in the name of a phase; empty is not at all.
func (f *underway) word() string {
	word := fault.State(f.Event)
	switch {
	case f.chosen == nil:
		return word
	case f.links():
		word = profileWord(*f.Link)
	}
	if len(f.chosen) == 1 {
		return fmt.Sprintf("%s for wallet %d", word, f.chosen[0])
	}
	return fmt.Sprintf("%s for %d wallets", word, len(f.chosen))
}

// phase records what is asked of a link from now on; an empty link is the access links.
// The phase has the given name, or that of the latest event in force with a name, or a
// name made of the faults in force. For a link of the topology the name begins with the
// link's name.
func (p *player) phase(name, link string) {
	all := p.asked(link, everyWallet)
	ph := history.Phase{Name: name, Link: link, Profile: all.Profile, OutageUp: all.OutageUp, OutageDown: all.OutageDown, Apart: p.phaseApart(link, all)}
	words := []string{profileWord(ph.Profile)}
	for _, f := range p.active {
		if f.On != link {
			continue
		}
		if f.Phase != "" && name == "" {
			ph.Name = f.Phase
		}
		if word := f.word(); word != "" {
			words = append(words, word)
		}
	}
	if ph.Name == "" {
		ph.Name = strings.Join(words, ", ")
	}
	if link != "" {
		ph.Name = link + ": " + ph.Name
	}
	p.state(linkState(ph.Name))
	p.history.Record(history.Record{Phase: &ph})
}

// linkState says in which phase the links are.
func linkState(phase string) string {
	if phase == "settle" {
		return "settling on a healed link"
	}
	return "link " + phase
}
