package spec

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/fault"
)

// phaseNames are the names that phases of a scenario's runs can have. A phase has the name
// of an event, or one made of the link and the faults in force: "edge, blackhole".
type phaseNames struct {
	given []string // by events, and those at the end: settle and interrupted
	links []string // with which other names begin
	words []string // with which they go on
}

func phasesOf(s harness.Scenario) phaseNames {
	const custom = "custom link" // as package run calls a link without a profile's name
	p := phaseNames{given: []string{"settle", "interrupted"}, links: []string{cmp.Or(s.Link.Name, custom)}}
	events := slices.Clone(s.Timeline)
	for _, n := range s.Nemesis {
		events = append(events, n.Event)
	}
	for _, e := range events {
		if e.Phase != "" {
			p.given = append(p.given, e.Phase)
		}
		if e.Link != nil {
			p.links = append(p.links, cmp.Or(e.Link.Name, custom))
		}
		if word := fault.State(e); word != "" {
			p.words = append(p.words, word)
		}
	}
	return p
}

// can reports whether a phase can have a name.
func (p phaseNames) can(name string) bool {
	if slices.Contains(p.given, name) {
		return true
	}
	parts := strings.Split(name, ", ")
	return slices.Contains(p.links, parts[0]) &&
		!slices.ContainsFunc(parts[1:], func(part string) bool { return !slices.Contains(p.words, part) })
}

// options returns names to choose from: not each combination of faults.
func (p phaseNames) options() []string {
	all := slices.Concat(p.given[2:], p.links, p.given[:1])
	var unique []string
	for _, name := range all {
		if !slices.Contains(unique, name) {
			unique = append(unique, name)
		}
	}
	return unique
}
