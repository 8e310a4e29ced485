package fault

import (
	"errors"
	"fmt"
	"slices"

	"github.com/onebar/onebar/harness"
)

// Needs is what engine and subject must be able to do for an event: for its fault, and
// for the moment at which it begins.
func Needs(e harness.Event) harness.Abilities {
	var all harness.Abilities
	if f, ok := Of(e.Action); ok && f.Needs != nil {
		all = f.Needs(e)
	}
	return all | NeedsOfMoment(e.When)
}

// NeedsOfMoment is what engine and subject must be able to do for events to begin at a
// moment that is not a time; nil needs nothing.
func NeedsOfMoment(t *harness.Trigger) harness.Abilities {
	switch {
	case t == nil:
		return 0
	case t.Packet > 0:
		return harness.CountPackets
	case t.Commit > 0:
		return harness.CommitsOf(t.Side)
	}
	return harness.FollowRequests
}

// Setup is what a scenario would run on.
type Setup struct {
	Engine   string            // its name, for messages
	Can      harness.Abilities // of the engine and of the subject
	Topology harness.Topology  // that the subject needs
	Wallets  int               // of the workload; 0 is not known
}

// SetupOf is the setup of an engine and a subject for a workload. The subject
// need not have been started.
func SetupOf(e harness.Engine, s harness.Subject, w harness.Workload) Setup {
	return Setup{Engine: e.Name(), Can: e.Abilities() | s.Abilities(), Topology: harness.TopologyOf(s, w), Wallets: w.Wallets}
}

// Refuse returns each thing that a scenario asks for and the engine or the subject
// cannot do, each host or link that the network lacks, and what is wrong with an event
// by itself, with what to do about it; nil is none.
func (s Setup) Refuse(sc harness.Scenario) error {
	var errs []error
	if !s.Can.Has(harness.JoinHosts) {
		errs = append(errs, s.Topology.NeedsHosts(s.Engine))
	}
	if err := sc.Link.NeedsPackets(s.Engine); err != nil && !s.Can.Has(harness.CarryPackets) {
		errs = append(errs, fmt.Errorf("the scenario's link: %w", err))
	}
	if sc.Starts != "" && !s.Can.Has(harness.VirtualTime) {
		errs = append(errs, fmt.Errorf("the scenario starts at %s: the %s engine runs at the time of day that it is; use --engine sim", sc.Starts, s.Engine))
	}
	for i, e := range sc.Timeline {
		place := fmt.Sprintf("line %d", e.Line)
		if e.Line == 0 {
			place = fmt.Sprintf("event %d of the timeline", i+1)
		}
		for _, err := range s.refuse(e) {
			errs = append(errs, fmt.Errorf("%s: %w", place, err))
		}
	}
	return errors.Join(errs...)
}

// refuse is Refuse for one event.
func (s Setup) refuse(e harness.Event) (errs []error) {
	f, ok := Of(e.Action)
	if ok && f.OnSide && e.Side == harness.SideUnknown {
		return []error{fmt.Errorf("the %s names no side: expected client or server", e.Action)}
	}
	if err := errors.Join(s.place(e, f), s.choice(e, f)); err != nil {
		errs = append(errs, err)
	}
	if e.When != nil && e.When.Request > 0 && e.At > 0 {
		errs = append(errs, errors.New("requests count from the start of the script: remove Event.At"))
	}
	if f.Check != nil {
		if err := f.Check(e); err != nil {
			errs = append(errs, err)
		}
	}
	for one := range (Needs(e) &^ s.Can).Each() {
		errs = append(errs, s.lacks(one, e))
	}
	return errs
}

// place says what is wrong with the host or the link that an event names.
func (s Setup) place(e harness.Event, f Fault) error {
	_, client := harness.ClientIndex(string(e.Side))
	known := slices.Contains(sides(), e.Side) || e.Side == harness.SideUnknown || client || s.Topology.Host(string(e.Side)) >= 0
	links := []string{e.On}
	if e.When != nil {
		links = append(links, e.When.Link)
	}
	for _, name := range links {
		if _, ok := s.Topology.Link(name); name != "" && !ok {
			return fmt.Errorf("%s: %w", e.Action, s.Topology.NoLink(name))
		}
	}
	switch {
	case !known:
		return fmt.Errorf("%s: %w", e.Action, s.Topology.NoHost(string(e.Side)))
	case e.On != "" && !f.OnLink:
		return fmt.Errorf("the %s cannot be on a link between hosts (%s): remove Event.On", e.Action, e.On)
	case e.Action == harness.Drop && e.When != nil && e.When.Link != e.On:
		return fmt.Errorf("the drop is on %q and its packet on %q: expected the same link", e.On, e.When.Link)
	}
	return nil
}

