package enginetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
)

// afterFaults returns tests of what a fault leaves when it has ended: nothing. Each compares
// a network that has had the fault with one that has not.
func afterFaults(e harness.Engine) Tests {
	list := Tests{"a profile": profileLeavesNothing}
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
		if !does(e, f.Action) {
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
		list[name] = func(b *bench.B) { leavesNothing(b, f, x.keeps) }
	}
	return list
}

// leavesNothing has a fault come and go twice while a connection is open and one is
// tried. Then a new connection is what it is on a fresh network, and the one from
// before goes on if the fault keeps it.
func leavesNothing(b *bench.B, f harness.Fault, keeps bool) {
	fresh := fresh(b)
	b.Open(harness.NetworkConfig{Profile: bench.Link(b.Delay)})
	client, server := b.Connect(0)
	lasts := b.Quiet
	if !b.Virtual {
		lasts = 100 * time.Millisecond
	}
	for range 2 {
		end := b.Inject(f)
		if keeps && f.Action != harness.Refuse { // something is under way
			b.NoError(bench.WriteErr(client))
			b.NoError(bench.WriteErr(server))
		}
		time.Sleep(lasts)
		end()
		if keeps && f.Action != harness.Refuse {
			b.NoError(bench.ReadErr(client))
			b.NoError(bench.ReadErr(server))
		}
	}
	time.Sleep(lasts) // a queue empties
	b.Equal(fresh, look(b), "a new connection")
	if keeps {
		b.NoError(bench.Finish(client, []byte("request")))
		b.NoError(receive(server, []byte("request")))
		b.NoError(bench.Finish(server, []byte("answer")))
		b.NoError(receive(client, []byte("answer")))
	}
}

// profileLeavesNothing replaces the profile by a bad one, and back.
func profileLeavesNothing(b *bench.B) {
	fresh := fresh(b)
	b.Open(harness.NetworkConfig{Profile: bench.Link(b.Delay)})
	bad := harness.Path{Delay: 3 * b.Delay, Jitter: b.Delay, Rate: 100_000, Limit: 3000}
	if !b.Streams {
		bad.Loss, bad.Duplicate, bad.MTU = harness.Loss{P: 0.1}, 0.1, 700
	}
	client, server := b.Connect(0)
	b.Net.SetProfile(bench.Both(bad))
	data := bench.Noise(5, 5000)
	errs := make(chan error, 2)
	go func() { errs <- bench.Finish(client, data) }()
	go func() { errs <- receive(server, data) }()
	b.NoError(<-errs)
	b.NoError(<-errs)
	b.Net.SetProfile(bench.Link(b.Delay))
	time.Sleep(b.Quiet)
	b.Equal(fresh, look(b), "a new connection")
	b.NoError(bench.Finish(server, data))
	b.NoError(receive(client, data))
}

// fresh is what look says of a network that has had no fault.
func fresh(b *bench.B) view {
	b.T.Helper()
	b.Open(harness.NetworkConfig{Profile: bench.Link(b.Delay)})
	seen := look(b)
	b.NoError(b.Net.Close())
	return seen
}

// view is what a connection looks like to its two ends and on the link.
type view struct {
	ends    [2][]string
	packets []string
}

// look dials, holds a conversation, and says how it went. In real time a machine
// that stalls can lead TCP to other packets, so that only losses are told.
func look(b *bench.B) (v view) {
	b.T.Helper()
	talk := conversation{
		"a request and its answer",
		func(e *end) { e.write(bench.Noise(7, 20_000)); e.read(20_000); e.finish(nil); e.rest(); e.hangUp() },
		func(e *end) { e.read(20_000); e.write(bench.Noise(8, 20_000)); e.rest(); e.finish(nil); e.hangUp() },
	}
	before := b.Packets.Len()
	begin := time.Now()
	client, server := b.Connect(0)
	v.ends = talk.hold(client, server)
	b.Less(time.Since(begin), b.Timeout)
	if b.Virtual {
		time.Sleep(b.Quiet) // for the last acknowledgement
	}
	v.packets = shape(b, before)
	return v
}

// shape describes the packets of the newest connection, told of since so many: those
// of each direction in order, in virtual time with the time of each since the first,
// in half milliseconds.
func shape(b *bench.B, since int) (list []string) {
	packets := b.Packets.All(func(harness.Packet) bool { return true })[since:]
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
