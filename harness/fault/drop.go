package fault

import (
	"context"

	"github.com/onebar/onebar/harness"
)

// drop loses the packet that it begins at, which is its only hit.
func drop() Fault {
	return Fault{
		Action: harness.Drop, OnLink: true, Length: AtOnce, Ends: "a packet is lost at once", Starts: AtPacket,
		Loses: func(harness.Event, harness.Direction) harness.DropReason { return harness.DropCut },
		Begin: func(*Scene, harness.Event) (End, error) {
			return func(context.Context) (int64, error) { return 0, nil }, nil // the trigger has lost it
		},
		Sweep: func(Spans) []Swept {
			return []Swept{{"drop", harness.Event{Action: harness.Drop}, Arriving}}
		},
	}
}
