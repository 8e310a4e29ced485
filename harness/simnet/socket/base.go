// Package socket is the sockets that the code under test holds: connections ([Stream]) that
// behave like *net.TCPConn, and datagrams ([Datagrams]) that behave like *net.UDPConn, in
// virtual time. A socket does not send: it takes note, and marks itself in its
// [events.Loop], which lets it send a little later.
//
// Methods of package net take the lock of the loop. The caller of any other method holds it.
package socket

import (
	"net"
	"os"
	"sync"
	"time"

	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/simnet/events"
	"github.com/onebar/onebar/harness/simnet/wire"
)

// Base is what connections and datagrams have in common.
type Base struct {
	events.Task // sends what was asked for
	Local       wire.Addr
	Remote      wire.Addr // the zero Addr of datagrams that are not connected

	loop    *events.Loop
	timer   access.Event
	network string // tcp or udp
	whole   armer  // the socket that this is the Base of

	change  sync.Cond // anything a waiting goroutine may be interested in
	closed  bool      // by the application
	readBy  time.Duration
	writeBy time.Duration
	readers int // goroutines that wait
	writers int
}

// armer sets the timer of a socket to the next thing that has a time.
type armer interface{ Rearm() }

func (b *Base) init(l *events.Loop, network string, whole armer, expire func()) {
	b.loop, b.network, b.whole = l, network, whole
	b.timer = access.Event{Rank: b.Number, Run: expire}
	b.change.L = l
	b.readBy, b.writeBy = access.Never, access.Never
}

// Wake wakes the goroutines that wait for something.
func (b *Base) Wake() { b.change.Broadcast() }

// wait waits for a change, or for a deadline. Waiting counts those who do.
func (b *Base) wait(waiting *int, by time.Duration) {
	*waiting++
	if by != access.Never {
		b.whole.Rearm()
		b.loop.Rearm()
	}
	b.change.Wait()
	*waiting--
}

// deadline is the next instant at which a waiting goroutine must be told.
func (b *Base) deadline() time.Duration {
	at := access.Never
	if b.readers > 0 && b.readBy > b.loop.At() {
		at = b.readBy
	}
	if b.writers > 0 && b.writeBy > b.loop.At() {
		at = min(at, b.writeBy)
	}
	return at
}

// late wakes those whose deadline is over.
func (b *Base) late() {
	now := b.loop.At()
	if b.readers > 0 && b.readBy <= now || b.writers > 0 && b.writeBy <= now {
		b.change.Broadcast()
	}
}

// passed reports whether a deadline is over, by the clock.
func (b *Base) passed(by time.Duration) bool { return by != access.Never && b.loop.Clock() >= by }

// opError is an error as package net has it.
func (b *Base) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: b.network, Source: b.LocalAddr(), Addr: b.RemoteAddr(), Err: err}
}

// sysError is opError for an error of a system call.
func (b *Base) sysError(op, call string, err error) error {
	return b.opError(op, os.NewSyscallError(call, err))
}

// LocalAddr implements net.Conn.
func (b *Base) LocalAddr() net.Addr { return b.Local.Net(b.network) }

// RemoteAddr implements net.Conn. It is nil of datagrams that are not connected.
func (b *Base) RemoteAddr() net.Addr {
	if b.Remote == (wire.Addr{}) {
		return nil
	}
	return b.Remote.Net(b.network)
}

// SetDeadline implements net.Conn.
func (b *Base) SetDeadline(t time.Time) error { return b.setDeadlines(t, true, true) }

// SetReadDeadline implements net.Conn.
func (b *Base) SetReadDeadline(t time.Time) error { return b.setDeadlines(t, true, false) }

// SetWriteDeadline implements net.Conn.
func (b *Base) SetWriteDeadline(t time.Time) error { return b.setDeadlines(t, false, true) }

// setDeadlines moves deadlines, and wakes whoever is late now.
func (b *Base) setDeadlines(t time.Time, read, write bool) error {
	return b.set(func() {
		by := b.loop.Offset(t)
		if read {
			b.readBy = by
		}
		if write {
			b.writeBy = by
		}
		if b.readers+b.writers == 0 {
			return
		}
		if b.passed(by) {
			b.change.Broadcast()
		}
		b.whole.Rearm()
		b.loop.Rearm()
	})
}

// set changes a socket that is not closed.
func (b *Base) set(how func()) error {
	b.loop.Lock()
	defer b.loop.Unlock()
	if b.closed {
		return b.opError("set", net.ErrClosed)
	}
	how()
	return nil
}
