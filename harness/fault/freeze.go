package fault

import (
	"context"
	"fmt"

	"github.com/onebar/onebar/harness"
)

// freeze stops a side where it stands until it ends. It hits something if a payment
// is under way when it begins or ends. A sweep freezes a side for longer than a
// client waits: what it answers then comes late.
func freeze() Fault {
	return Fault{
		Action: harness.Freeze, Keys: append(ofWallets(), "for", "phase"), Length: Lasting,
		Starts: AtPacket | AtRequest, Random: true, OnSide: true, Stops: true, Begin: beginFreeze,
		Needs: func(e harness.Event) harness.Abilities { return harness.FreezeOf(one(e)) },
		Name:  func(e harness.Event) string { return "freeze of the " + e.Side.String() },
		State: func(e harness.Event) string { return e.Side.String() + " frozen" },
		Sweep: func(s Spans) []Swept {
			var list []Swept
			for _, side := range sides() {
				e := harness.Event{Action: harness.Freeze, Side: side, For: s.Long}
				list = append(list, Swept{"freeze " + side.String() + " " + span(s.Long), e, AnyPacket | AnyRequest})
			}
			return list
		},
	}
}

func beginFreeze(s *Scene, e harness.Event) (End, error) {
	freezer, ok := s.Subject.(harness.Freezer)
	if !ok {
		return nil, fmt.Errorf("freeze the %s: this subject has no way to", e.Side)
	}
	for _, side := range s.own(e) {
		if err := freezer.Freeze(side); err != nil {
			return nil, fmt.Errorf("freeze the %s: %w", side, err)
		}
	}
	hits := s.Open()
	return func(context.Context) (int64, error) {
		hits = max(hits, s.Open())
		for _, side := range s.machines(e) { // what another one keeps frozen is left
			if err := freezer.Thaw(side); err != nil {
				return int64(hits), fmt.Errorf("let the %s go on: %w", side, err)
			}
		}
		return int64(hits), nil
	}, nil
}
