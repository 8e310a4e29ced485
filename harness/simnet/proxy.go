package simnet

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"syscall"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/link"
	"github.com/onebar/onebar/harness/simnet/events"
	"github.com/onebar/onebar/harness/simnet/toxic"
	"github.com/onebar/onebar/harness/simnet/wire"
)

// toxicInForce is a stream toxic in force: connections dialed meanwhile get it.
type toxicInForce struct {
	harness.Toxic
	group *access.Group
	hits  int64
}

func (n *Network) beginToxic(g *access.Group, t *harness.Toxic) (end func() int64, err error) {
	if t == nil {
		return nil, errors.New("inject a stream toxic: the fault names none")
	}
	if err := t.Check(); err != nil {
		return nil, fmt.Errorf("inject a stream toxic: %w", err)
	}
	p := &toxicInForce{Toxic: *t, group: g}
	n.toxics = append(n.toxics, p)
	return func() int64 {
		n.toxics = slices.DeleteFunc(n.toxics, func(x *toxicInForce) bool { return x == p })
		return p.hits
	}, nil
}

// toxicsOn returns the stream toxics that a new connection over links gets: those in
// force that are not used up.
func (n *Network) toxicsOn(g *access.Group) []*toxicInForce {
	var list []*toxicInForce
	for _, p := range n.toxics {
		if p.group == g && (p.Connections == 0 || p.hits < p.Connections) {
			list = append(list, p)
		}
	}
	return list
}

// proxy stands for a toxiproxy on the phone, or on another host at the near end of a
// link, between the application and the link, as toxi.InFrontOf puts a real one:
//
//	app ⇄ near [ toxics in force when it was dialed ] far ⇄ link ⇄ server
//
// App and near are the ends of a connection within the host, far is the one that
// was dialed. What ends one side ends the other as it did: a FIN by a FIN, a reset
// by a reset. A toxic that ends the stream closes both, and reset_peer resets both.
//
// Its task runs whenever something has happened to near or far, and when a toxic has waited
// long enough.
type proxy struct {
	events.Task
	loop      *events.Loop
	timer     access.Event
	near, far *endpoint
	up, down  chain
	over      bool
}

// chain is one direction of a proxy. It implements toxic.Ends.
type chain struct {
	toxic.Chain
	proxy    *proxy
	from, to *endpoint
	back     *chain
	ended    bool // the end of from's stream has been read
	reset    bool // and it was a reset, or from has turned out to be gone
	done     bool // an end has been delivered
}

// front returns what an application that has dialed far is to use: far itself, or at
// the near end of a link, if toxics are in force on it, a connection through them.
func (h *host) front(far *endpoint) (net.Conn, error) {
	if far.flow == nil || h != far.flow.link.Near {
		return &far.Stream, nil
	}
	list := h.n.toxicsOn(far.flow.link.Group)
	if len(list) == 0 {
		return &far.Stream, nil
	}
	port := h.freePort(far.Remote)
	if port == 0 {
		far.Release(true)
		return nil, os.NewSyscallError("connect", syscall.EADDRNOTAVAIL)
	}
	// Near answers for the server's address: the application need not know.
	app := h.endpoint(wire.Addr{IP: h.ip, Port: port}, far.Remote, access.NoBulk)
	near := h.endpoint(far.Remote, app.Local, access.NoBulk)
	app.TCP.Join()
	near.TCP.Join()
	p := h.proxy(near, far, list)
	app.proxy, near.proxy, far.proxy = p, p, p
	p.wake()
	return &app.Stream, nil
}

func (h *host) proxy(near, far *endpoint, list []*toxicInForce) *proxy {
	p := &proxy{loop: &h.n.loop, near: near, far: far}
	p.Number, p.Run = h.number(), p.pump
	p.timer = access.Event{Rank: p.Number, Run: p.pump}
	p.up = chain{proxy: p, from: near, to: far, back: &p.down}
	p.down = chain{proxy: p, from: far, to: near, back: &p.up}
	p.up.Draw, p.down.Draw = far.flow.draw(harness.Up), far.flow.draw(harness.Down)
	now := max(p.loop.Clock(), p.loop.At())
	for _, t := range list {
		t.hits++
		l := &p.down
		if t.Direction() == harness.Up {
			l = &p.up
		}
		l.Add(t.Toxic, now)
	}
	return p
}

func (f *flow) draw(d harness.Direction) func(ordinal uint64) *rand.Rand {
	return func(ordinal uint64) *rand.Rand {
		return link.Rand(f.link.n.seed, f.link.ID(d), link.Key{Flow: f.ID, Ordinal: ordinal})
	}
}

// wake is told that something has happened to near or far. A nil proxy is none.
func (p *proxy) wake() {
	if p != nil {
		p.loop.Mark(&p.Task)
	}
}

// pump moves both streams on as far as they go.
func (p *proxy) pump() {
	now := p.loop.At()
	for _, l := range []*chain{&p.up, &p.down} {
		for !p.over && l.Step(now, l) {
		}
	}
	next := access.Never
	if !p.over {
		next = min(p.up.Next(now), p.down.Next(now))
	}
	p.loop.Set(&p.timer, next)
}

func (l *chain) Read() (c toxic.Chunk, ok bool) {
	e := l.from
	switch {
	case l.ended:
		return toxic.Chunk{}, false
	case e.TCP.Unread() > 0:
		b := make([]byte, min(e.TCP.Unread(), toxic.ChunkSize))
		e.Get(b)
		return toxic.Chunk{Kind: toxic.Bytes, Data: b}, true
	case e.TCP.PeerEnded():
	case e.TCP.Gone():
		l.reset = true
	default:
		return toxic.Chunk{}, false
	}
	l.ended = true
	return toxic.Chunk{Kind: toxic.End}, true
}

func (l *chain) HasRoom() bool { return l.to.HasRoom() }

func (l *chain) Deliver(c toxic.Chunk) {
	switch {
	case c.Kind == toxic.Bytes && l.to.TCP.Gone():
		// What that side sent before is still delivered; then it is a reset.
		l.back.reset = true
		if l.back.done {
			l.proxy.end(true)
		}
	case c.Kind == toxic.Bytes:
		l.to.Put(c.Data)
	case l.reset || l.Resets():
		l.proxy.end(true)
	case c.Kind == toxic.Cut || l.back.done:
		l.proxy.end(false)
	default:
		l.done = true
		l.to.EndWrite()
	}
}

// end closes both sides. What is still between them is lost.
func (p *proxy) end(reset bool) {
	p.over = true
	p.near.Release(reset)
	p.far.Release(reset)
}
