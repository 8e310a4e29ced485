package simnet

import (
	"net"
	"os"
	"syscall"
	"time"
)

// broken is the error of an operation on a connection that is over, or whose
// stream the application has ended.
func (e *endpoint) broken(op string) error {
	err := e.tcp.Failure()
	if err == nil {
		err = syscall.EPIPE
		if op == "read" {
			err = syscall.ECONNRESET
		}
	}
	return e.opError("tcp", op, os.NewSyscallError(op, err))
}

// Close implements net.Conn. The stream ends in order, in the background; if data
// has come that nobody has read, or after SetLinger(0), by a reset.
func (c conn) Close() error {
	e := c.e
	e.n.mu.Lock()
	defer e.n.mu.Unlock()
	if e.closed {
		return e.opError("tcp", "close", net.ErrClosed)
	}
	e.release(e.noLinger)
	e.change.Broadcast()
	return nil
}

// CloseWrite ends the outgoing stream. It fails if the connection is broken.
func (c conn) CloseWrite() error {
	e := c.e
	e.n.mu.Lock()
	defer e.n.mu.Unlock()
	switch {
	case e.closed:
		return e.opError("tcp", "close", net.ErrClosed)
	case e.tcp.Failure() != nil:
		return e.broken("shutdown")
	}
	e.tcp.CloseWrite()
	e.ask()
	return nil
}

// SetDeadline implements net.Conn.
func (c conn) SetDeadline(t time.Time) error { return c.setDeadlines(t, true, true) }

// SetReadDeadline implements net.Conn.
func (c conn) SetReadDeadline(t time.Time) error { return c.setDeadlines(t, true, false) }

// SetWriteDeadline implements net.Conn.
func (c conn) SetWriteDeadline(t time.Time) error { return c.setDeadlines(t, false, true) }

func (c conn) setDeadlines(t time.Time, read, write bool) error {
	return c.change(func(e *endpoint) {
		e.setDeadlines(t, read, write)
		if e.readers+e.writers > 0 {
			e.rearm()
			e.n.rearm()
		}
	})
}

// SetKeepAlive turns keepalives on, as they are at first, or off.
func (c conn) SetKeepAlive(on bool) error {
	return c.change(func(e *endpoint) {
		e.tcp.SetKeepAlive(e.n.clock(), on)
		e.rearm()
		e.n.rearm()
	})
}

// SetLinger makes Close a reset if seconds is 0. Any other value is the default:
// Close ends the stream in order, in the background.
func (c conn) SetLinger(seconds int) error {
	return c.change(func(e *endpoint) { e.noLinger = seconds == 0 })
}

// SetNoDelay exists for code that expects a *net.TCPConn: data is never delayed.
func (c conn) SetNoDelay(bool) error { return c.change(func(*endpoint) {}) }

func (c conn) change(how func(*endpoint)) error {
	c.e.n.mu.Lock()
	defer c.e.n.mu.Unlock()
	if c.e.closed {
		return c.e.opError("tcp", "set", net.ErrClosed)
	}
	how(c.e)
	return nil
}

// setDeadlines moves the deadlines of a socket and wakes whoever is late now.
func (s *socket) setDeadlines(t time.Time, read, write bool) {
	by := s.offset(t)
	if read {
		s.readBy = by
	}
	if write {
		s.writeBy = by
	}
	if s.readers+s.writers > 0 && s.passed(by) {
		s.change.Broadcast()
	}
}
