package fault

import (
	"context"
	"fmt"

	"github.com/onebar/onebar/harness"
)

// inject has the network do what an event says. What it hits is what the network
// counts, see harness.Network.
func inject(s *Scene, e harness.Event) (End, error) {
	end, err := s.inject(harness.Fault{Action: e.Action, Direction: e.Direction, Toxic: e.Toxic, NewAddress: e.NewAddress, Link: e.On})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.Action, err)
	}
	return func(context.Context) (int64, error) { return end(), nil }, nil
}

// inject begins a fault of the network on what the event acts on: on all that the fault
// names, or for each wallet chosen on its access link, or on its phone if it names a side.
func (s *Scene) inject(f harness.Fault) (end func() int64, err error) {
	if s.Chosen == nil {
		return s.Network.Inject(f)
	}
	var ends []func() int64
	end = func() (hits int64) {
		for _, one := range ends {
			hits += one()
		}
		return hits
	}
	for _, i := range s.Chosen {
		if f.Side != harness.SideUnknown {
			f.Side = phone(i)
		} else {
			f.Link = harness.ClientName(i)
		}
		one, err := s.Network.Inject(f)
		if err != nil {
			end()
			return nil, err
		}
		ends = append(ends, one)
	}
	return end, nil
}

// ofWallets are the keys that choose the wallets that an event acts on.
func ofWallets() []string { return []string{"wallet", "wallets"} }

// chooses is what the engine must be able to do for an event on access links.
func chooses(e harness.Event) harness.Abilities {
	if e.Some() {
		return harness.ChooseClients
	}
	return 0
}

// one is the side of an event, or that of one phone if it acts on some.
func one(e harness.Event) harness.Side {
	if e.Some() && e.Side == harness.Client {
		return phone(0)
	}
	return e.Side
}
