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

func (c *conn) Read(b []byte) (int, error) {
	c.read.mu.Lock()
	defer c.read.mu.Unlock()
	if len(b) == 0 {
		return 0, nil
	}
	w := tcpip.SliceWriter(b)
	var got tcpip.ReadResult
	terr, err := c.try(&c.read, func() (terr tcpip.Error) {
		got, terr = c.ep.Read(&w, tcpip.ReadOptions{})
		return terr
	})
	return got.Count, c.end("read", terr, err)
}

func (c *conn) Write(b []byte) (int, error) {
	c.write.mu.Lock()
	defer c.write.mu.Unlock()
	var r bytes.Reader
	done := 0
	terr, err := c.try(&c.write, func() tcpip.Error {
		for done < len(b) {
			r.Reset(b[done:])
			n, terr := c.ep.Write(&r, tcpip.WriteOptions{})
			done += int(n)
			if terr != nil {
				return terr
			}
		}
		return nil
	})
	return done, c.end("write", terr, err)
}

// end is the error that a call ends with, after try.
func (c *conn) end(op string, terr tcpip.Error, err error) error {
	switch {
	case err != nil:
		return c.opError(op, err)
	case terr != nil:
		return c.failed(op, terr)
	}
	return nil
}

// failed turns an error of the endpoint into one of package net. gVisor says
// only once how a connection broke; whoever asks later is told the same.
func (c *conn) failed(op string, terr tcpip.Error) error {
	if c.isClosed() {
		return c.opError(op, net.ErrClosed)
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
	if c.isClosed() {
		return c.opError("set", net.ErrClosed)
	}
	c.ep.SocketOptions().SetLinger(tcpip.LingerOption{Enabled: seconds == 0})
	return nil
}
