package simnet

import (
	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/simnet/wire"
)

// transfer is the cross traffic of one link in one direction: a connection, and
// another one when that has ended, until it is stopped.
type transfer struct {
	again   access.Event
	host    *host // at the near end
	far     *host
	bulk    access.Bulk // what the near end does
	end     *endpoint
	stopped bool
}

// crossTraffic begins transfers in direction d, or both ways if it is unknown, on
// every one of the links.
func (n *Network) crossTraffic(g *access.Group, d harness.Direction) func() int64 {
	var list []*transfer
	if g == n.hosts.Access {
		for _, h := range n.hosts.Clients {
			h.wake()
		}
	}
	for _, l := range n.hosts.Links(g) {
		for _, what := range access.Transfers(d) {
			t := &transfer{host: l.Near, far: l.Far, bulk: what}
			t.again = access.Event{Rank: l.Near.number(), Run: t.dial}
			n.loop.Set(&t.again, n.loop.Clock())
			list = append(list, t)
		}
	}
	n.loop.Rearm()
	before := g.Delivered()
	return func() int64 {
		for _, t := range list {
			t.stop()
		}
		n.loop.Rearm()
		return g.Delivered() - before
	}
}

func (t *transfer) dial() {
	h := t.host
	to := wire.Addr{IP: t.far.ip, Port: t.bulk.Port()}
	port := h.freePort(to)
	if port == 0 {
		h.n.loop.Set(&t.again, h.n.loop.At()+access.CrossPause)
		return
	}
	t.end = h.endpoint(wire.Addr{IP: h.ip, Port: port}, to, t.bulk)
	t.end.transfer = t
	t.end.TCP.Dial()
	t.end.Serve()
}

func (t *transfer) ended() {
	t.end = nil
	if !t.stopped && !t.host.n.stopped {
		t.host.n.loop.Set(&t.again, t.host.n.loop.At()+access.CrossPause)
	}
}

// stop resets the connection, at the next instant.
func (t *transfer) stop() {
	t.stopped = true
	t.again.Run = func() {
		if t.end != nil {
			t.end.abort()
		}
	}
	t.host.n.loop.Set(&t.again, t.host.n.loop.Clock())
}
