package fault

import (
	"time"

	"github.com/onebar/onebar/harness"
)

// blackhole loses every packet, silently, in a direction or both ways.
func blackhole() Fault {
	return Fault{
		Action: harness.Blackhole, OnLink: true, Keys: []string{"for", "phase", "direction"}, Length: Lasting,
		Starts: AtPacket | AtRequest, Random: true, Begin: inject,
		State: func(e harness.Event) string {
			if e.Direction == harness.DirectionUnknown {
				return "blackhole"
			}
			return "blackhole " + e.Direction.String()
		},
		Loses: func(e harness.Event, d harness.Direction) harness.DropReason {
			if e.Direction == harness.DirectionUnknown || e.Direction == d {
				return harness.DropOutage
			}
			return harness.DropNone
		},
		Sweep: func(s Spans) []Swept {
			var list []Swept
			for _, d := range []time.Duration{s.Short, s.Long} {
				list = append(list, Swept{"blackhole " + span(d), harness.Event{Action: harness.Blackhole, For: d}, AnyPacket | AnyRequest})
			}
			return list
		},
	}
}
