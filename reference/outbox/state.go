package outbox

import "fmt"

// State is what a payment has come to, as the user is told.
type State uint8

// The states.
const (
	Unknown   State = iota // it left this phone and no answer came yet that can be trusted: it may have happened or not
	Queued                 // durable on this phone; nothing of it has left
	Sent                   // about to leave, or under way; no try has failed yet
	Confirmed              // final: the bank has booked it, and its receipt is stored
	Declined               // final: the bank has refused it; nothing has moved and nothing will
	Expired                // final: it was too late; nothing has moved and nothing will
)

// String returns the name of the state in lower case.
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

// Final reports whether the state never changes again.
func (s State) Final() bool { return s == Confirmed || s == Declined || s == Expired }

// Follows reports whether a payment in state s may go to state t. A payment
// that has left the phone never goes back to queued, and no final state
// changes.
func (s State) Follows(t State) bool {
	switch s {
	case Queued:
		return t == Sent || t == Expired
	case Sent:
		return t == Unknown || t.Final()
	case Unknown:
		return t.Final()
	case Confirmed, Declined, Expired:
		return false
	}
	return false
}
