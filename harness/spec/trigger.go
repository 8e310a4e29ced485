package spec

import (
	"reflect"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/fault"
)

// trigger reports what does not go with the moment at which an event does f, and
// completes it.
func (d *decoder) trigger(v *trigger, f fault.Fault, got *harness.Event) {
	if !v.Request.given() {
		got.When.Moment = harness.MomentUnknown
	}
	switch {
	case v.Packet.given():
		if v.Wallet.ok && d.wallets > 0 && v.Wallet.n >= d.wallets {
			d.errorf(v.Wallet.place, "there is no wallet %d; the workload has %d, from 0", v.Wallet.n, d.wallets)
		}
	case v.Request.given():
		if f.Starts != 0 && f.Starts&fault.AtRequest == 0 {
			d.errorf(v.place, "a request is not one packet; give %s when a packet", f.Action)
		}
	case v.Commit.given():
		got.When.Side = got.Side
		if f.Starts&fault.AtCommit == 0 {
			d.errorf(v.place, "only a crash begins at a commit; give when a packet")
		}
	}
}

func placeIn(v reflect.Value) place {
	return v.Addr().Interface().(interface{ where() place }).where()
}
