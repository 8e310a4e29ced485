package toxi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"

	"github.com/onebar/onebar/harness"
)

// proxySet is toxiproxy in this process: it makes connections, knows those that
// are open and which stream toxics new ones get. It has no HTTP socket.
type proxySet struct {
	server *toxiproxy.ApiServer

	dialing  sync.Mutex // pairs a dial of listener with its accept
	listener *net.TCPListener

	mu      sync.Mutex
	closed  bool
	conns   map[*conn]struct{}
	inForce []*toxicInForce // in force, oldest first
}

func newProxySet(ctx context.Context) (*proxySet, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", loopback(0))
	if err != nil {
		return nil, fmt.Errorf("listen on a loopback port: %w", err)
	}
	toxics.Register(toxicType, new(toxic)) // it locks, and may be repeated
	return &proxySet{
		// toxiproxy's log says what the history says better.
		server:   toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()),
		listener: l.(*net.TCPListener),
		conns:    map[*conn]struct{}{},
	}, nil
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// begin puts a stream toxic on connections joined from now on, until end.
func (p *proxySet) begin(t *harness.Toxic) (end func() (hits int64), err error) {
	if t == nil {
		return nil, errors.New("inject a stream toxic: the fault names none")
	}
	if err := t.Check(); err != nil {
		return nil, fmt.Errorf("inject a stream toxic: %w", err)
	}
	s := &toxicInForce{Toxic: *t}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inForce = append(p.inForce, s)
	return func() int64 {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.inForce = slices.DeleteFunc(p.inForce, func(x *toxicInForce) bool { return x == s })
		return s.hits.Load()
	}, nil
}

// toxics returns the stream toxics that a new connection gets: those in force that
// are not used up.
func (p *proxySet) toxics() []*toxicInForce {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []*toxicInForce
	for _, s := range p.inForce {
		if s.Connections == 0 || s.given < s.Connections {
			s.given++
			list = append(list, s)
		}
	}
	return list
}

// join carries a new loopback connection to far through the flows and the stream
// toxics, and returns the app's end of it. It owns far from now on.
func (p *proxySet) join(ctx context.Context, far net.Conn, up, down *flow, list []*toxicInForce) (net.Conn, error) {
	app, near, err := p.pair(ctx)
	if err != nil {
		far.Close()
		return nil, err
	}
	c := newConn(p.server, near, far)
	err = c.put(up, down, list)
	p.mu.Lock()
	if p.closed {
		err = net.ErrClosed
	}
	if err == nil {
		p.conns[c] = struct{}{}
		// Under the lock: close must see it started or not at all.
		c.run(p.server, p.forget)
	}
	p.mu.Unlock()
	if err != nil {
		for _, s := range []net.Conn{app, near, far} {
			s.Close()
		}
		return nil, err
	}
	for _, s := range list {
		s.hits.Add(1)
	}
	return app, nil
}

func (p *proxySet) forget(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// pair returns the two ends of a new loopback connection.
func (p *proxySet) pair(ctx context.Context) (app, near net.Conn, err error) {
	p.dialing.Lock()
	defer p.dialing.Unlock()
	var d net.Dialer
	app, err = d.DialContext(ctx, "tcp", p.listener.Addr().String())
	if err != nil {
		return nil, nil, err
	}
	for {
		near, err = p.listener.Accept()
		if err != nil {
			app.Close()
			return nil, nil, err
		}
		if near.RemoteAddr().String() == app.LocalAddr().String() {
			return app, near, nil
		}
		near.Close() // left over from a dial that was given up
	}
}

// reset resets every open connection and returns how many there were.
func (p *proxySet) reset() int {
	list := p.open()
	for _, c := range list {
		c.end(true)
	}
	return len(list)
}

func (p *proxySet) open() []*conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Keys(p.conns))
}

// close resets every connection, and waits until they are gone. No connection
// can be made afterwards.
func (p *proxySet) close() error {
	p.mu.Lock()
	again := p.closed
	p.closed = true
	p.mu.Unlock()
	if again {
		return nil
	}
	err := p.listener.Close()
	for _, c := range p.open() {
		c.end(true)
		<-c.gone
	}
	return err
}
