package toxi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"

	"github.com/onebar/onebar/harness"
)

// board is toxiproxy in this process: it makes connections, knows those that
// are open and which stock toxics new ones get. It has no HTTP socket.
type board struct {
	server *toxiproxy.ApiServer

	dialing  sync.Mutex // pairs a dial of listener with its accept
	listener *net.TCPListener

	mu     sync.Mutex
	closed bool
	conns  map[*conn]struct{}
	stock  []*stock // in force, oldest first
}

func newBoard(ctx context.Context) (*board, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", loopback(0))
	if err != nil {
		return nil, fmt.Errorf("listen on a loopback port: %w", err)
	}
	toxics.Register(toxicType, new(toxic)) // it locks, and may be repeated
	return &board{
		// toxiproxy's log says what the history says better.
		server:   toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()),
		listener: l.(*net.TCPListener),
		conns:    map[*conn]struct{}{},
	}, nil
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// begin puts a stock toxic on connections joined from now on, until end.
func (b *board) begin(t *harness.Toxic) (end func() (hits int64), err error) {
	if t == nil {
		return nil, errors.New("inject a stream toxic: the fault names none")
	}
	if err := t.Check(); err != nil {
		return nil, fmt.Errorf("inject a stream toxic: %w", err)
	}
	s := &stock{Toxic: *t}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stock = append(b.stock, s)
	return func() int64 {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.stock = slices.DeleteFunc(b.stock, func(x *stock) bool { return x == s })
		return s.hits.Load()
	}, nil
}

// toxics returns the stock toxics that a new connection gets: those in force that
// are not used up.
func (b *board) toxics() []*stock {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []*stock
	for _, s := range b.stock {
		if s.Connections == 0 || s.given < s.Connections {
			s.given++
			list = append(list, s)
		}
	}
	return list
}

// join carries a new loopback connection to far through the flows and the stock
// toxics, and returns the app's end of it. It owns far from now on.
func (b *board) join(ctx context.Context, far net.Conn, up, down *flow, list []*stock) (net.Conn, error) {
	app, near, err := b.pair(ctx)
	if err != nil {
		far.Close()
		return nil, err
	}
	c := newConn(b.server, near, far)
	err = c.put(up, down, list)
	b.mu.Lock()
	if b.closed {
		err = net.ErrClosed
	}
	if err == nil {
		b.conns[c] = struct{}{}
		// Under the lock: close must see it started or not at all.
		c.run(b.server, b.forget)
	}
	b.mu.Unlock()
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

func (b *board) forget(c *conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.conns, c)
}

// pair returns the two ends of a new loopback connection.
func (b *board) pair(ctx context.Context) (app, near net.Conn, err error) {
	b.dialing.Lock()
	defer b.dialing.Unlock()
	var d net.Dialer
	app, err = d.DialContext(ctx, "tcp", b.listener.Addr().String())
	if err != nil {
		return nil, nil, err
	}
	for {
		near, err = b.listener.Accept()
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
func (b *board) reset() int {
	list := b.open()
	for _, c := range list {
		c.end(true)
	}
	return len(list)
}

func (b *board) open() []*conn {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]*conn, 0, len(b.conns))
	for c := range b.conns {
		list = append(list, c)
	}
	return list
}

// close resets every connection, and waits until they are gone. No connection
// can be made afterwards.
func (b *board) close() error {
	b.mu.Lock()
	again := b.closed
	b.closed = true
	b.mu.Unlock()
	if again {
		return nil
	}
	err := b.listener.Close()
	for _, c := range b.open() {
		c.end(true)
		<-c.gone
	}
	return err
}
