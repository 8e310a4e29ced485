package result

import "github.com/onebar/onebar/harness/enum"

// Status is how a check, a threshold or a run came out.
type Status uint8

// The statuses.
const (
	StatusUnknown Status = iota // it could not be judged; never a pass
	Pass
	Fail
	NotApplicable // of a check only: the subject does not offer what the check needs; it is shown, and does not fail the run
)

const statusNames enum.Names = "unknown pass fail n/a"

// String returns "unknown", "pass", "fail" or "n/a".
func (s Status) String() string { return statusNames.Text(uint8(s)) }

// MarshalText implements encoding.TextMarshaler.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Status) UnmarshalText(b []byte) error {
	v, err := statusNames.Parse("status", b)
	*s = Status(v)
	return err
}

// Worse returns the worse of two statuses: fail, then unknown, then pass, then
// n/a.
func (s Status) Worse(t Status) Status {
	rank := func(s Status) int { return map[Status]int{NotApplicable: 0, Pass: 1, StatusUnknown: 2, Fail: 3}[s] }
	if rank(t) > rank(s) {
		return t
	}
	return s
}

// Exit codes of the program. Worst wins: an experiment that could not be
// carried out says more than any verdict of another.
const (
	ExitPass        = 0
	ExitFail        = 1   // a check or a threshold failed
	ExitBroken      = 2   // the experiment could not be carried out
	ExitUnknown     = 3   // it was, but could not be judged
	ExitInterrupted = 130 // stopped by a signal
)

// Verdict is what one check says of a history.
type Verdict struct {
	Check    string    `json:"check"` // such as "lost", "duplicated"
	Status   Status    `json:"status"`
	Weak     bool      `json:"weak,omitempty"`     // the check is about the experiment, not about the subject: it never fails
	Summary  string    `json:"summary"`            // one line for people, also when it passed
	Count    int       `json:"count,omitempty"`    // how many findings there are in all
	Findings []Finding `json:"findings,omitempty"` // the first MaxFindings of them
}

// Worse returns the worse of two verdicts, by their statuses, and v of two that are equal. A nil
// verdict is none: the other one is returned.
func (v *Verdict) Worse(other *Verdict) *Verdict {
	if v == nil || other != nil && v.Status.Worse(other.Status) != v.Status {
		return other
	}
	return v
}

// NotRun is the Check of the only verdict of a run that was not made: nothing is known of it.
const NotRun = "not_run"

// MaxFindings is how many findings a verdict keeps as evidence.
const MaxFindings = 20

// Finding is one piece of evidence.
type Finding struct {
	Text    string `json:"text"`              // what is wrong, naming the payment
	Payment string `json:"payment,omitempty"` // Payment.ID
	Order   string `json:"order,omitempty"`
	Account string `json:"account,omitempty"` // of the ledger, if the evidence is about one
	Lines   []int  `json:"lines,omitempty"`   // lines of the history that show it
}
