package outbox

import (
	"fmt"
	"slices"
	"strings"
)

// State is the state of a payment, as the user is told.
type State uint8

// The states.
const (
	Unknown   State = iota // it left this phone and no valid answer has come: it may have been made or not
	Queued                 // durable on this phone; nothing of it was sent
	Sent                   // about to be sent, or under way; no attempt has failed yet
	Confirmed              // final: the bank has booked it, and its receipt is stored
	Declined               // final: the bank has refused it; no money has moved or will move
	Expired                // final: it was too late; no money has moved or will move
)

// states returns all states.
func states() []State { return []State{Unknown, Queued, Sent, Confirmed, Declined, Expired} }

// transitions returns all allowed changes of state. The triggers of the tables are made
// from them.
func transitions() [9][2]State {
	return [...][2]State{
		{Queued, Sent},
		{Queued, Expired},
		{Sent, Unknown},
		{Sent, Confirmed},
		{Sent, Declined},
		{Sent, Expired},
		{Unknown, Confirmed},
		{Unknown, Declined},
		{Unknown, Expired},
	}
}

// String returns the name of the state in lower case, which is also what is
// stored.
func (s State) String() string {
	switch s {
	case Unknown:
		return "unknown"
	case Queued:
		return "queued"
	case Sent:
		return "sent"
	case Confirmed:
		return "confirmed"
	case Declined:
		return "declined"
	case Expired:
		return "expired"
	}
	return fmt.Sprintf("unknown(%d)", uint8(s))
}

// parseState is the reverse of State.String.
func parseState(name string) (State, error) {
	for _, s := range states() {
		if s.String() == name {
			return s, nil
		}
	}
	return Unknown, fmt.Errorf("%.40q is no state of a payment", name)
}

// Final reports whether the state never changes again.
func (s State) Final() bool { return s == Confirmed || s.Refused() }

// Refused reports whether the payment will never be made, so that its order may be paid
// again.
func (s State) Refused() bool { return s == Declined || s == Expired }

// Follows reports whether a payment in state s may go to state t. A payment
// that has left the phone never goes back to queued, and no final state
// changes.
func (s State) Follows(t State) bool {
	all := transitions()
	return slices.Contains(all[:], [2]State{s, t})
}

// step numbers the states so that every transition goes up.
func (s State) step() int64 {
	switch s {
	case Queued:
		return 0
	case Sent:
		return 1
	case Unknown:
		return 2
	case Confirmed, Declined, Expired:
		return 3
	}
	return 0
}

// sqlStates returns the condition that the column state is one of the chosen states. SQLite
// answers a query from a partial index if both have the same condition. (For a longer IN
// it makes a temporary table at each use.)
func sqlStates(chosen func(State) bool) string {
	var names []string
	for _, s := range states() {
		if chosen(s) {
			names = append(names, "state = '"+s.String()+"'")
		}
	}
	return "(" + strings.Join(names, " OR ") + ")"
}

// The conditions of the queue.
func sqlAny() string        { return sqlStates(func(State) bool { return true }) }
func sqlNotRefused() string { return sqlStates(func(s State) bool { return !s.Refused() }) }
func sqlUnfinished() string { return sqlStates(func(s State) bool { return !s.Final() }) }

// sqlFollows returns the condition, for a trigger, that a change of state is one of the
// transitions.
func sqlFollows() string {
	var pairs []string
	for _, t := range transitions() {
		pairs = append(pairs, fmt.Sprintf("old.state = '%v' AND new.state = '%v'", t[0], t[1]))
	}
	return strings.Join(pairs, " OR ")
}
