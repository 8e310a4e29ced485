package fault

import "github.com/onebar/onebar/harness"

// rebind has the NAT forget its flows, and with Event.NewAddress the client get a
// new address.
func rebind() Fault {
	return Fault{
		Action: harness.Rebind, Keys: ofWallets(), Length: AtOnce, Ends: "a rebind is over at once",
		Starts: AtPacket | AtRequest, Random: true, Begin: inject,
		Needs: func(e harness.Event) harness.Abilities { return harness.RebindClients | chooses(e) },
		Sweep: func(Spans) []Swept {
			return []Swept{{"rebind", harness.Event{Action: harness.Rebind}, AnyPacket}}
		},
	}
}
