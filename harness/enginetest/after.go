package enginetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
)

// afters are tests of what a fault leaves when it has ended: nothing. Each compares
// a network that has had the fault with one that has not.
func afters(c Config) (list []test) {
	toxic := func(kind string, attributes map[string]int64) *harness.Toxic {
		return &harness.Toxic{Type: kind, Stream: "downstream", Attributes: attributes}
	}
	for _, x := range []struct {
		fault harness.Fault
		keeps bool // connections that were open before
	}{
		{harness.Fault{Action: harness.Blackhole}, true},
		{harness.Fault{Action: harness.Blackhole, Direction: harness.Up}, true},
		{harness.Fault{Action: harness.Blackhole, Direction: harness.Down}, true},
		{harness.Fault{Action: harness.Refuse}, true},
		{harness.Fault{Action: harness.Reset}, false},
		{harness.Fault{Action: harness.Rebind}, false},
		{harness.Fault{Action: harness.Rebind, NewAddress: true}, false},
		{harness.Fault{Action: harness.Vanish}, true},
		{harness.Fault{Action: harness.Vanish, Side: harness.Client}, false},
		{harness.Fault{Action: harness.Vanish, Side: harness.Server}, false},
		{harness.Fault{Action: harness.CrossTraffic}, true},
		{harness.Fault{Action: harness.CrossTraffic, Direction: harness.Up}, true},
		{harness.Fault{Action: harness.StreamToxic, Toxic: toxic("reset_peer", nil)}, true},
		{harness.Fault{Action: harness.StreamToxic, Toxic: toxic("limit_data", map[string]int64{"bytes": 1})}, true},
	} {
		f := x.fault
		if !c.can(f.Action) {
			continue
		}
		name := f.Action.String()
		switch {
		case f.Toxic != nil:
			name += " " + f.Toxic.Type
		case f.Side != harness.SideUnknown:
			name += " of the " + f.Side.String()
		case f.Direction != harness.DirectionUnknown:
			name += " " + f.Direction.String()
		case f.NewAddress:
			name += " with a new address"
		}
		list = append(list, test{name, func(b *bench) { leavesNothing(b, f, x.keeps) }})
	}
	return append(list, test{"a profile", profileLeavesNothing})
}

// leavesNothing has a fault come and go twice while a connection is open and one is
// tried. Then a new connection is what it is on a fresh network, and the one from
// before goes on if the fault keeps it.
func leavesNothing(b *bench, f harness.Fault, keeps bool) {
	fresh := b.fresh()
	b.open(harness.NetworkConfig{Profile: link(b.delay)})
	client, server := b.connect(0)
	lasts := b.quiet
	if !b.Virtual {
		lasts = 100 * time.Millisecond
	}
	for range 2 {
		end := b.inject(f)
		if keeps && f.Action != harness.Refuse { // something is under way
			b.NoError(writeErr(client))
			b.NoError(writeErr(server))
		}
		time.Sleep(lasts)
		end()
		if keeps && f.Action != harness.Refuse {
			b.NoError(readErr(client))
			b.NoError(readErr(server))
		}
	}
	time.Sleep(lasts) // a queue empties
	b.Equal(fresh, b.look(), "a new connection")
	if keeps {
		b.NoError(finish(client, []byte("request")))
		b.NoError(receive(server, []byte("request")))
		b.NoError(finish(server, []byte("answer")))
		b.NoError(receive(client, []byte("answer")))
	}
}

// profileLeavesNothing replaces the profile by a bad one, and back.
func profileLeavesNothing(b *bench) {
	fresh := b.fresh()
	b.open(harness.NetworkConfig{Profile: link(b.delay)})
	bad := harness.Path{Delay: 3 * b.delay, Jitter: b.delay, Rate: 100_000, Limit: 3000}
	if !b.Streams {
		bad.Loss, bad.Duplicate, bad.MTU = harness.Loss{P: 0.1}, 0.1, 700
	}
	client, server := b.connect(0)
	b.net.SetProfile(both(bad))
	data := noise(5, 5000)
	errs := make(chan error, 2)
	go func() { errs <- finish(client, data) }()
	go func() { errs <- receive(server, data) }()
	b.NoError(<-errs)
	b.NoError(<-errs)
	b.net.SetProfile(link(b.delay))
	time.Sleep(b.quiet)
	b.Equal(fresh, b.look(), "a new connection")
	b.NoError(finish(server, data))
	b.NoError(receive(client, data))
}

// fresh is what look says of a network that has had no fault.
func (b *bench) fresh() view {
	b.t.Helper()
	b.open(harness.NetworkConfig{Profile: link(b.delay)})
	seen := b.look()
	b.NoError(b.net.Close())
	return seen
}

// view is what a connection looks like to its two ends and on the link.
type view struct {
	ends    [2][]string
	packets []string
}

// look dials, holds a conversation, and says how it went. In real time a machine
// that stalls can lead TCP to other packets, so that only losses are told.
func (b *bench) look() (v view) {
	b.t.Helper()
	talk := conversation{
		"a request and its answer",
		func(e *end) { e.write(noise(7, 20_000)); e.read(20_000); e.finish(nil); e.rest(); e.hangUp() },
		func(e *end) { e.read(20_000); e.write(noise(8, 20_000)); e.rest(); e.finish(nil); e.hangUp() },
	}
	before := b.packets.len()
	begin := time.Now()
	client, server := b.connect(0)
	v.ends = talk.hold(client, server)
	b.Less(time.Since(begin), b.patience)
	if b.Virtual {
		time.Sleep(b.quiet) // for the last acknowledgement
	}
	v.packets = b.shape(before)
	return v
}

// shape describes the packets of the newest connection, told of since so many: those
// of each direction in order, in virtual time with the time of each since the first,
// in half milliseconds.
func (b *bench) shape(since int) (list []string) {
	packets := b.packets.all(func(harness.Packet) bool { return true })[since:]
	newest := 0
	for _, p := range packets {
		newest = max(newest, p.Flow)
	}
	packets = slices.DeleteFunc(packets, func(p harness.Packet) bool { return p.Flow != newest }) // others are kept alive
	if !b.Virtual {
		packets = slices.DeleteFunc(packets, func(p harness.Packet) bool { return !dropped(p) })
	}
	slices.SortStableFunc(packets, func(p, q harness.Packet) int { return int(p.At - q.At) })
	for _, p := range packets {
		list = append(list, fmt.Sprintf("%v %d bytes at %v, after %v, %v, sent again %v, copy %v, cross %v",
			p.Direction, p.Size, (p.At-packets[0].At).Round(time.Millisecond/2), p.Delay, p.Drop, p.Retransmit, p.Copy, p.Cross))
	}
	return list
}
