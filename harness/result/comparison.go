package result

import "github.com/onebar/onebar/harness/enum"

// ComparisonVersion is the version of the JSON form of a Comparison. It is raised when a
// field changes its meaning or is removed.
const ComparisonVersion = 1

// Comparison is what two sets of runs show when their figures are compared, see package
// baseline. It is plain data.
type Comparison struct {
	Version   int        `json:"version"`            // ComparisonVersion
	Onebar    string     `json:"onebar"`             // version of the program that compared them
	Old       string     `json:"old"`                // the program of the earlier runs
	New       string     `json:"new"`                // and of the later ones
	Status    Status     `json:"status"`             // fail if a figure is worse, unknown if something could not be compared
	Scenarios int        `json:"scenarios"`          // compared, each on one engine
	Figures   int        `json:"figures"`            // compared; those not in Changes are unchanged
	Moved     int        `json:"moved,omitempty"`    // of the unchanged: their medians differ much, and chance explains it
	Changes   []Change   `json:"changes"`            // the worst first
	Unjudged  []Unjudged `json:"unjudged,omitempty"` // what could not be compared
}

// Change is one figure that is not as before.
type Change struct {
	Scenario string      `json:"scenario"`
	Engine   string      `json:"engine"`
	Figure   string      `json:"figure,omitempty"` // empty is the whole scenario, vanished or new
	Unit     Unit        `json:"unit,omitempty"`
	Kind     ChangeKind  `json:"kind"`
	Old      *float64    `json:"old,omitempty"` // the median of the runs; nil if it was not measured
	New      *float64    `json:"new,omitempty"`
	Runs     int         `json:"runs,omitempty"`   // compared: on each side in real time, pairs of one seed in virtual time
	Paired   *SeedChange `json:"paired,omitempty"` // in virtual time
	P        float64     `json:"p,omitempty"`      // in real time: of the Mann–Whitney U test, corrected for the number of figures
}

// SeedChange is how the runs of the same seeds differ in a figure, in virtual time.
type SeedChange struct {
	Differ int     `json:"differ"`          // seeds whose value is another
	Worse  int     `json:"worse"`           // of them, those whose value is worse
	Gone   int     `json:"gone,omitempty"`  // seeds in which the figure is not measured any more
	Median float64 `json:"median"`          // of the differences, over the seeds that differ
	Seed   uint64  `json:"seed"`            // the seed that got worst, or that differs most
	By     float64 `json:"by"`              // its difference
	Again  string  `json:"again,omitempty"` // the command that repeats its later run
}

// ChangeKind says what a change means.
type ChangeKind uint8

// The kinds, the worst first.
const (
	ChangeUnknown ChangeKind = iota
	Worse                    // fails the comparison
	Vanished                 // measured before and not any more: the comparison is unknown
	Changed                  // neither better nor worse: the network's doing, or judged by another figure
	Better                   // an improvement: told, and no failure
	New                      // not measured before
)

const changeNames enum.Names = "unknown worse vanished changed better new"

// String returns the kind in lower case.
func (k ChangeKind) String() string { return changeNames.Text(uint8(k)) }

// MarshalText implements encoding.TextMarshaler.
func (k ChangeKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *ChangeKind) UnmarshalText(b []byte) error {
	v, err := changeNames.Parse("kind of change", b)
	*k = ChangeKind(v)
	return err
}

// Unjudged is a scenario on an engine that could not be compared.
type Unjudged struct {
	Scenario string `json:"scenario"`
	Engine   string `json:"engine"`
	Text     string `json:"text"` // why, and what to do
}

// Count returns the number of changes of a kind.
func (c Comparison) Count(k ChangeKind) (n int) {
	for _, change := range c.Changes {
		if change.Kind == k {
			n++
		}
	}
	return n
}

// Exit returns the exit code of the comparison.
func (c Comparison) Exit() int {
	switch c.Status {
	case Pass:
		return ExitPass
	case Fail:
		return ExitFail
	case StatusUnknown, NotApplicable:
	}
	return ExitUnknown
}

// NullTest counts the alarms of comparisons that compare runs of one pool with other runs
// of it, so that every alarm is false.
type NullTest struct {
	Comparisons int
	Runs        int            // on each side
	Alarms      int            // comparisons with any change
	Allowed     int            // most alarms for a pass: none in virtual time, 1 % in real time
	Rows        map[string]int // how often each figure was a change
}

// Exit returns the exit code of the test.
func (n NullTest) Exit() int {
	if n.Alarms > n.Allowed {
		return ExitFail
	}
	return ExitPass
}
