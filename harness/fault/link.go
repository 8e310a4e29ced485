package fault

import "github.com/onebar/onebar/harness"

// link replaces the profile of every link. The player of a timeline does it: the
// latest change in force counts.
func link() Fault {
	return Fault{
		Action: harness.SetLink, OnLink: true, Keys: append(ofWallets(), "for", "phase"), Length: Lasting,
		Starts: AtPacket | AtRequest, Random: true,
		Needs: func(e harness.Event) harness.Abilities {
			if e.Link != nil && e.Link.NeedsPackets("") != nil {
				return harness.CarryPackets | chooses(e)
			}
			return chooses(e)
		},
		State: func(harness.Event) string { return "" }, // the profile's name says it
	}
}

// heal ends every other fault. The player of a timeline does it.
func heal() Fault {
	return Fault{
		Action: harness.Heal, Length: AtOnce, Ends: "a heal is over at once", Starts: AtPacket | AtRequest,
	}
}
