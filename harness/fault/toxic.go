package fault

import (
	"errors"

	"github.com/onebar/onebar/harness"
)

// toxic is a stream fault of toxiproxy, on new connections.
func toxic() Fault {
	return Fault{
		Action: harness.StreamToxic, OnLink: true, Keys: []string{"for", "phase"}, Length: Lasting,
		Starts: AtPacket | AtRequest, Random: true, Begin: inject,
		Needs: func(e harness.Event) harness.Abilities {
			if e.On != "" {
				return harness.PutToxics | harness.PutToxicsOnLinks
			}
			return harness.PutToxics
		},
		Check: func(e harness.Event) error {
			if e.Toxic == nil {
				return errors.New("it names no toxic")
			}
			return e.Toxic.Check()
		},
		Name: func(e harness.Event) string {
			if e.Toxic == nil {
				return "toxic"
			}
			return "toxic " + e.Toxic.Type
		},
		State: func(e harness.Event) string { return e.Toxic.Type },
	}
}
