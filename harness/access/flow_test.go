package access

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
)

func TestRetransmissionFlag(t *testing.T) {
	for name, tc := range map[string]struct {
		sent []Segment
		want []bool
	}{
		"each byte once": {
			[]Segment{{Seq: 9, Flags: Syn}, {Seq: 10, Payload: 100, Flags: Ack}, {Seq: 110, Payload: 5, Flags: Ack | Psh}, {Seq: 115, Flags: Fin | Ack}},
			[]bool{false, false, false, false},
		},
		"SYN, data and FIN again": {
			[]Segment{{Seq: 9, Flags: Syn}, {Seq: 9, Flags: Syn}, {Seq: 10, Payload: 100, Flags: Ack}, {Seq: 10, Payload: 100, Flags: Ack}, {Seq: 110, Flags: Fin | Ack}, {Seq: 110, Flags: Fin | Ack}},
			[]bool{false, true, false, true, false, true},
		},
		"old data with new": {
			[]Segment{{Seq: 10, Payload: 100, Flags: Ack}, {Seq: 60, Payload: 100, Flags: Ack}, {Seq: 160, Payload: 1, Flags: Ack}},
			[]bool{false, true, false},
		},
		"a hole filled": {
			[]Segment{{Seq: 10, Payload: 10, Flags: Ack}, {Seq: 20, Payload: 10, Flags: Ack}, {Seq: 10, Payload: 10, Flags: Ack}},
			[]bool{false, false, true},
		},
		"acknowledgements, keepalives and resets take no sequence number": {
			[]Segment{{Seq: 10, Payload: 10, Flags: Ack}, {Seq: 20, Flags: Ack}, {Seq: 20, Flags: Ack}, {Seq: 19, Flags: Ack}, {Seq: 10, Flags: Rst | Ack}},
			[]bool{false, false, false, false, false},
		},
		"sequence numbers wrap": {
			[]Segment{{Seq: 0xffffffff, Payload: 2, Flags: Ack}, {Seq: 1, Payload: 2, Flags: Ack}, {Seq: 0xffffffff, Payload: 2, Flags: Ack}},
			[]bool{false, false, true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var h Half
			var got []bool
			for _, s := range tc.sent {
				got = append(got, h.Observe(s))
			}
			require.Equal(t, tc.want, got)
		})
	}
}

func TestFlags(t *testing.T) {
	require.True(t, Segment{Flags: Syn}.Opens())
	require.False(t, Segment{Flags: Syn | Ack}.Opens())
	require.False(t, Segment{Flags: Ack}.Opens())
	require.EqualValues(t, 12, Segment{Flags: Syn | Fin, Payload: 10}.Length())
	require.True(t, After(5, 0xfffffff0))
	require.False(t, After(0xfffffff0, 5))
}

// engineFlow is an engine's.
type engineFlow struct{ Flow }

// testTable is an access link of a client with the address phone, and its flows.
type testTable struct {
	*Link[*testHost, *engineFlow]
	t *testing.T
}

var (
	phone = Client(3)
	moved = Next(phone)
)

func newTable(t *testing.T) testTable {
	t.Helper()
	return newTableOf(t, &Group{})
}

// newTableOf is the link of a group between client 3 and the server.
func newTableOf(t *testing.T, g *Group) testTable {
	t.Helper()
	n := newHosts(t, 4)
	return testTable{NewLink[*engineFlow](1, g, n.Clients[3], n.Server), t}
}

func (x testTable) begin(near Addr, protocol uint16, port uint16) *engineFlow {
	f := &engineFlow{Flow{Tuple: Tuple{Near: near, Far: Server(), Protocol: protocol, NearPort: port, FarPort: 7}}}
	x.Begin(f)
	return f
}

// send offers a packet, and returns why it does not arrive.
func (x testTable) send(f *engineFlow, d harness.Direction, s Segment) harness.DropReason {
	p := harness.Packet{At: time.Second, Direction: d, Size: 100, Retransmit: x.Observe(f, d, s)}
	return x.Offer(f, &p).Drop
}

