package fault

import "github.com/onebar/onebar/harness"

// reset ends every open connection with a TCP reset.
func reset() Fault {
	return Fault{
		Action: harness.Reset, OnLink: true, Keys: ofWallets(), Length: AtOnce, Ends: "a reset is over at once",
		Starts: AtPacket | AtRequest, Random: true, Begin: inject, Needs: chooses,
		Sweep: func(Spans) []Swept {
			return []Swept{{"reset", harness.Event{Action: harness.Reset}, AnyPacket | AnyRequest}}
		},
	}
}
