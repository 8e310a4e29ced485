// Package freezing stops a part of a Go program where it meets the world, as far as others
// see: what it sends and what it says leaves once it goes on, and it reads nothing before.
// Its goroutines cannot be stopped, and its timers go on.
package freezing

import (
	"context"
	"net"
	"sync"
)

// Gate is what a part of a program does all its output through, and its reads. The zero
// value lets all pass. Its methods may be called from several goroutines.
type Gate struct {
	mu   sync.Mutex
	shut chan struct{} // closed by Thaw; nil is open
	kept []func()      // since the freeze
}

// Freeze shuts the gate. A second call does nothing.
func (g *Gate) Freeze() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut == nil {
		g.shut = make(chan struct{})
	}
}

// Thaw opens the gate and makes the calls that Do has kept, in their order. It does nothing
// if the gate is open.
func (g *Gate) Thaw() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut == nil {
		return
	}
	for _, f := range g.kept {
		f()
	}
	close(g.shut)
	g.shut, g.kept = nil, nil
}

// Drop opens the gate for a part that has been killed: what Do has kept is not done.
func (g *Gate) Drop() {
	g.mu.Lock()
	g.kept = nil
	g.mu.Unlock()
	g.Thaw()
}

// Do calls f, or keeps it until Thaw. f must not block, and must not use the gate.
func (g *Gate) Do(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut != nil {
		g.kept = append(g.kept, f)
		return
	}
	f()
}

// Wait returns once the gate is open, or when ctx ends, with the error of ctx.
func (g *Gate) Wait(ctx context.Context) error {
	for {
		g.mu.Lock()
		shut := g.shut
		g.mu.Unlock()
		if shut == nil {
			return ctx.Err()
		}
		select {
		case <-shut:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// frozen reports whether the gate is shut.
func (g *Gate) frozen() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shut != nil
}

// Conn returns c with the gate before it. A Write while the gate is shut returns at once,
// for the caller may hold a lock, and is sent afterwards; a Close is likewise done
// afterwards. It takes c over.
func (g *Gate) Conn(c net.Conn) net.Conn { return &conn{Conn: c, gate: g} }

type conn struct {
	net.Conn
	gate *Gate

	mu      sync.Mutex
	pending []byte
	sending bool // send runs
	closed  bool // by send, in the end
}

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	_ = c.gate.Wait(context.Background())
	return n, err
}

// Write implements net.Conn.
func (c *conn) Write(b []byte) (int, error) {
	if c.later(func() { c.pending = append(c.pending, b...) }) {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// Close implements net.Conn.
func (c *conn) Close() error {
	if c.later(func() { c.closed = true }) {
		return nil
	}
	return c.Conn.Close()
}

// later notes by do what send is to do, and reports whether it has: not if the gate is open.
func (c *conn) later(do func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return false
	case c.sending:
	case !c.gate.frozen():
		return false
	default:
		c.sending = true
		go c.send()
	}
	do()
	return true
}

// send sends what is pending once the gate is open.
func (c *conn) send() {
	_ = c.gate.Wait(context.Background())
	for {
		c.mu.Lock()
		b := c.pending
		c.pending = nil
		if len(b) == 0 {
			c.sending = false
		}
		closed := c.closed
		c.mu.Unlock()
		switch {
		case len(b) > 0:
			_, _ = c.Conn.Write(b) // the next Read or Write has the error, too
			continue
		case closed:
			_ = c.Conn.Close() // nobody waits for the error any more
		}
		return
	}
}
