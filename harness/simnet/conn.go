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
		case e.tcp.Unread() > 0:
			return e.read(b), nil
		case e.tcp.PeerEnded():
			return 0, io.EOF
		case e.tcp.Gone():
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
		case e.tcp.Gone() || e.tcp.WriteEnded():
			return done, e.broken("write")
		case done == len(b):
			return done, nil
		}
		if room := e.n.sendBuffer - e.tcp.Buffered(); room > 0 {
			n := min(room, len(b)-done)
			e.write(b[done : done+n])
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
	if by != never && !e.tcp.Gone() {
		e.rearm()
		e.n.rearm()
	}
	e.change.Wait()
}

// LocalAddr implements net.Conn.
func (c conn) LocalAddr() net.Addr { return c.e.local.TCP() }

// RemoteAddr implements net.Conn.
func (c conn) RemoteAddr() net.Addr { return c.e.remote.TCP() }
