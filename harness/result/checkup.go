package result

import "github.com/onebar/onebar/harness"

// CheckupVersion is the version of the JSON form of a Checkup. It is raised when a field
// changes its meaning or is removed.
const CheckupVersion = 1

// Advice is what a person should know of a scenario, and do.
type Advice struct {
	Must bool   `json:"must,omitempty"` // runs say nothing, or the wrong thing, before it is done
	Text string `json:"text"`           // what is missing or odd, and what to do
	YAML string `json:"yaml,omitempty"` // what to write in the scenario file, of one or more lines; empty is nothing
}

// Checkup is one payment made without impairment: how it went, and what the scenario
// lacks.
type Checkup struct {
	Result Result         `json:"result"`          // of that payment alone
	Steps  []harness.Step `json:"steps,omitempty"` // in the order in which they ended
	Advice []Advice       `json:"advice,omitempty"`
	Unfit  bool           `json:"unfit,omitempty"` // the scenario itself could not be run as it is: see Advice
}

// Exit returns the exit code of a checkup.
func (c Checkup) Exit() int {
	if c.Unfit {
		return ExitBroken
	}
	return c.Result.Exit()
}
