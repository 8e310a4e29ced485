package cases_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases/casestest"
	"github.com/onebar/onebar/harness/result"
)

// That a fault began at a packet does not mean that it did anything.
func TestTriggeredFaultsThatHitNothing(t *testing.T) {
	packet := func(n int64, d harness.Direction) *harness.Trigger { return &harness.Trigger{Packet: n, Direction: d} }
	for name, tc := range map[string]struct {
		event harness.Event
		want  result.Status
	}{
		"the connection that a SYN opens is refused": {
			harness.Event{When: packet(1, harness.Up), Action: harness.Refuse, For: time.Second}, result.Pass,
		},
		"nobody dials any more": {
			harness.Event{When: packet(4, harness.Up), Action: harness.Refuse, For: time.Second}, result.StatusUnknown,
		},
		"the packet is lost": {
			harness.Event{When: packet(3, harness.Down), Action: harness.Drop}, result.Pass,
		},
		"nothing is sent the other way": {
			harness.Event{When: packet(3, harness.Down), Action: harness.Blackhole, Direction: harness.Up, For: 50 * time.Millisecond}, result.StatusUnknown,
		},
		"the connection is reset": {
			harness.Event{When: packet(2, harness.Up), Action: harness.Reset}, result.Pass,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := casestest.OnePayment()
			c.Scenario.Length = 20 * time.Second
			c.Scenario.Timeline = []harness.Event{tc.event}
			report, err := casestest.Pair().Run(t.Context(), c)
			require.NoError(t, err)
			v := report.Result.Verdict("impairment")
			require.Equal(t, tc.want, v.Status, v.Summary)
		})
	}
}
