package result

import (
	"math"
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

	// A shard has a part of the runs. Planned counts
	// those of the shard.
	selection.Stamp
	Canary *Verdict `json:"canary,omitempty"` // whether a planted bug was found; nil: none was planted
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

// Judged is how many runs passed, failed or broke: those that say something of how often
// the scenarios fail.
func (x Exploration) Judged() int { return x.Passed + x.Failures() }

// Failures is how many runs failed or broke.
func (x Exploration) Failures() int { return x.Failed + x.Broken }

// confidence is that of FailureRateBelow, one-sided.
const confidence = 0.95

// LeastForThree is the least number of runs for which the rule of three is used: for fewer
// it is too coarse.
const LeastForThree = 30

// FailureRateBelow returns the upper end of the one-sided 95 % confidence interval of the
// share of seeds that fail or break, 0 to 1, or 0 if it is not known: nothing was judged, or
// the exploration may have ended because a run failed, which makes the interval wrong.
// Without a failure it is 3/n (the rule of three: Hanley and Lippman-Hand, "If nothing goes
// wrong, is everything all right?", JAMA 249, 1983), or for few runs the exact 1-0.05^(1/n).
// With failures it is that of Clopper and Pearson (Biometrika 26, 1934).
func (x Exploration) FailureRateBelow() float64 {
	n, k := x.Judged(), x.Failures()
	switch {
	case n == 0 || k > 0 && x.Runs != x.Planned:
		return 0
	case k == n:
		return 1
	case k == 0 && n >= LeastForThree:
		return 3 / float64(n)
	}
	low, high := float64(k)/float64(n), 1.0
	for range 60 { // the precision of a float64
		if p := (low + high) / 2; atMost(k, n, p) > 1-confidence {
			low = p
		} else {
			high = p
		}
	}
	return high
}

// atMost returns the probability of at most k successes in n trials with probability p,
// which is above 0 and below 1.
func atMost(k, n int, p float64) float64 {
	all, _ := math.Lgamma(float64(n + 1))
	sum := 0.0
	for i := range k + 1 {
		in, _ := math.Lgamma(float64(i + 1))
		out, _ := math.Lgamma(float64(n - i + 1))
		sum += math.Exp(all - in - out + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return sum
}

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