// open is a TCP connection that both ends have begun.
func (x testTable) open(near Addr, port uint16) *engineFlow {
	f := x.begin(near, TCP, port)
	require.Equal(x.t, harness.DropNone, x.send(f, harness.Up, Segment{Flags: Syn}))
	require.Equal(x.t, harness.DropNone, x.send(f, harness.Down, Segment{Flags: Syn | Ack}))
	return f
}

func TestWhatIsOpen(t *testing.T) {
	const life = DatagramLife
	for name, tc := range map[string]struct {
		begin func(x testTable)
		after time.Duration
		want  int64
	}{
		"a connection":   {func(x testTable) { x.open(phone, 1) }, time.Hour, 1},
		"only asked for": {func(x testTable) { x.send(x.begin(phone, TCP, 1), harness.Up, Segment{Flags: Syn}) }, 0, 0},
		"one end has ended": {func(x testTable) {
			x.send(x.open(phone, 1), harness.Up, Segment{Flags: Fin | Ack, Seq: 1})
		}, 0, 1},
		"both have": {func(x testTable) {
			f := x.open(phone, 1)
			x.send(f, harness.Up, Segment{Flags: Fin | Ack, Seq: 1})
			x.send(f, harness.Down, Segment{Flags: Fin | Ack, Seq: 1})
		}, 0, 0},
		"reset":           {func(x testTable) { x.send(x.open(phone, 1), harness.Down, Segment{Flags: Rst}) }, 0, 0},
		"datagrams":       {func(x testTable) { x.send(x.begin(phone, UDP, 1), harness.Up, Segment{}) }, life, 1},
		"old datagrams":   {func(x testTable) { x.send(x.begin(phone, UDP, 1), harness.Up, Segment{}) }, life + 1, 0},
		"ICMP":            {func(x testTable) { x.send(x.begin(phone, ICMP, 0), harness.Up, Segment{}) }, 0, 0},
		"another address": {func(x testTable) { x.open(moved, 1) }, 0, 0},
		"three":           {func(x testTable) { x.open(phone, 1); x.open(phone, 2); x.open(phone, 3) }, 0, 3},
		"two in one place": {func(x testTable) {
			x.open(phone, 1)
			x.open(phone, 1)
		}, 0, 1},
		"one that has left": {func(x testTable) { x.Leave(x.open(phone, 1)) }, 0, 0},
		"one whose place was taken has left": {func(x testTable) {
			f := x.open(phone, 1)
			x.open(phone, 1)
			x.Leave(f)
		}, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			x := newTable(t)
			tc.begin(x)
			require.Equal(t, tc.want, x.Forget(phone, phone, time.Second+tc.after))
			require.Zero(t, x.Forget(phone, phone, time.Second), "it is forgotten already")
		})
	}
}

func TestForgottenFlows(t *testing.T) {
	x := newTable(t)
	f := x.open(phone, 1)
	data := Segment{Flags: Ack, Seq: 1, Ack: 1, Payload: 10}
	require.EqualValues(t, 1, x.Forget(phone, phone, 0))
	sent := x.way(harness.Down).offered
	require.Equal(t, harness.DropNAT, x.send(f, harness.Up, data))
	require.Equal(t, harness.DropNAT, x.send(f, harness.Down, data))
	require.Equal(t, sent+1, x.way(harness.Down).offered, "it is counted as offered")
	require.Equal(t, harness.DropNAT, x.send(f, harness.Down, Segment{Flags: Syn}), "only the client's SYN counts")
	require.Equal(t, harness.DropNone, x.send(f, harness.Up, Segment{Flags: Syn}), "a SYN makes the NAT know it anew")
	require.Equal(t, harness.DropNone, x.send(f, harness.Down, data))

	require.EqualValues(t, 1, x.Forget(phone, moved, 0))
	require.Equal(t, harness.DropNAT, x.send(f, harness.Up, Segment{Flags: Syn}), "the old address is never known again")
	require.Equal(t, harness.DropNAT, x.send(x.begin(phone, UDP, 9), harness.Up, Segment{}), "nor are new flows from it")
	g := x.open(moved, 1)
	require.Equal(t, harness.DropNone, x.send(g, harness.Up, data))
	x.Forget(moved, phone, 0)
	require.Equal(t, harness.DropNone, x.send(x.begin(phone, UDP, 8), harness.Up, Segment{}), "until the client has it again")
}

