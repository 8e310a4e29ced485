package fault

import (
	"context"
	"errors"
	"fmt"

	"github.com/onebar/onebar/harness"
)

// clock makes the wall clock of a side wrong: by Event.By, and by Event.Drift more in each
// hour. Its timers stay right. Of several in force on a side the latest counts. It hits the
// payments that are under way meanwhile.
func clock() Fault {
	return Fault{
		Action: harness.Clock, Keys: []string{"for", "phase", "by", "drift"}, Length: Lasting,
		Starts: AtPacket | AtRequest, OnSide: true, Random: true, Begin: beginClock,
		Needs: func(e harness.Event) harness.Abilities { return harness.ClockOf(e.Side) },
		Check: func(e harness.Event) error {
			if e.By == 0 && e.Drift == 0 {
				return errors.New("the clock is not changed: give it by or drift")
			}
			return nil
		},
		Name:  func(e harness.Event) string { return "clock of the " + e.Side.String() },
		State: func(e harness.Event) string { return e.Side.String() + " clock wrong" },
	}
}

func beginClock(s *Scene, e harness.Event) (End, error) {
	clocks, ok := s.Subject.(harness.Clocker)
	if !ok {
		return nil, fmt.Errorf("change the clock of the %s: this subject has no way to", e.Side)
	}
	open, pressed := s.Open(), s.Pressed()
	clocks.SetClock(e.Side, harness.Skew{By: e.By, Drift: e.Drift})
	return func(context.Context) (int64, error) {
		var now harness.Skew
		for _, other := range s.InForce() {
			if other.Action == harness.Clock && other.Side == e.Side {
				now = harness.Skew{By: other.By, Drift: other.Drift}
			}
		}
		clocks.SetClock(e.Side, now)
		return int64(open + s.Pressed() - pressed), nil
	}, nil
}
