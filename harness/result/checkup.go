package result

import "github.com/onebar/onebar/harness"

// Advice is what a person should know of a scenario, and do.
type Advice struct {
	Must bool   // runs say nothing, or the wrong thing, before it is done
	Text string // what is missing or odd, and what to do
	YAML string // what to write in the scenario file, of one or more lines; empty is nothing
}

// Checkup is one payment made without impairment: how it went, and what the scenario
// lacks.
type Checkup struct {
	Result Result         // of that payment alone
	Steps  []harness.Step // in the order in which they ended
	Advice []Advice
	Unfit  bool // the scenario itself could not be run as it is: see Advice
}

// Exit returns the exit code of a checkup.
func (c Checkup) Exit() int {
	if c.Unfit {
		return ExitBroken
	}
	return c.Result.Exit()
}
