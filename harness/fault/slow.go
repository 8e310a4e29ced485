package fault

import (
	"context"
	"errors"
	"time"

	"github.com/onebar/onebar/harness"
)

// slow delays every answer of the server by Event.By, after its commit. Of several
// in force the latest counts. It hits the answers that it delays.
func slow() Fault {
	return Fault{
		Action: harness.Slow, Keys: []string{"for", "phase", "by"}, Length: Lasting,
		Starts: AtPacket | AtRequest, Random: true, Begin: beginSlow,
		Needs: func(harness.Event) harness.Abilities { return harness.SlowServer },
	}
}

func beginSlow(s *Scene, e harness.Event) (End, error) {
	slower, ok := s.Subject.(harness.Slower)
	if !ok {
		return nil, errors.New("slow the server: this subject has no way to")
	}
	hits := slower.SlowAnswers(e.By)
	return func(context.Context) (int64, error) {
		by := time.Duration(0)
		for _, other := range s.InForce() {
			if other.Action == harness.Slow {
				by = other.By
			}
		}
		slower.SlowAnswers(by)
		return hits(), nil
	}, nil
}
