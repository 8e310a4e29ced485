package sockets

import (
	"bytes"
	"io"
	"net"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"

	"github.com/onebar/onebar/harness/access"
)

// conn is a net.Conn over a gVisor endpoint that behaves like *net.TCPConn, with
// its CloseWrite, SetKeepAlive and SetLinger.
type conn struct {
	*socket
	broken atomic.Pointer[error] // how the connection failed, once it has
}

func newConn(ep tcpip.Endpoint, queue *waiter.Queue) *conn {
	c := &conn{socket: newSocket("tcp", ep, queue)}
	idle, interval := tcpip.KeepaliveIdleOption(access.KeepAlive), tcpip.KeepaliveIntervalOption(access.KeepAlive)
	// These can fail for no value given here.
	_ = ep.SetSockOpt(&idle)
	_ = ep.SetSockOpt(&interval)
	_ = ep.SetSockOptInt(tcpip.KeepaliveCountOption, access.KeepAliveCount)
	ep.SocketOptions().SetKeepAlive(true)
	return c
}

func tcpAddr(a tcpip.FullAddress) *net.TCPAddr {
	return &net.TCPAddr{IP: a.Addr.AsSlice(), Port: int(a.Port)}
}

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	c.read.mu.Lock()
	defer c.read.mu.Unlock()
	if len(b) == 0 {
		return 0, nil
	}
	for {
		if err := c.stopped(&c.read); err != nil {
			return 0, c.opError("read", err)
		}
		w := tcpip.SliceWriter(b)
		got, terr := c.ep.Read(&w, tcpip.ReadOptions{})
		switch terr.(type) {
		case nil:
			return got.Count, nil
		case *tcpip.ErrWouldBlock:
			c.wait(&c.read)
		default:
			return 0, c.failed("read", terr)
		}
	}
}

// Write implements net.Conn.
func (c *conn) Write(b []byte) (int, error) {
	c.write.mu.Lock()
	defer c.write.mu.Unlock()
	var r bytes.Reader
	for done := 0; ; {
		if err := c.stopped(&c.write); err != nil {
			return done, c.opError("write", err)
		}
		if done == len(b) {
			return done, nil
		}
		r.Reset(b[done:])
		n, terr := c.ep.Write(&r, tcpip.WriteOptions{})
		done += int(n)
		switch terr.(type) {
		case nil:
			if done == len(b) {
				return done, nil
			}
		case *tcpip.ErrWouldBlock:
			c.wait(&c.write)
		default:
			return done, c.failed("write", terr)
		}
	}
}

// failed turns an error of the endpoint into one of package net. gVisor says
// only once how a connection broke; whoever asks later is told the same.
func (c *conn) failed(op string, terr tcpip.Error) error {
	select {
	case <-c.closed:
		return c.opError(op, net.ErrClosed)
	default:
	}
	switch terr.(type) {
	case *tcpip.ErrClosedForReceive, *tcpip.ErrClosedForSend:
		if err := c.broken.Load(); err != nil {
			return c.opError(op, *err)
		}
		if tcp.EndpointState(c.ep.State()) == tcp.StateError {
			// The other direction is being told right now.
			return c.opError(op, sysError(op, &tcpip.ErrConnectionReset{}))
		}
		if op == "read" {
			return io.EOF
		}
	case *tcpip.ErrAborted, *tcpip.ErrConnectionAborted, *tcpip.ErrConnectionReset, *tcpip.ErrTimeout:
		err := sysError(op, terr)
		c.broken.Store(&err)
	}
	return c.opError(op, sysError(op, terr))
}

// CloseWrite ends the outgoing stream. It fails if the connection is broken.
func (c *conn) CloseWrite() error {
	if terr := c.ep.Shutdown(tcpip.ShutdownWrite); terr != nil {
		return c.failed("close", terr)
	}
	return nil
}

// SetKeepAlive turns keepalives on, as they are at first, or off.
func (c *conn) SetKeepAlive(on bool) error {
	c.ep.SocketOptions().SetKeepAlive(on)
	return nil
}

// SetLinger makes Close a reset if seconds is 0. Any other value is the default:
// Close ends the stream in order, in the background.
func (c *conn) SetLinger(seconds int) error {
	select {
	case <-c.closed:
		return c.opError("set", net.ErrClosed)
	default:
	}
	c.ep.SocketOptions().SetLinger(tcpip.LingerOption{Enabled: seconds == 0})
	return nil
}
