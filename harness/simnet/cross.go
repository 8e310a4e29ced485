package simnet

import (
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
)

// The ports of the server, or of the host at the far end, that cross traffic goes to and comes from, named for what
// is there: RFC 863 and RFC 864. A program may listen there all the same: it does
// not get cross traffic.
const (
	discardPort = 9
	chargenPort = 19
)

const (
	crossStall = 30 * time.Second // without progress for so long, a transfer ends
	crossPause = time.Second      // after its end, it begins again
	crossAhead = 1 << 20          // bytes ready to be sent, more than any window used
)

// bulk is what the ends of cross traffic do, in place of an application.
type bulk uint8

const (
	noBulk bulk = iota
	fill        // send without end
	drain       // throw away what comes
)

// transfer is the cross traffic of one link in one direction: a connection, and
// another one when that has ended, until it is stopped.
type transfer struct {
	again   event
	host    *host // at the near end
	far     *host
	bulk    bulk // what the near end does
	end     *endpoint
	stopped bool
}

// crossTraffic begins a transfer in direction d, or both ways if it is unknown, on
// every one of the links.
func (n *Network) crossTraffic(g *access.Group[*bearer], d harness.Direction) func() int64 {
	var list []*transfer
	begin := func(b *bearer, what bulk) {
		t := &transfer{host: b.near, far: b.far, bulk: what}
		t.again = event{rank: b.near.number(), run: t.dial}
		n.set(&t.again, n.clock())
		list = append(list, t)
	}
	if g == n.hosts.Access {
		for _, h := range n.hosts.Clients {
			h.wake()
		}
	}
	for _, b := range g.Links {
		if d != harness.Up {
			begin(b, drain)
		}
		if d != harness.Down {
			begin(b, fill)
		}
	}
	n.rearm()
	before := g.Delivered()
	return n.ending(func() int64 {
		for _, t := range list {
			t.stop()
		}
		n.rearm()
		return g.Delivered() - before
	})
}

// dial connects anew.
func (t *transfer) dial() {
	h := t.host
	to := addr{t.far.ip, discardPort}
	if t.bulk == drain {
		to.port = chargenPort
	}
	port := h.freePort(to)
	if port == 0 {
		h.n.set(&t.again, h.n.at+crossPause)
		return
	}
	t.end = newEndpoint(h, addr{h.ip, port}, to)
	t.end.bulk, t.end.transfer = t.bulk, t
	t.end.state = dialing
	h.conns[t.end.key()] = t.end
	t.end.serve()
}

// ended is told that the connection is over.
func (t *transfer) ended() {
	t.end = nil
	if !t.stopped && !t.host.n.stopped {
		t.host.n.set(&t.again, t.host.n.at+crossPause)
	}
}

// stop resets the connection, at the next instant.
func (t *transfer) stop() {
	t.stopped = true
	t.again.run = func() {
		if t.end != nil {
			t.end.abort()
		}
	}
	t.host.n.set(&t.again, t.host.n.clock())
}

// answerBulk makes the server's end of a transfer.
func (h *host) answerBulk(fl *flight) {
	e := h.answer(fl, nil)
	e.bulk = fill
	if e.local.port == discardPort {
		e.bulk = drain
	}
}

// progress notes that a transfer does not stall.
func (e *endpoint) progress() {
	if e.bulk != noBulk {
		e.lingerAt = e.host.ends(crossStall)
	}
}
