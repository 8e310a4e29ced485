package radio

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
)

// What a payment's marginal joules take does not grow with the trace, also on a
// phone whose radio never rests and with packets of a payment far apart.
func TestMarginalIsLocal(t *testing.T) {
	for _, m := range Bundled() {
		t.Run(m.Name, func(t *testing.T) {
			const payments, each = 2000, 4
			packets := make([]Packet, 0, payments*each)
			for i := range payments * each {
				payment := i/each + 1
				if i%each == 0 { // the first packet of each payment belongs to one long past
					payment = max(1, payment-100)
				}
				packets = append(packets, Packet{
					At: time.Duration(i) * 170 * time.Millisecond, Size: 40 + i%7*90,
					Direction: harness.Up + harness.Direction(i%2), Payment: payment,
				})
			}
			a := &account{model: m, packets: packets, runner: *NewMachine(m, nil)}
			_, costs := a.run()
			require.Len(t, costs, payments)
			require.Less(t, a.steps, 3*stride*payments)
		})
	}
}
