package result

import (
	"slices"
	"time"

	"github.com/onebar/onebar/harness/selection"
)

// ExplorationVersion is the version of the JSON form of an Exploration. It is raised when
// a field changes its meaning or is removed.
const ExplorationVersion = 1

// Exploration is the result of running scenarios with many seeds. It is plain data.
type Exploration struct {
	Version   int      `json:"version"`   // ExplorationVersion
	Onebar    string   `json:"onebar"`    // version of the program
	Scenarios []string `json:"scenarios"` // their names; the seeds go round over them
	First     uint64   `json:"first"`     // the first seed
	Planned   int      `json:"planned"`   // runs that were asked for; 0 is as many as there is time for

	// Runs is how many were made. Each is in exactly one of Passed, Failed, Unknown
	// and Broken.
	Runs    int `json:"runs"`
	Passed  int `json:"passed"`
	Failed  int `json:"failed"`  // a check or a threshold failed
	Unknown int `json:"unknown"` // it could not be judged
	Broken  int `json:"broken"`  // it could not be carried out: a panic, a deadlock, a leak

	Virtual time.Duration `json:"virtual"` // time inside, over all runs
	Took    time.Duration `json:"took"`    // by the clock

	ByCheck     []CheckCount `json:"by_check,omitempty"` // the checks and thresholds that did not pass, the worst first
	Odd         []OddRun     `json:"odd,omitempty"`      // the first MaxOdd runs that did not pass
	Reached     []Reached    `json:"reached"`
	Interrupted bool         `json:"interrupted,omitempty"` // it was stopped from outside

	// Shard is which part of the runs of Selection these are; nil is all. Planned counts
	// those of the shard.
	Shard     *selection.Shard    `json:"shard,omitempty"`
	Selection *selection.Identity `json:"selection,omitempty"`
	Canary    *Verdict            `json:"canary,omitempty"` // whether a planted bug was found; nil: none was planted
}

// CheckCount counts the runs in which a check or threshold did not pass. A run with
// several of them is counted for each.
type CheckCount struct {
	Check  string `json:"check"`  // name of a check, text of a threshold, or Broken
	Status Status `json:"status"` // what it said
	Runs   int    `json:"runs"`
	First  OddRun `json:"first"` // the earliest of them
}

// OddRun is a run that did not pass.
type OddRun struct {
	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`
	Check    string `json:"check"` // the worst that did not pass, see CheckCount
	Status   Status `json:"status"`
	Text     string `json:"text"`            // why
	Again    string `json:"again,omitempty"` // the command that makes just this run again
}

// MaxOdd is how many odd runs an exploration keeps; all are counted.
const MaxOdd = 1000

// Reached counts how often a situation was reached. Times may be several in a run.
type Reached struct {
	Name  string `json:"name"`
	Times int    `json:"times"`
	Runs  int    `json:"runs"`
}

// Exit returns the exit code of the exploration.
func (x Exploration) Exit() int {
	switch {
	case x.Interrupted:
		return ExitInterrupted
	case x.Broken > 0:
		return ExitBroken
	case x.Failed > 0:
		return ExitFail
	case x.Unknown > 0 || x.Runs == 0 || x.Left() > 0 || x.Canary != nil && x.Canary.Status != Pass:
		return ExitUnknown
	}
	return ExitPass
}

// Left returns how many planned runs were not made.
func (x Exploration) Left() int { return max(0, x.Planned-x.Runs) }

// Never returns the names of the situations that no run has reached.
func (x Exploration) Never() []string {
	var names []string
	for _, r := range x.Reached {
		if r.Times == 0 {
			names = append(names, r.Name)
		}
	}
	return slices.Clip(names)
}
