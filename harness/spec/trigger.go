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
	switch {
	case w.Packet.given() == w.Commit.given():
		t.errorf(w.place, "when needs a packet or a commit, one of them")
		return nil
	case w.Packet.given():
		return t.packet(e)
	case kind != "crash":
		t.errorf(w.place, "only a crash begins at a commit; give when a packet")
	}
	for _, k := range []struct {
		place
		name string
	}{{w.Wallet.place, "wallet"}, {w.Direction.place, "direction"}} {
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
	if w.Wallet.ok && t.wallets > 0 && w.Wallet.n >= t.wallets {
		t.errorf(w.Wallet.place, "there is no wallet %d; the workload has %d, from 0", w.Wallet.n, t.wallets)
	}
	direction := map[string]harness.Direction{"up": harness.Up, "down": harness.Down}[w.Direction.s]
	return &harness.Trigger{Packet: w.Packet.n, Client: int(w.Wallet.n), Direction: direction}
}
