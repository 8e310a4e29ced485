package fault

import "github.com/onebar/onebar/harness"

// crossTraffic is a bulk transfer beside the payments, on every link.
func crossTraffic() Fault {
	return Fault{
		Action: harness.CrossTraffic, OnLink: true, Keys: []string{"for", "phase"}, Length: Lasting,
		Starts: AtPacket | AtRequest, Random: true, Begin: inject,
		Needs: func(harness.Event) harness.Abilities { return harness.SendCrossTraffic },
		State: func(harness.Event) string { return "cross traffic" },
	}
}
