package fault

import (
	"context"
	"time"

	"github.com/onebar/onebar/harness"
)

// beginBlackhole counts the packets that are lost, unless nobody waited for an answer
// meanwhile: then it could have hidden none.
func beginBlackhole(s *Scene, e harness.Event) (End, error) {
	open, pressed := s.Open(), s.Pressed()
	end, err := inject(s, e)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (int64, error) {
		hits, err := end(ctx)
		if open == 0 && s.Pressed() == pressed {
			hits = 0
		}
		return hits, err
	}, nil
}

// blackhole loses every packet, silently, in a direction or both ways.
func blackhole() Fault {
	return Fault{
		Action: harness.Blackhole, OnLink: true, Keys: append(ofWallets(), "for", "phase", "direction"), Length: Lasting,
		Starts: AtPacket | AtRequest, Random: true, Begin: beginBlackhole, Needs: chooses,
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
			if d := s.Outage; d > 0 {
				list = append(list, Swept{"blackhole " + span(d), harness.Event{Action: harness.Blackhole, For: d}, AnyPacket})
			}
			return list
		},
	}
}
