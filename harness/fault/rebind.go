package fault

import "github.com/onebar/onebar/harness"

// rebind has the NAT forget its flows, and with Event.NewAddress the client get a
// new address.
func rebind() Fault {
	return Fault{
		Action: harness.Rebind, Length: AtOnce, Ends: "a rebind is over at once",
		Starts: AtPacket | AtRequest, Random: true, Begin: inject,
		Needs: func(harness.Event) harness.Abilities { return harness.RebindClients },
		Sweep: func(Spans) []Swept {
			return []Swept{{"rebind", harness.Event{Action: harness.Rebind}, AnyPacket}}
		},
	}
}
