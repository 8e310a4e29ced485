package fault

import (
	"context"
	"fmt"
	"time"

	"github.com/onebar/onebar/harness"
)

// sweptDelay is how much longer a sweep makes commits: longer than clients wait for an
// answer, so that they ask again meanwhile, and not as long as a payment may take.
const sweptDelay = 20 * time.Second

// slowDisk makes each durable commit of Event.Side take Event.By longer. It hits the syncs
// that it delays.
func slowDisk() Fault {
	return diskFault(Fault{
		Action: harness.SlowDisk, Keys: []string{"for", "phase", "by"}, Sweep: func(s Spans) []Swept {
			return sweepDisks(harness.Event{Action: harness.SlowDisk, For: s.Long, By: sweptDelay}, span(sweptDelay))
		},
	}, func(e harness.Event) harness.DiskFault { return harness.DiskFault{Slow: e.By} })
}

// diskFault completes a fault of the disks of a side.
func diskFault(f Fault, of func(harness.Event) harness.DiskFault) Fault {
	word := f.Action.String()
	f.Length, f.Starts, f.Random, f.OnSide, f.Alone = Lasting, AtPacket|AtRequest, true, true, true
	f.Needs = func(harness.Event) harness.Abilities { return harness.FaultDisks }
	f.Name = func(e harness.Event) string { return word + " of the " + e.Side.String() }
	f.State = func(e harness.Event) string { return e.Side.String() + " " + word }
	f.Begin = func(s *Scene, e harness.Event) (End, error) {
		d, ok := s.Subject.(harness.DiskFaulter)
		if !ok {
			return nil, fmt.Errorf("%s of the %s: this subject has no way to", word, e.Side)
		}
		end := d.FaultDisks(e.Side, of(e))
		return func(context.Context) (int64, error) { return end(), nil }, nil
	}
	return f
}

// sweepDisks does an event to each side.
func sweepDisks(e harness.Event, lasts string) []Swept {
	var list []Swept
	for _, side := range sides() {
		e.Side = side
		list = append(list, Swept{fmt.Sprintf("%s %s %s", e.Action, side, lasts), e, AnyPacket})
	}
	return list
}
