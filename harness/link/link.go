// Package link decides the fate of packets: when one arrives, or why it does
// not. It is arithmetic: no goroutine, no sleep, no clock, no allocation. The
// caller hands in the present as an offset, so the same code serves real and
// virtual time, and one table test covers a tunnel in microseconds.
//
// A [Link] carries packets one way. A packet offered to it meets, in this order:
//
//  1. the outage ([Link.Block]): lost;
//  2. the MTU: lost if it is larger;
//  3. random loss, Bernoulli or Gilbert-Elliott: lost before it takes any
//     airtime, as in netem;
//  4. the queue: if the bytes waiting for the rate would exceed the limit, it is
//     lost (tail drop);
//  5. the rate or the trace: it departs when those before it have, and its own
//     bits are out;
//  6. the delay with its jitter, but never arriving before a packet accepted
//     earlier: a radio bearer delivers in order. Only with the probability to
//     reorder does it skip delay and order.
//
// It may arrive corrupt, and it may arrive twice; a copy takes its own place in
// the queue and is not lost again.
//
// Once accepted, a packet keeps its fate, whatever is set afterwards.
//
// [Watchers] is who is to be told when a link is up again.
//
// Every random draw is a hash of (seed, link, flow, ordinal), never of the order
// of calls: a packet of a flow meets the same luck in every run with the same
// seed. Only the Gilbert-Elliott state and correlated jitter are memories of the
// link itself, as a burst on the radio hits whatever is on the air.
package link

import (
	"math"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/delivery"
)

// ID names a one-way link of a run, for its random draws.
type ID struct {
	Client    int    // which payer's access link
	Link      string // the name of a link that is no access link; empty is one
	Direction harness.Direction
}

// key numbers the link, the same in both directions: its last byte is 0.
func (id ID) key() uint64 {
	k := uint64(id.Client) << 8
	for _, c := range []byte(id.Link) {
		k = mix(k+uint64(c)) &^ 0xff
	}
	return k
}

// Key names a packet: its flow, and its place among the packets of that flow in
// the direction of the link. Which numbers a caller uses is up to it, as long as
// they repeat from run to run.
type Key struct{ Flow, Ordinal uint64 }

// Fate is what happens to a packet. Unless it is dropped it arrives at the offset
// Arrive, and if Copy is above 0 a second time then. Corrupt is 0 for a packet
// that arrives as it was; otherwise one bit of it is flipped: bit Corrupt modulo
// its number of bits.
type Fate struct {
	Arrive  time.Duration
	Copy    time.Duration
	Corrupt uint64
	Drop    harness.DropReason
}

// minQueue is the smallest default queue: ten full packets.
const minQueue = 16 << 10

// Link is one direction of one link. Make it with New. It is not safe for
// concurrent use, and the offsets handed to Send must not go back.
type Link struct {
	base    uint64 // hash of seed and ID
	both    uint64 // hash of seed and client, the same in both directions
	path    harness.Path
	limit   int64
	blocked bool
	bad     bool    // Gilbert-Elliott state
	normal  float64 // the correlated jitter of the last packet, standard normal

	trace  delivery.Cursor
	offset time.Duration // where in its trace the link began: up and down stall together

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
	l := &Link{
		base: mix(seed ^ mix(id.key()|uint64(id.Direction))),
		both: mix(seed ^ mix(id.key())),
	}
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
	if p.Trace != nil && p.Trace != l.path.Trace {
		l.trace = delivery.Cursor{}
		l.offset = time.Duration(uniform(l.both, drawOffset) * float64(p.Trace.Period()))
	}
	l.path = p
	l.limit = p.Limit
	if l.limit == 0 {
		l.limit = max(p.Capacity()/8, minQueue)
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
	if l.path.MTU > 0 && size > l.path.MTU {
		return Fate{Drop: harness.DropMTU}
	}
	h := mix(mix(l.base+k.Flow*stepFlow) + k.Ordinal*stepOrdinal)
	if l.lose(h) {
		return Fate{Drop: harness.DropLoss}
	}
	depart, ok := l.enqueue(now, size)
	if !ok {
		return Fate{Drop: harness.DropQueue}
	}
	f := Fate{Arrive: l.arrive(depart, h)}
	if l.path.Corrupt > 0 && uniform(h, drawCorrupt) < l.path.Corrupt {
		f.Corrupt = max(1, mix(h^drawBit))
	}
	if l.path.Duplicate > 0 && uniform(h, drawDuplicate) < l.path.Duplicate {
		if depart, ok := l.enqueue(now, size); ok {
			f.Copy = l.arrive(depart, mix(h))
		}
	}
	return f
}

func (l *Link) arrive(depart time.Duration, h uint64) time.Duration {
	if l.path.Reorder > 0 && uniform(h, drawReorder) < l.path.Reorder {
		return depart
	}
	delay := l.path.Delay
	if l.path.Jitter > 0 {
		delay += time.Duration(l.stray(h) * float64(l.path.Jitter))
	}
	l.last = max(l.last, depart+max(delay, 0))
	return l.last
}

// stray draws the jitter of a packet in units of Path.Jitter.
//
// Correlated jitter is a first-order autoregression of a standard normal, turned
// into the distribution by its quantiles, so that the distribution holds whatever
// the correlation. (netem averages successive uniform draws instead, which
// narrows the distribution.)
func (l *Link) stray(h uint64) float64 {
	p := &l.path
	if p.Correlation == 0 && p.Distribution == harness.Uniform {
		return 2*uniform(h, drawJitter) - 1
	}
	if p.Correlation == 0 && p.Distribution == harness.Pareto {
		return pareto(1 - uniform(h, drawJitter))
	}
	// Box and Muller, 1958.
	z := math.Sqrt(-2*math.Log(1-uniform(h, drawJitter))) * math.Cos(2*math.Pi*uniform(h, drawAngle))
	if c := p.Correlation; c > 0 {
		z = c*l.normal + math.Sqrt(1-c*c)*z
		l.normal = z
	}
	switch p.Distribution {
	case harness.Normal:
		return z
	case harness.Pareto:
		return pareto(math.Erfc(z/math.Sqrt2) / 2)
	case harness.Uniform:
	}
	return math.Erf(z / math.Sqrt2)
}

// pareto returns the value of netem's table (iproute2, netem/pareto.c: shape 3,
// minimum 1, mean moved to 0, times 4/3) that is exceeded with probability
// above. netem's ends at 4, which takes 3 % of the jitter off the mean; ours at
// 20, which takes 0.2 %.
func pareto(above float64) float64 {
	return min(20, (math.Pow(above, -1.0/3)-1.5)*4/3)
}

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
	p := &l.path
	if p.Rate <= 0 && p.Trace == nil {
		return max(now, l.free), true
	}
	// A packet on an idle link goes straight to the air: it never waits.
	if l.n > 0 && l.full(now, size) {
		return 0, false
	}
	if p.Trace != nil {
		l.free = max(l.free, p.Trace.Depart(&l.trace, now+l.offset, size)-l.offset)
	} else {
		l.free = max(now, l.free) + time.Duration(int64(size)*8*int64(time.Second)/p.Rate)
	}
	l.push(departure{l.free, size})
	return l.free, true
}

func (l *Link) full(now time.Duration, size int) bool {
	if l.path.LimitTime > 0 {
		return l.free-now > l.path.LimitTime
	}
	return l.waiting+int64(size) > l.limit
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
	drawAngle
	drawReorder
	drawDuplicate
	drawCorrupt
	drawBit
	drawOffset
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
