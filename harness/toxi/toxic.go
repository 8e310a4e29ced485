package toxi

import (
	"sync/atomic"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/link"
)

// toxicType is the name our toxic is registered under.
const toxicType = "onebar"

// window is how many bytes one direction of a connection may have on the link:
// the receive window of the packet engine's hosts.
const window = 4 << 20

// toxic is the one type we register with toxiproxy, which makes an instance for
// each place in the chain of each connection. What it runs, a flow or the holder
// of a stream toxic, is put in before the connection starts.
type toxic struct{ run func(*toxics.ToxicStub) }

func (t *toxic) Pipe(stub *toxics.ToxicStub) { t.run(stub) }

// flow carries one direction of one connection over an access link. All its
// fields except ended belong to the goroutine that runs pipe.
type flow struct {
	name   harness.Packet     // Client, Flow and Direction of the packets it reports
	access *accessLink        // which it shares with the client's other connections
	start  time.Time          // the instant of offset 0
	sink   harness.PacketSink // nil is nobody
	dead   <-chan struct{}    // closed when the connection is cut off
	over   func()             // called once, when pipe is done
	ended  atomic.Bool        // the end of the stream has been passed on

	chunk   *stream.StreamChunk // read and not wholly on the link yet; nil is nothing
	eof     bool                // the source has ended
	loaded  bool                // its end is on the link
	offered time.Duration       // when chunk, or the end, was read
	since   time.Duration       // from when the access link may take it
	held    *settings           // the blackhole it waits for
	full    bool                // it waits for the window
	ordinal uint64              // of the last piece

	wire  []piece // on the link, by arrival; the first head of them have been passed on
	head  int
	bytes int // in wire
	timer *time.Timer
}

// piece is a part of the stream on the link. Without a chunk it is the end.
type piece struct {
	chunk        *stream.StreamChunk
	offered, due time.Duration
}

func (p piece) size() int {
	if p.chunk == nil {
		return 0
	}
	return len(p.chunk.Data)
}

// pipe runs the flow from stub's input to its output until the stream has ended
// or the connection is cut off. toxiproxy interrupts a toxic only to change its
// chain, which we never do; pipe then returns, and another call goes on.
func (f *flow) pipe(stub *toxics.ToxicStub) {
	for {
		ask, hole := f.load()
		if f.head < len(f.wire) && f.wire[f.head].due <= f.now() {
			if p := f.pop(); f.pass(stub, p) && p.chunk != nil {
				continue
			}
			f.finish(stub)
			return
		}
		var changed <-chan struct{}
		if hole != nil {
			changed = hole.changed
		}
		var input <-chan *stream.StreamChunk
		if f.chunk == nil && !f.eof {
			input = stub.Input
		}
		select {
		case c := <-input:
			f.take(c)
		case <-f.alarm(ask):
		case <-changed:
		case <-f.dead:
			f.finish(stub)
			return
		case <-stub.Interrupt:
			return
		}
	}
}

func (f *flow) now() time.Duration { return time.Since(f.start) }

// take accepts a chunk from the source; nil is its end.
func (f *flow) take(c *stream.StreamChunk) {
	f.chunk, f.eof, f.offered = c, c == nil, f.now()
	if c != nil {
		f.offered = c.Timestamp.Sub(f.start)
	}
	f.since = f.offered
}

// load puts what was read on the link, as far as the access link takes it. If some
// is left it returns when to ask again, or the blackhole that has to end first;
// neither means that something must arrive first.
func (f *flow) load() (ask time.Duration, hole *settings) {
	for f.chunk != nil || f.eof && !f.loaded {
		now := f.now()
		if f.bytes >= window {
			f.full = true
			return 0, nil
		}
		if f.full {
			f.full, f.since = false, now
		}
		waiting := piece{chunk: f.chunk}.size()
		o := f.access.offer(now, f.since, f.key(f.ordinal+1), waiting)
		if o.hole != nil {
			o.hole.hit(f.held)
			f.held = o.hole
			return 0, o.hole
		}
		f.held = nil
		if o.taken < 0 {
			return o.at, nil
		}
		f.ordinal++
		f.push(piece{chunk: f.split(o.taken), offered: max(f.offered, o.opened), due: o.at})
	}
	return 0, nil
}

func (f *flow) key(ordinal uint64) link.Key {
	return link.Key{Flow: uint64(f.name.Flow), Ordinal: ordinal}
}

// split takes the first n bytes off what was read: a chunk, or nil for the end.
func (f *flow) split(n int) *stream.StreamChunk {
	c := f.chunk
	switch {
	case c == nil:
		f.loaded = true
	case n == len(c.Data):
		f.chunk = nil
	default:
		first := &stream.StreamChunk{Data: c.Data[:n:n], Timestamp: c.Timestamp}
		c.Data = c.Data[n:]
		return first
	}
	return c
}

func (f *flow) push(p piece) {
	if f.head > 0 && len(f.wire) == cap(f.wire) {
		n := copy(f.wire, f.wire[f.head:])
		clear(f.wire[n:])
		f.wire, f.head = f.wire[:n], 0
	}
	f.wire = append(f.wire, p)
	f.bytes += p.size()
}

func (f *flow) pop() piece {
	p := f.wire[f.head]
	f.wire[f.head] = piece{}
	f.head++
	f.bytes -= p.size()
	return p
}

// pass reports the arrival of p and hands it on. It returns false if the
// connection was cut off.
func (f *flow) pass(stub *toxics.ToxicStub, p piece) bool {
	f.report(p, harness.DropNone)
	if p.chunk == nil {
		f.ended.Store(true)
		return true
	}
	select {
	case stub.Output <- p.chunk:
		return true
	case <-f.dead:
		return false
	}
}

// report tells the sink the fate of p.
func (f *flow) report(p piece, drop harness.DropReason) {
	if f.sink == nil || p.chunk == nil {
		return
	}
	r := f.name
	r.At, r.Size, r.Drop = p.offered, p.size(), drop
	if drop == harness.DropNone {
		now := f.now()
		r.Delay, r.Late = now-p.offered, now-p.due
	}
	f.sink.Packet(r)
}

// alarm fires at the offset ask, if it is not 0, or at the next arrival.
func (f *flow) alarm(ask time.Duration) <-chan time.Time {
	if f.head < len(f.wire) && (ask == 0 || f.wire[f.head].due < ask) {
		ask = f.wire[f.head].due
	}
	if ask == 0 {
		return nil
	}
	if f.timer == nil {
		f.timer = time.NewTimer(ask - f.now())
	} else {
		f.timer.Reset(ask - f.now())
	}
	return f.timer.C
}

// finish ends the flow. What is still under way is lost with its connection,
// and the source is read to its end, so that nothing before the toxic waits for
// it for ever.
func (f *flow) finish(stub *toxics.ToxicStub) {
	for f.head < len(f.wire) {
		f.report(f.pop(), harness.DropStopped)
	}
	f.report(piece{chunk: f.chunk, offered: f.offered}, harness.DropStopped)
	for c := range stub.Input {
		f.report(piece{chunk: c, offered: c.Timestamp.Sub(f.start)}, harness.DropStopped)
	}
	stub.Close()
	f.over()
}
