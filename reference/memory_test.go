package reference

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/onebar/onebar/harness"
)

// memory is a harness.Network of net.Pipes, for virtual time. What goes wrong
// with a connection is up to fault: it is given the payer and the ordinal of the
// payer's connection, from 0.
type memory struct {
	harness.Network // no more than what is below

	fault func(payer, n int) fault

	mu     sync.Mutex
	accept chan net.Conn
	closed chan struct{}
	dials  map[int]int
	conns  map[int]*faultyConn // the first connection of each payer
}

func newMemory(f func(payer, n int) fault) *memory {
	return &memory{fault: f, dials: map[int]int{}, conns: map[int]*faultyConn{}}
}

// What happens to a connection once some bytes have passed in one direction.
type kind uint8

const (
	none    kind = iota
	cut          // it ends, for both sides
	swallow      // nothing passes any more in either direction, and nobody is told
	oneWay       // nothing passes any more in this direction
	delay        // what follows in this direction comes later, once
)

type fault struct {
	kind  kind
	up    bool // counts bytes from client to server, else from server to client
	after int  // bytes that pass unharmed
	by    time.Duration
}

func (m *memory) Client(i int) harness.Host                { return memoryClient{m, i} }
func (m *memory) Server() harness.Host                     { return memoryServer{m} }
func (*memory) SetProfile(harness.Profile)                 { panic("there is no link to set") }
func (*memory) Inject(harness.Fault) (func() int64, error) { panic("there is no link to fault") }
func (*memory) Close() error                               { return nil }
func (c memoryClient) Listen(context.Context, string, string) (net.Listener, error) {
	panic("a client does not listen")
}

func (memoryServer) DialContext(context.Context, string, string) (net.Conn, error) {
	panic("a server does not dial")
}

type (
	memoryClient struct {
		*memory
		i int
	}
	memoryServer   struct{ *memory }
	memoryListener struct {
		*memory
		closed chan struct{}
		once   sync.Once
	}
	memoryAddr struct{}
)

func (memoryAddr) Network() string { return "tcp" }
func (memoryAddr) String() string  { return "bank:7" }

func (s memoryServer) Listen(context.Context, string, string) (net.Listener, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accept, s.closed = make(chan net.Conn), make(chan struct{})
	return &memoryListener{memory: s.memory, closed: s.closed}, nil
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.accept:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}
func (*memoryListener) Addr() net.Addr { return memoryAddr{} }

// raw opens a connection that nothing happens to.
func (m *memory) raw(ctx context.Context) (net.Conn, error) {
	m.mu.Lock()
	accept, closed := m.accept, m.closed
	m.mu.Unlock()
	here, there := net.Pipe()
	select {
	case accept <- there:
		return here, nil
	case <-closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c memoryClient) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	conn, err := c.raw(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.dials[c.i]
	c.dials[c.i]++
	f := &faultyConn{Conn: conn, fault: c.fault(c.i, n)}
	if n == 0 {
		c.conns[c.i] = f
	}
	return f, nil
}

// faultyConn is the client's end of a connection with a fault.
type faultyConn struct {
	net.Conn
	fault fault

	mu       sync.Mutex
	up, down int    // bytes so far, also those that did not pass
	message  []byte // the first that was written
	dead     bool
}

// pass returns how many of n bytes may pass in a direction, and whether the
// fault comes after them.
func (c *faultyConn) pass(up bool, n int) (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	count := &c.down
	if up {
		count = &c.up
	}
	ok := n
	if c.fault.kind != none && c.fault.up == up && *count+n > c.fault.after {
		ok = max(c.fault.after-*count, 0)
	}
	*count += n
	return ok, ok < n
}

func (c *faultyConn) isDead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead
}

// inject makes the fault happen and reports whether the rest may pass.
func (c *faultyConn) inject() (pass bool, err error) {
	switch c.fault.kind {
	case cut:
		c.Close()
		return false, errors.New("connection reset by peer")
	case swallow:
		c.mu.Lock()
		c.dead = true
		c.mu.Unlock()
	case delay:
		time.Sleep(c.fault.by)
		c.mu.Lock()
		c.fault.kind = none
		c.mu.Unlock()
		return true, nil
	case oneWay, none:
	}
	return false, nil
}

func (c *faultyConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	if c.message == nil {
		c.message = bytes.Clone(b)
	}
	c.mu.Unlock()
	if c.isDead() {
		return len(b), nil
	}
	ok, hit := c.pass(true, len(b))
	if ok > 0 {
		if n, err := c.Conn.Write(b[:ok]); err != nil {
			return n, err
		}
	}
	if !hit {
		return len(b), nil
	}
	pass, err := c.inject()
	if pass {
		n, err := c.Conn.Write(b[ok:])
		return ok + n, err
	}
	return len(b), err
}

func (c *faultyConn) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if err != nil || c.isDead() {
			if err != nil {
				return 0, err
			}
			continue
		}
		ok, hit := c.pass(false, n)
		if !hit {
			return n, nil
		}
		pass, err := c.inject()
		switch {
		case pass:
			return n, nil
		case ok > 0 || err != nil:
			return ok, err
		}
	}
}
