package fault

import (
	"context"
	"fmt"

	"github.com/onebar/onebar/harness"
)

// inject has the network do what an event says. What it hits is what the network
// counts, see harness.Network.
func inject(s *Scene, e harness.Event) (End, error) {
	end, err := s.Network.Inject(harness.Fault{Action: e.Action, Direction: e.Direction, Toxic: e.Toxic, NewAddress: e.NewAddress, Link: e.On})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.Action, err)
	}
	return func(context.Context) (int64, error) { return end(), nil }, nil
}
