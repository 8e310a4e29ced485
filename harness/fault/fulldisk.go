package fault

import "github.com/onebar/onebar/harness"

// fullDisk leaves no room on the disks of Event.Side: a write that makes a file larger is
// refused, and other writes are not. It hits the writes that it refuses.
func fullDisk() Fault {
	return diskFault(Fault{
		Action: harness.FullDisk, Keys: []string{"for", "phase"}, Sweep: func(s Spans) []Swept {
			return sweepDisks(harness.Event{Action: harness.FullDisk, For: s.Short}, span(s.Short))
		},
	}, func(harness.Event) harness.DiskFault { return harness.DiskFault{Full: true} })
}