// A packet of the near end crosses the link before it is lost, one of the far end does
// not: only the first takes its turn on a link with a rate.
func TestOnlyTheNearEndCrossesTheLink(t *testing.T) {
	slow := harness.Path{Rate: 8000} // a byte a millisecond
	x := newTableOf(t, &Group{Profile: harness.Profile{Up: slow, Down: slow}})
	f, other := x.begin(phone, UDP, 1), x.begin(phone, UDP, 2)
	end, _ := x.Vanish(0)
	x.send(f, harness.Up, Segment{})
	x.send(f, harness.Down, Segment{})
	end()
	for d, want := range map[harness.Direction]time.Duration{harness.Up: 200 * time.Millisecond, harness.Down: 100 * time.Millisecond} {
		p := harness.Packet{At: time.Second, Direction: d, Size: 100}
		require.Equal(t, time.Second+want, x.Offer(other, &p).Arrive, d)
	}
}

func TestVanishedFlows(t *testing.T) {
	x := newTable(t)
	f := x.open(phone, 1)
	x.begin(phone, TCP, 2)
	one, open := x.Vanish(0)
	require.EqualValues(t, 1, open)
	two, _ := x.Vanish(0)
	require.Equal(t, harness.DropNAT, x.send(f, harness.Up, Segment{Flags: Syn}), "a SYN does not help")
	require.Equal(t, harness.DropNone, x.send(x.begin(phone, TCP, 3), harness.Up, Segment{Flags: Syn}), "a new flow is not among them")
	one()
	require.Equal(t, harness.DropNAT, x.send(f, harness.Down, Segment{}))
	two()
	require.Equal(t, harness.DropNone, x.send(f, harness.Down, Segment{}))

	x.Far.unpowered++
	x.UpdatePower()
	require.Equal(t, harness.DropNAT, x.send(x.begin(phone, UDP, 4), harness.Up, Segment{}), "without power nothing arrives")
}

func TestOfferFillsInThePacket(t *testing.T) {
	g := &Group{Name: "server-bank", Profile: harness.Profile{Up: harness.Path{Corrupt: 1}}}
	g.Block(harness.Down, 1)
	x := newTableOf(t, g)
	var asked []harness.Packet
	x.Lose = func(p harness.Packet) harness.DropReason {
		asked = append(asked, p)
		if p.N == 2 && p.Direction == harness.Up {
			return harness.DropCut
		}
		return harness.DropNone
	}
	x.begin(phone, UDP, 1)
	f := x.begin(phone, UDP, 2)
	f.Cross = true
	stray := &engineFlow{}
	x.Begin(stray)
	for _, tc := range []struct {
		f    *engineFlow
		give harness.Packet
		want harness.Packet
	}{
		{f, harness.Packet{At: 1, Direction: harness.Up, Size: 9}, harness.Packet{Flow: 2, N: 1, Cross: true, Corrupt: true}},
		{f, harness.Packet{At: 2, Direction: harness.Up, Size: 9, Retransmit: true}, harness.Packet{Flow: 2, N: 2, Cross: true, Retransmit: true, Drop: harness.DropCut}},
		{stray, harness.Packet{At: 3, Direction: harness.Up, Size: 9}, harness.Packet{N: 3, Corrupt: true}},
		{f, harness.Packet{At: 4, Direction: harness.Down, Size: 9}, harness.Packet{Flow: 2, N: 1, Cross: true, Drop: harness.DropOutage}},
	} {
		got, want := tc.give, tc.want
		fate := x.Offer(tc.f, &got)
		require.Equal(t, want.Drop, fate.Drop)
		want.At, want.Direction, want.Size, want.Link = tc.give.At, tc.give.Direction, tc.give.Size, "server-bank"
		require.Equal(t, want, got)
		want.Drop, want.Corrupt = harness.DropNone, false
		require.Equal(t, want, asked[len(asked)-1], "what Lose is asked about")
	}
	require.EqualValues(t, 3, f.Half(harness.Up).Ordinal+f.Half(harness.Down).Ordinal)
	g.Block(harness.Down, -1)
	x.Block()
	p := harness.Packet{Direction: harness.Down}
	require.Equal(t, harness.DropNone, x.Offer(f, &p).Drop)
}
