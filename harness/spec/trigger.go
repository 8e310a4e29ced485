package spec

import "github.com/onebar/onebar/harness"

// trigger makes the trigger of an event, and reports what does not go with it.
func (t timeline) trigger(e *event, kind string) *harness.Trigger {
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
		return t.request(e, kind)
	case kind != "crash":
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
	side := map[string]harness.Side{"server": harness.Server, "client": harness.Client}[e.Crash.s]
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
	direction := map[string]harness.Direction{"up": harness.Up, "down": harness.Down}[w.Direction.s]
	return &harness.Trigger{Packet: w.Packet.n, Client: int(w.Wallet.n), Direction: direction}
}

func (t timeline) request(e *event, kind string) *harness.Trigger {
	w := &e.When
	for _, k := range []struct {
		place
		name string
	}{{w.Wallet.place, "wallet"}, {w.Direction.place, "direction"}, {w.After.place, "after"}} {
		if k.given() {
			t.errorf(k.place, "%s does not go with a request", k.name)
		}
	}
	if kind == "drop" {
		t.errorf(w.place, "a request is not one packet; give drop when a packet")
	}
	got := &harness.Trigger{Request: w.Request.n, Wait: w.Wait.d}
	must(got.Moment.UnmarshalText([]byte(w.Moment.s)))
	return got
}
