// Package link decides the fate of packets: when one arrives, or why it does
// not. It is arithmetic: no goroutine, no sleep, no clock, no allocation. The
// caller hands in the present as an offset, so the same code serves real and
// virtual time, and one table test covers a tunnel in microseconds.
//
// A [Link] carries packets one way. A packet offered to it meets, in this order:
//
//  1. the outage ([Link.Block]): lost;
//  2. random loss, Bernoulli or Gilbert-Elliott: lost before it takes any
//     airtime, as in netem;
//  3. the queue: if the bytes waiting for the rate would exceed the limit, it is
//     lost (tail drop);
//  4. the rate: it departs when those before it have, and its own bits are out;
//  5. the delay, uniform in Delay ± Jitter, but never arriving before a packet
//     accepted earlier: a radio bearer delivers in order.
//
// Once accepted, a packet keeps its fate, whatever is set afterwards.
//
// Every random draw is a hash of (seed, link, flow, ordinal), never of the order
// of calls: a packet of a flow meets the same luck in every run with the same
// seed. Only the Gilbert-Elliott state is a memory of the link itself, as a
// burst on the radio hits whatever is on the air.
package link

import (
	"time"

	"github.com/onebar/onebar/harness"
)

// ID names a one-way link of a run, for its random draws.
type ID struct {
	Client    int // which payer's link
	Direction harness.Direction
}

// Key names a packet: its flow, and its place among the packets of that flow in
// the direction of the link. Which numbers a caller uses is up to it, as long as
// they repeat from run to run.
type Key struct{ Flow, Ordinal uint64 }

// Fate is what happens to a packet. Arrive is the offset of its arrival, valid
// if Drop is DropNone.
type Fate struct {
	Arrive time.Duration
	Drop   harness.DropReason
}

// minQueue is the smallest default queue: ten full packets.
const minQueue = 16 << 10

// Link is one direction of one link. Make it with New. It is not safe for
// concurrent use, and the offsets handed to Send must not go back.
type Link struct {
	base    uint64 // hash of seed and ID
	path    harness.Path
	limit   int64
	blocked bool
	bad     bool // Gilbert-Elliott state

	free    time.Duration // when the last accepted packet has departed
	last    time.Duration // when the last accepted packet arrives
	queue   []departure   // ring of the packets that have not departed
	head, n int
	waiting int64 // bytes in the queue
}

type departure struct {
	at   time.Duration
	size int
}

// New returns a link that treats packets as p says.
func New(seed uint64, id ID, p harness.Path) *Link {
	l := &Link{base: mix(seed ^ mix(uint64(id.Client)<<8|uint64(id.Direction)))}
	l.Set(p)
	return l
}

// Set replaces the path for the packets offered from now on. The
// Gilbert-Elliott chain starts in a state drawn from its stationary
// distribution, unless one was running already.
func (l *Link) Set(p harness.Path) {
	if ge := p.Loss.GE; ge == nil {
		l.bad = false
	} else if l.path.Loss.GE == nil && ge.P+ge.R > 0 {
		l.bad = uniform(l.base, drawStart) < ge.P/(ge.P+ge.R)
	}
	l.path = p
	l.limit = p.Limit
	if l.limit == 0 {
		l.limit = max(p.Rate/8, minQueue)
	}
}

// Block begins (true) or ends (false) an outage: every packet offered meanwhile
// is lost.
func (l *Link) Block(on bool) { l.blocked = on }

// Send offers a packet of size bytes at offset now and returns its fate.
func (l *Link) Send(now time.Duration, k Key, size int) Fate {
	if l.blocked {
		return Fate{Drop: harness.DropOutage}
	}
	h := mix(mix(l.base+k.Flow*stepFlow) + k.Ordinal*stepOrdinal)
	if l.lose(h) {
		return Fate{Drop: harness.DropLoss}
	}
	depart, ok := l.enqueue(now, size)
	if !ok {
		return Fate{Drop: harness.DropQueue}
	}
	delay := l.path.Delay
	if j := l.path.Jitter; j > 0 {
		delay += time.Duration((2*uniform(h, drawJitter) - 1) * float64(j))
	}
	l.last = max(l.last, depart+max(delay, 0))
	return Fate{Arrive: l.last}
}

// lose draws the loss of the packet with hash h.
func (l *Link) lose(h uint64) bool {
	ge := l.path.Loss.GE
	if ge == nil {
		return l.path.Loss.P > 0 && uniform(h, drawLoss) < l.path.Loss.P
	}
	p, leave := ge.LossGood, ge.P
	if l.bad {
		p, leave = ge.LossBad, ge.R
	}
	if uniform(h, drawState) < leave {
		l.bad = !l.bad
	}
	return uniform(h, drawLoss) < p
}

// enqueue returns when the last bit of a packet leaves, or false if the queue
// before the rate has no room for it.
func (l *Link) enqueue(now time.Duration, size int) (time.Duration, bool) {
	for l.n > 0 && l.queue[l.head].at <= now {
		l.waiting -= int64(l.queue[l.head].size)
		l.head = (l.head + 1) % len(l.queue)
		l.n--
	}
	if l.path.Rate <= 0 {
		return max(now, l.free), true
	}
	// A packet on an idle link goes straight to the air: it never waits.
	if l.n > 0 && l.waiting+int64(size) > l.limit {
		return 0, false
	}
	l.free = max(now, l.free) + time.Duration(int64(size)*8*int64(time.Second)/l.path.Rate)
	l.push(departure{l.free, size})
	return l.free, true
}

func (l *Link) push(d departure) {
	if l.n == len(l.queue) {
		grown := make([]departure, max(16, 2*len(l.queue)))
		for i := range l.n {
			grown[i] = l.queue[(l.head+i)%len(l.queue)]
		}
		l.queue, l.head = grown, 0
	}
	l.queue[(l.head+l.n)%len(l.queue)] = d
	l.n++
	l.waiting += int64(d.size)
}

// The draws of one packet, and of one link.
const (
	drawLoss = iota + 1
	drawState
	drawJitter
	drawStart
)

// Odd constants that keep the flows, the packets of a flow, and the draws of a
// packet apart before they are mixed.
const (
	stepFlow    = 0x9e3779b97f4a7c15
	stepOrdinal = 0xd1b54a32d192ed03
	stepDraw    = 0x8cb92ba72f3d8dd7
)

// uniform returns draw number n of the hash h, in [0, 1).
func uniform(h uint64, n uint64) float64 {
	return float64(mix(h+n*stepDraw)>>11) / (1 << 53)
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood: "Fast Splittable
// Pseudorandom Number Generators", OOPSLA 2014), variant 13 of Stafford.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
