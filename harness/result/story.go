package result

import "time"

// Story is what happened to one payment, or to one account, of a run that fails: the
// lines in the order of time.
type Story struct {
	Payment string      `json:"payment,omitempty"` // Payment.ID; empty for an account
	Account string      `json:"account,omitempty"` // its name; empty for a payment
	Checks  []string    `json:"checks"`            // that fail because of it
	Lines   []StoryLine `json:"lines"`
}

// StoryLine is one event of a Story.
type StoryLine struct {
	At   time.Duration `json:"at"`   // from offset 0
	Text string        `json:"text"` // one line
}

// Subject names what the story is about: the payment, or "account" and its name.
func (s Story) Subject() string {
	if s.Account != "" {
		return "account " + s.Account
	}
	return s.Payment
}
