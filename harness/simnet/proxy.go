package simnet

import (
	"net"
	"os"
	"syscall"
	"time"

	"github.com/onebar/onebar/harness/simnet/wire"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
)

// proxy stands for a toxiproxy on the phone, or on another host at the near end of a
// link, between the application and the link, as toxi.InFrontOf puts a real one:
//
//	app ⇄ near [ toxics in force when it was dialed ] far ⇄ link ⇄ server
//
// App and near are the ends of a connection within the host, far is the one that
// was dialed. What ends one side ends the other as it did: a FIN by a FIN, a reset
// by a reset. A toxic that ends the stream closes both, and reset_peer resets both.
//
// It is a socket, so that the event queue serves it in turn: whenever something has
// happened to near or far, and when a toxic has waited long enough.
type proxy struct {
	socket
	near, far *endpoint
	up, down  chain
	over      bool
}

// chain is one direction of a proxy.
type chain struct {
	proxy    *proxy
	from, to *endpoint
	back     *chain
	stages   []*stage // in the order of the stream
	resets   bool     // one of them is reset_peer
	ended    bool     // the end of from's stream has been read
	reset    bool     // and it was a reset, or from has turned out to be gone
	done     bool     // an end has been delivered
}

// front returns what an application that has dialed far is to use: far itself, or at
// the near end of a link, if toxics are in force on it, a connection through them.
func (h *host) front(far *endpoint) (net.Conn, error) {
	n := h.n
	if far.flow == nil || h != far.flow.link.Near {
		return conn{far}, nil
	}
	list := n.toxicsOn(far.flow.link.Group)
	if len(list) == 0 {
		return conn{far}, nil
	}
	port := h.freePort(far.remote)
	if port == 0 {
		far.release(true)
		return nil, os.NewSyscallError("connect", syscall.EADDRNOTAVAIL)
	}
	// Near answers for the server's address: the application need not know.
	app := h.joined(wire.Addr{IP: h.ip, Port: port}, far.remote)
	near := h.joined(far.remote, app.local)
	p := &proxy{near: near, far: far}
	p.init(h, p.pump, p.pump)
	p.up = chain{proxy: p, from: near, to: far, back: &p.down}
	p.down = chain{proxy: p, from: far, to: near, back: &p.up}
	app.proxy, near.proxy, far.proxy = p, p, p
	now := max(n.clock(), n.at)
	for _, t := range list {
		t.hits++
		l := &p.down
		if t.Direction() == harness.Up {
			l = &p.up
		}
		l.stages = append(l.stages, newStage(l, len(l.stages), t.Toxic, now))
		l.resets = l.resets || t.Type == "reset_peer"
	}
	n.mark(&p.socket)
	return conn{app}, nil
}

// joined makes one end of an open connection within the host.
func (h *host) joined(local, remote wire.Addr) *endpoint {
	e := h.endpoint(local, remote, access.NoBulk)
	e.tcp.Join()
	return e
}

// pump moves both streams on as far as they go.
func (p *proxy) pump() {
	now := p.n.at
	for _, l := range []*chain{&p.up, &p.down} {
		for l.step(now) {
		}
	}
	if p.over {
		p.n.events.Set(&p.timer, never)
		return
	}
	p.n.events.Set(&p.timer, min(p.up.wake(now), p.down.wake(now)))
}

// step moves one chunk by one place, the one that is farthest if several could be.
func (l *chain) step(now time.Duration) bool {
	if l.proxy.over {
		return false
	}
	for i := len(l.stages); i >= 0; i-- {
		if i == len(l.stages) && !l.open() || i < len(l.stages) && !l.stages[i].free(now) {
			continue
		}
		from := l.read
		if i > 0 {
			from = func() (chunk, bool) { return l.stages[i-1].pass(now) }
		}
		switch c, ok := from(); {
		case !ok:
			continue
		case i == len(l.stages):
			l.deliver(c)
		default:
			l.stages[i].take(c, now)
		}
		return true
	}
	return false
}

func (l *chain) wake(now time.Duration) time.Duration {
	at := never
	for _, s := range l.stages {
		at = min(at, s.wake(now))
	}
	return at
}

// read takes what has come from the source: bytes, its end, or nothing yet.
func (l *chain) read() (c chunk, ok bool) {
	e := l.from
	switch {
	case l.ended:
		return chunk{}, false
	case e.tcp.Unread() > 0:
		b := make([]byte, min(e.tcp.Unread(), chunkSize))
		e.read(b)
		return chunk{bytesOf, b}, true
	case e.tcp.PeerEnded():
	case e.tcp.Gone():
		l.reset = true
	default:
		return chunk{}, false
	}
	l.ended = true
	return chunk{kind: endOf}, true
}

// open reports whether the destination has room. One that is gone takes all.
func (l *chain) open() bool {
	return l.to.tcp.Gone() || l.to.tcp.Buffered() < l.to.n.sendBuffer
}

// deliver writes what has come through the toxics to the destination.
func (l *chain) deliver(c chunk) {
	switch {
	case c.kind == bytesOf && l.to.tcp.Gone():
		// What that side sent before is still delivered; then it is a reset.
		l.back.reset = true
		if l.back.done {
			l.proxy.end(true)
		}
	case c.kind == bytesOf:
		l.to.write(c.data)
	case l.reset || l.resets:
		l.proxy.end(true)
	case c.kind == cut || l.back.done:
		l.proxy.end(false)
	default:
		l.done = true
		l.to.tcp.CloseWrite()
		l.to.n.mark(&l.to.socket)
	}
}

// end closes both sides. What is still between them is lost.
func (p *proxy) end(reset bool) {
	p.over = true
	p.near.release(reset)
	p.far.release(reset)
}