// choice says what is wrong with the wallets that an event chooses.
func (s Setup) choice(e harness.Event, f Fault) error {
	switch {
	case !e.Some():
		return nil
	case !slices.Contains(f.Keys, ofWallets()[0]), e.On != "", e.Side != harness.Client && e.Side != harness.SideUnknown:
		return fmt.Errorf("the %s cannot be on some of the wallets: remove Event.Wallet and Event.Wallets", Name(harness.Event{Action: e.Action, Side: e.Side, On: e.On, Toxic: e.Toxic}))
	case e.When != nil && e.When.Commit > 0:
		return errors.New("commits are counted over all wallets: remove Event.Wallet and Event.Wallets")
	case e.Wallet != nil && (*e.Wallet < 0 || s.Wallets > 0 && *e.Wallet >= s.Wallets):
		return fmt.Errorf("there is no wallet %d: the workload has %d, from 0", *e.Wallet, s.Wallets)
	}
	return nil
}

// lacks says that neither the engine nor the subject has one of the abilities that an
// event needs.
func (s Setup) lacks(a harness.Abilities, e harness.Event) error {
	switch way := subjectWays()[a]; {
	case way != "":
		return fmt.Errorf("the subject has no way to %s: remove the event", way)
	case harness.CommitsOf(harness.SideUnknown).Has(a):
		return fmt.Errorf("commits of the %s cannot be counted here: use --engine sim with a subject that counts them", e.When.Side)
	case a == harness.FollowRequests:
		return errors.New("the subject's requests cannot be followed: that takes a server of your own that speaks HTTP/1.1")
	case a == harness.CarryPackets && e.Link != nil:
		return e.Link.NeedsPackets(s.Engine)
	case a == harness.CountPackets && s.Can.Has(harness.CarryPackets):
		return errors.New("in real time no packet has the same number in each run; use --engine sim")
	case a == harness.CountPackets:
		return fmt.Errorf("the %s engine has no packets to begin an event at; use --engine sim", s.Engine)
	case a == harness.RebindClients || a == harness.SendCrossTraffic:
		return fmt.Errorf("%s cannot be done by the %s engine, which has no network between its sockets; use --engine packet", e.Action, s.Engine)
	case a == harness.CutPower:
		return fmt.Errorf("a side cannot vanish without a word in the %s engine: the kernel ends its sockets; use --engine packet", s.Engine)
	case a == harness.PutToxics:
		return fmt.Errorf("the %s engine has no toxics: use --engine packet, toxiproxy or sim", s.Engine)
	case a == harness.ChooseClients:
		return fmt.Errorf("the %s engine treats all wallets alike: use --engine packet or sim, or remove wallet and wallets", s.Engine)
	case a == harness.PutToxicsOnLinks:
		return fmt.Errorf("toxic on %s: toxiproxy is before the access links only; use --engine sim", e.On)
	}
	return fmt.Errorf("the %s engine and the subject lack ability %#x: remove the event", s.Engine, uint64(a))
}

// subjectWays are abilities of subjects, for messages.
func subjectWays() map[harness.Abilities]string {
	return map[harness.Abilities]string{
		harness.CrashClient: "crash the client", harness.CrashServer: "crash the server",
		harness.FreezeClient: "freeze the client", harness.FreezeServer: "freeze the server",
		harness.CrashHost: "crash a further host", harness.FreezeHost: "freeze a further host",
		harness.SlowServer:     "slow the server",
		harness.SetClientClock: "change the clock of the client (the reference wallet has one, and a Go System with ClientClock)",
		harness.SetServerClock: "change the clock of the server (the reference bank has one, and a Go System with ServerClock)",
		harness.CrashWallet:    "crash one wallet alone", harness.FreezeWallet: "freeze one wallet alone",
		harness.FaultDisks: "make a disk slow, full or failing: that takes disks in memory, as the reference pair has with --engine sim,",
		harness.ChooseLoss: "lose everything that was not synced: that takes disks in memory, as the reference pair has with --engine sim,",
	}
}
