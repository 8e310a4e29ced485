package fault

import "github.com/onebar/onebar/harness"

// diskError makes the next sync on a disk of Event.Side fail while it lasts, once. What was
// to be made durable may be durable or not until a later sync. It hits the sync that fails.
func diskError() Fault {
	return diskFault(Fault{
		Action: harness.DiskError, Keys: []string{"for", "phase"}, Sweep: func(s Spans) []Swept {
			return sweepDisks(harness.Event{Action: harness.DiskError, For: s.Short}, span(s.Short))
		},
	}, func(harness.Event) harness.DiskFault { return harness.DiskFault{Fail: true} })
}
