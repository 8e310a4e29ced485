package spec

import (
	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/fault"
)

// trigger makes the trigger of an event that does f to a side, and reports what does
// not go with it.
func (t timeline) trigger(e *event, f fault.Fault, side harness.Side) *harness.Trigger {
	w := &e.When
	for _, k := range []struct {
		place
		name string
	}{{e.At.place, "at"}, {e.Every.place, "every"}, {e.Jitter.place, "jitter"}} {
		if k.given() {
			t.errorf(k.place, "%s does not go with when: the event begins when that has come", k.name)
		}
	}
	given := 0
	for _, k := range []count{w.Packet, w.Commit, w.Request} {
		if k.given() {
			given++
		}
	}
	switch {
	case given != 1:
		t.errorf(w.place, "when needs a packet, a commit or a request, one of them")
		return nil
	case w.Packet.given():
		return t.packet(e)
	case w.Request.given():
		return t.request(e, f)
	case f.Starts&fault.AtCommit == 0:
		t.errorf(w.place, "only a crash begins at a commit; give when a packet")
	}
	for _, k := range []struct {
		place
		name string
	}{{w.Wallet.place, "wallet"}, {w.Direction.place, "direction"}, {w.Moment.place, "moment"}, {w.Wait.place, "wait"}} {
		if k.given() {
			t.errorf(k.place, "%s does not go with a commit", k.name)
		}
	}
	return &harness.Trigger{Commit: w.Commit.n, Side: side, After: w.After.ok}
}

func (t timeline) packet(e *event) *harness.Trigger {
	w := &e.When
	if !w.Direction.given() {
		t.errorf(w.place, "when needs the direction of its packet: up or down")
	}
	if w.After.given() {
		t.errorf(w.After.place, "after does not go with a packet")
	}
	if w.Moment.given() {
		t.errorf(w.Moment.place, "moment does not go with a packet")
	}
	if w.Wait.given() {
		t.errorf(w.Wait.place, "wait does not go with a packet")
	}
	if w.Wallet.ok && t.wallets > 0 && w.Wallet.n >= t.wallets {
		t.errorf(w.Wallet.place, "there is no wallet %d; the workload has %d, from 0", w.Wallet.n, t.wallets)
	}
	return &harness.Trigger{Packet: w.Packet.n, Client: int(w.Wallet.n), Direction: directions()[w.Direction.s]}
}

func (t timeline) request(e *event, f fault.Fault) *harness.Trigger {
	w := &e.When
	for _, k := range []struct {
		place
		name string
	}{{w.Wallet.place, "wallet"}, {w.Direction.place, "direction"}, {w.After.place, "after"}} {
		if k.given() {
			t.errorf(k.place, "%s does not go with a request", k.name)
		}
	}
	if f.Starts != 0 && f.Starts&fault.AtRequest == 0 {
		t.errorf(w.place, "a request is not one packet; give %s when a packet", f.Action)
	}
	got := &harness.Trigger{Request: w.Request.n, Wait: w.Wait.d}
	if w.Moment.ok {
		must(got.Moment.UnmarshalText([]byte(w.Moment.s)))
	}
	return got
}
