package fault

import (
	"errors"
	"fmt"
	"slices"

	"github.com/onebar/onebar/harness"
)

// Needs is what the subject must be able to do for an event: for its fault, and for
// the moment at which it begins.
func Needs(e harness.Event) harness.Abilities {
	var all harness.Abilities
	if f, ok := Of(e.Action); ok && f.Needs != nil {
		all = f.Needs(e)
	}
	if e.When != nil && e.When.Commit > 0 {
		all |= harness.CountCommits
	}
	if e.When != nil && e.When.Request > 0 {
		all |= harness.FollowRequests
	}
	return all
}

// Refuse returns each thing that an event needs and a subject cannot do, or a host or a
// link that its network lacks, with what to do about it; nil is none.
func Refuse(e harness.Event, can harness.Abilities, net harness.Topology) error {
	f, ok := Of(e.Action)
	if ok && f.Stops && e.Side == harness.SideUnknown {
		return fmt.Errorf("line %d: the %s names no side: expected client or server", e.Line, e.Action)
	}
	errs := []error{place(e, f, net)}
	for one := range (Needs(e) &^ can).Each() {
		errs = append(errs, fmt.Errorf("line %d: %s", e.Line, lacks(one)))
	}
	return errors.Join(errs...)
}

// place says what is wrong with the host or the link that an event names.
func place(e harness.Event, f Fault, net harness.Topology) error {
	_, client := harness.ClientIndex(string(e.Side))
	known := slices.Contains(sides(), e.Side) || e.Side == harness.SideUnknown || client || net.Host(string(e.Side)) >= 0
	links := []string{e.On}
	if e.When != nil {
		links = append(links, e.When.Link)
	}
	for _, name := range links {
		if _, ok := net.Link(name); name != "" && !ok {
			return fmt.Errorf("line %d: %s: %w", e.Line, e.Action, net.NoLink(name))
		}
	}
	switch {
	case !known:
		return fmt.Errorf("line %d: %s: %w", e.Line, e.Action, net.NoHost(string(e.Side)))
	case e.On != "" && !f.OnLink:
		return fmt.Errorf("line %d: the %s cannot be on a link between hosts (%s): remove Event.On", e.Line, e.Action, e.On)
	case e.Action == harness.Drop && e.When != nil && e.When.Link != e.On:
		return fmt.Errorf("line %d: the drop is on %q and its packet on %q: expected the same link", e.Line, e.On, e.When.Link)
	}
	return nil
}

// lacks says that a subject has not one of the abilities that events need.
func lacks(a harness.Abilities) string {
	way := map[harness.Abilities]string{
		harness.CrashClient: "crash the client", harness.CrashServer: "crash the server",
		harness.FreezeClient: "freeze the client", harness.FreezeServer: "freeze the server",
		harness.CrashHost: "crash a further host", harness.FreezeHost: "freeze a further host",
		harness.SlowServer: "slow the server",
	}[a]
	switch {
	case way != "":
		return "the subject has no way to " + way + ": remove the event"
	case a == harness.CountCommits:
		return "the subject's commits cannot be counted here: use --engine sim"
	case a == harness.FollowRequests:
		return "the subject's requests cannot be followed: that takes a server of your own that speaks HTTP/1.1"
	}
	return fmt.Sprintf("the subject lacks ability %#x: remove the event", uint32(a))
}
