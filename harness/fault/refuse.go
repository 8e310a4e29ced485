package fault

import "github.com/onebar/onebar/harness"

// refuse refuses every new connection. A sweep does it where one is opened.
func refuse() Fault {
	return Fault{
		Action: harness.Refuse, OnLink: true, Keys: append(ofWallets(), "for", "phase"), Length: Lasting,
		Starts: AtPacket | AtRequest, Random: true, Begin: inject, Needs: chooses,
		Sweep: func(s Spans) []Swept {
			return []Swept{{"refuse " + span(s.Short), harness.Event{Action: harness.Refuse, For: s.Short}, Opening}}
		},
	}
}
