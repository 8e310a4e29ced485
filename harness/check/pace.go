package check

import (
	"fmt"
	"time"

	"github.com/onebar/onebar/harness"
)

// pace is what the scenario and the server ask of the attempts of a payment. Not counted
// to its attempts are the status queries of a scenario with poll, an attempt that the
// server has asked for by a Retry-After and that begins after it, and one that follows
// the first HTTP 425 (Too Early, RFC 8470: the client is to attempt again, without early
// data).
type pace struct {
	polls, asked int32

	hasty        int32         // line of the first attempt that began before its time
	said, waited time.Duration // the Retry-After before it, and how long the client waited

	before [2]stated // by the latest attempt, and by the latest status query
}

// stated is what the answer to an attempt asked for.
type stated struct {
	again bool
	early bool // by 425, and so did the answer before it
	after time.Duration
	at    time.Duration // offset of the answer
}

// String is what the report adds about payments, each number the most of one of them.
func (s pace) String() string {
	text := ""
	if s.asked > 0 {
		text += fmt.Sprintf("; at most %d more that the server asked for", s.asked)
	}
	if s.polls > 0 {
		text += fmt.Sprintf("; at most %d status queries that the scenario asks for", s.polls)
	}
	return text
}

// paced reports whether an attempt, which ended at an offset, is not to be counted.
func (j *Judge) paced(a *harness.Attempt, at time.Duration, line int32) bool {
	polled := a.Status && j.polls()
	s := j.paces[a.Payment]
	if s == nil && !polled && !a.AsksAgain() {
		return false
	}
	if s == nil {
		s = &pace{}
		if j.paces == nil {
			j.paces = map[string]*pace{}
		}
		j.paces[a.Payment] = s
	}
	before := &s.before[0]
	if a.Status {
		before = &s.before[1]
	}
	waited := at - a.Took - before.at
	hasty := before.after > 0 && waited < before.after-before.after/tolerance
	asked := before.again && !before.early && !hasty
	if hasty && s.hasty == 0 {
		s.hasty, s.said, s.waited = line, before.after, waited
	}
	again := a.AsksAgain()
	*before = stated{again: again, early: again && a.After == 0 && before.again && before.after == 0, after: a.After, at: at}
	switch {
	case polled:
		s.polls++
	case asked:
		s.asked++
	}
	return polled || asked
}

// tolerance is the part of a Retry-After by which an attempt may come too early: clients
// round it, and their clocks differ.
const tolerance = 10

func (j *Judge) polls() bool {
	return j.header != nil && j.header.Scenario.Subject.Client != nil && j.header.Scenario.Subject.Client.HTTP != nil &&
		j.header.Scenario.Subject.Client.HTTP.Poll != nil
}

// pollLimit returns the most status queries of a payment that the scenario allows; 0 is
// any number.
func (j *Judge) pollLimit() int {
	if !j.polls() {
		return 0
	}
	return j.header.Scenario.Subject.Client.HTTP.Poll.Limit
}
