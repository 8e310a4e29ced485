package result

import (
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/selection"
)

// SweepVersion is the version of the JSON form of a Sweep. It is raised when a field
// changes its meaning or is removed.
const SweepVersion = 1

// Sweep is the result of running one scenario again and again, each time with
// another fault at another point of it. It is plain data.
type Sweep struct {
	Version  int              `json:"version"`  // SweepVersion
	Scenario harness.Scenario `json:"scenario"` // as it was run without a fault
	Engine   string           `json:"engine"`
	Seed     uint64           `json:"seed"`
	Points   []SweepPoints    `json:"points"`          // kinds of points there were
	Notes    []string         `json:"notes,omitempty"` // sentences about what was not tried
	Rows     []SweepRow       `json:"rows"`            // one a fault, or a first fault of two
	Findings []SweepFinding   `json:"findings,omitempty"`
	Took     time.Duration    `json:"took"` // by the clock

	Pairs       int  `json:"pairs,omitempty"`       // pairs of faults there are
	Left        int  `json:"left,omitempty"`        // pairs of faults left out because of the limit
	Interrupted bool `json:"interrupted,omitempty"` // it was stopped from outside
	Rest        int  `json:"rest,omitempty"`        // planned runs that were not made

	// A shard has a part of the runs. The run without a fault is made by each shard,
	// and of a sweep of pairs also those with one fault.
	selection.Stamp
	Canary *Verdict `json:"canary,omitempty"` // whether a planted bug was found; nil: none was planted
}

// SweepPoints counts the points of one kind.
type SweepPoints struct {
	Kind string `json:"kind"` // such as "packets up"
	N    int    `json:"n"`
}

// SweepRow counts the runs with one fault. Each is in exactly one of Passed,
// Failed, Unknown, Broken and Unreached.
type SweepRow struct {
	Fault     string `json:"fault"`
	Pairs     bool   `json:"pairs,omitempty"` // of two faults, of which the first may keep the second from coming
	Runs      int    `json:"runs"`
	Passed    int    `json:"passed"`
	Failed    int    `json:"failed"`    // a check failed
	Unknown   int    `json:"unknown"`   // a check could not tell
	Broken    int    `json:"broken"`    // the run could not be carried out
	Unreached int    `json:"unreached"` // the fault's moment never came
}

// SweepFinding is what was found wrong by one check under one fault.
type SweepFinding struct {
	Fault   string   `json:"fault"`
	Check   string   `json:"check"`  // its name, Broken or NoCommits
	Status  Status   `json:"status"` // Fail or StatusUnknown
	Runs    int      `json:"runs"`   // in which it was found
	Where   []string `json:"where"`  // the points of the first of them; empty strings for NoFault
	Places  []int    `json:"places"` // and the numbers of these runs in the order of the sweep, from 0; -1 for NoFault
	Text    string   `json:"text"`   // what the check said in the first
	File    string   `json:"file,omitempty"`
	History string   `json:"history,omitempty"`
	Again   string   `json:"again,omitempty"` // the command that runs just the first again
}

// NoFault is the Fault of what a scenario shows without any.
const NoFault = "no fault"

// NoCommits is the Check of a side whose commits are counted and that has made none. It is
// known from the run without a fault.
const NoCommits = "commits"

// Broken is the Check of runs that could not be carried out.
const Broken = "broken"

// Total is the sum of the rows.
func (s Sweep) Total() SweepRow {
	var t SweepRow
	for _, r := range s.Rows {
		t.Runs += r.Runs
		t.Passed += r.Passed
		t.Failed += r.Failed
		t.Unknown += r.Unknown
		t.Broken += r.Broken
		t.Unreached += r.Unreached
	}
	return t
}

// Exit returns the exit code of the sweep. It is that of unknown, too, if a single
// fault did not come at one of its points: of that point nothing is known.
func (s Sweep) Exit() int {
	has := func(match func(SweepFinding) bool) bool { return slices.ContainsFunc(s.Findings, match) }
	missed := func(r SweepRow) bool { return r.Unreached > 0 && !r.Pairs }
	switch {
	case s.Interrupted:
		return ExitInterrupted
	case has(func(f SweepFinding) bool { return f.Check == Broken }):
		return ExitBroken
	case has(func(f SweepFinding) bool { return f.Status == Fail }):
		return ExitFail
	case len(s.Findings) > 0, s.Total().Runs == 0, slices.ContainsFunc(s.Rows, missed), s.Rest > 0, s.Canary != nil && s.Canary.Status != Pass:
		return ExitUnknown
	}
	return ExitPass
}
