package httpapi

import (
	"fmt"
	"strings"

	"github.com/onebar/onebar/harness/exchange"
)

// Notes implements harness.Noter: it says how many answers no rule matched. If there are
// any, it says which rules matched no answer.
func (c *Client) Notes() []string {
	if c.plan == nil {
		return nil
	}
	var notes []string
	for _, r := range []struct {
		what, from string
		rules      *exchange.Rules
	}{
		{"outcomes", "answers", c.plan.Outcomes},
		{"poll.outcomes", "answers to a poll", c.plan.Polled},
		{"callback.outcomes", "callbacks", c.plan.Called},
	} {
		if r.rules == nil {
			continue
		}
		n, first := r.rules.Unmatched()
		if n == 0 {
			continue
		}
		notes = append(notes, fmt.Sprintf("%d %s matched no rule of %s and count as unknown, the first of them %s", n, r.from, r.what, first))
		if idle := r.rules.Idle(); len(idle) > 0 {
			notes = append(notes, fmt.Sprintf("of %s never matched: %s", r.what, strings.Join(idle, ", ")))
		}
	}
	return notes
}
