package simnet

import (
	"io"
	"net"
	"os"
	"time"
)

// conn is a net.Conn over an endpoint that behaves like *net.TCPConn, with its
// CloseWrite, SetKeepAlive and SetLinger.
type conn struct{ e *endpoint }

// Read implements net.Conn.
func (c conn) Read(b []byte) (int, error) {
	e := c.e
	e.n.mu.Lock()
	defer e.n.mu.Unlock()
	for {
		switch {
		case e.closed:
			return 0, e.opError("tcp", "read", net.ErrClosed)
		case len(b) == 0:
			return 0, nil
		case e.passed(e.readBy):
			return 0, e.opError("tcp", "read", os.ErrDeadlineExceeded)
		case e.unread() > 0:
			n, update := e.read(b)
			if update && e.state == open {
				e.windowAsked = true
				e.n.mark(&e.socket)
			}
			return n, nil
		case e.finRcvd:
			return 0, io.EOF
		case e.state == gone:
			return 0, e.broken("read")
		}
		e.readers++
		e.wait(e.readBy)
		e.readers--
	}
}

// Write implements net.Conn. It does not wait for the network unless
// Engine.SendBuffer is full.
func (c conn) Write(b []byte) (int, error) {
	e := c.e
	e.n.mu.Lock()
	defer e.n.mu.Unlock()
	for done := 0; ; {
		switch {
		case e.closed:
			return done, e.opError("tcp", "write", net.ErrClosed)
		case e.passed(e.writeBy):
			return done, e.opError("tcp", "write", os.ErrDeadlineExceeded)
		case e.state == gone || e.finAsked:
			return done, e.broken("write")
		case done == len(b):
			return done, nil
		}
		if room := e.n.sendBuffer - len(e.buf); room > 0 {
			n := min(room, len(b)-done)
			e.written(b[done : done+n])
			done += n
			if done == len(b) {
				return done, nil
			}
			continue
		}
		e.writers++
		e.wait(e.writeBy)
		e.writers--
	}
}

// wait waits for a change, or for a deadline.
func (e *endpoint) wait(by time.Duration) {
	if by != never && e.state != gone {
		e.rearm()
		e.n.rearm()
	}
	e.change.Wait()
}

// LocalAddr implements net.Conn.
func (c conn) LocalAddr() net.Addr { return c.e.local.tcp() }

// RemoteAddr implements net.Conn.
func (c conn) RemoteAddr() net.Addr { return c.e.remote.tcp() }
