package spec

import (
	"reflect"
	"slices"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/fault"
)

// trigger makes the trigger of an event that does f to a side, and reports what does
// not go with it.
func (t timeline) trigger(e *event, f fault.Fault, side harness.Side) *harness.Trigger {
	w := &e.When
	t.bar(e, "when: the event begins when that has come", "at", "every", "jitter")
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
	t.bar(w, "a commit", barred()["commit"]...)
	return &harness.Trigger{Commit: w.Commit.n, Side: side, After: w.After.ok}
}

func (t timeline) packet(e *event) *harness.Trigger {
	w := &e.When
	if !w.Direction.given() {
		t.errorf(w.place, "when needs the direction of its packet: up or down")
	}
	t.bar(w, "a packet", barred()["packet"]...)
	if w.Wallet.ok && t.wallets > 0 && w.Wallet.n >= t.wallets {
		t.errorf(w.Wallet.place, "there is no wallet %d; the workload has %d, from 0", w.Wallet.n, t.wallets)
	}
	return &harness.Trigger{Packet: w.Packet.n, Client: int(w.Wallet.n), Direction: directions()[w.Direction.s]}
}

func (t timeline) request(e *event, f fault.Fault) *harness.Trigger {
	w := &e.When
	t.bar(w, "a request", barred()["request"]...)
	if f.Starts != 0 && f.Starts&fault.AtRequest == 0 {
		t.errorf(w.place, "a request is not one packet; give %s when a packet", f.Action)
	}
	got := &harness.Trigger{Request: w.Request.n, Wait: w.Wait.d}
	if w.Moment.ok {
		must(got.Moment.UnmarshalText([]byte(w.Moment.s)))
	}
	return got
}

// barred returns the keys of a trigger that do not go with what it begins at.
func barred() map[string][]string {
	return map[string][]string{
		"packet": {"after", "moment", "wait"}, "request": {"wallet", "direction", "after"},
		"commit": {"wallet", "direction", "moment", "wait"},
	}
}

// bar reports those of the keys of the struct v points to that were given, and do
// not go with something.
func (d *decoder) bar(v any, with string, keys ...string) {
	s := reflect.ValueOf(v).Elem()
	for _, k := range keysOf(s.Type()) {
		if slices.Contains(keys, k.name) && isGiven(s.Field(k.index)) {
			d.errorf(placeIn(s.Field(k.index)), "%s does not go with %s", k.name, with)
		}
	}
}

func placeIn(v reflect.Value) place {
	return v.Addr().Interface().(interface{ where() place }).where()
}
