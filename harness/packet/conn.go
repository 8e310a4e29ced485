package packet

import (
	"bytes"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// conn is a net.Conn over a gVisor endpoint that behaves like *net.TCPConn, with
// its CloseWrite and SetLinger.
type conn struct {
	ep            tcpip.Endpoint
	queue         *waiter.Queue
	local, remote *net.TCPAddr
	broken        atomic.Pointer[error] // how the connection failed, once it has

	closing sync.Once
	closed  chan struct{}
	read    side
	write   side
}

// side is one direction of a conn. Its mutex makes one call wait for another,
// as package net does.
type side struct {
	mu       sync.Mutex
	deadline deadline
	entry    waiter.Entry
	ready    chan struct{} // holds a token after the endpoint may have become ready
}

func newConn(ep tcpip.Endpoint, queue *waiter.Queue) *conn {
	c := &conn{ep: ep, queue: queue, closed: make(chan struct{})}
	c.local, c.remote = new(net.TCPAddr), new(net.TCPAddr)
	if a, err := ep.GetLocalAddress(); err == nil {
		c.local = tcpAddr(a)
	}
	if a, err := ep.GetRemoteAddress(); err == nil {
		c.remote = tcpAddr(a)
	}
	c.read.entry, c.read.ready = waiter.NewChannelEntry(waiter.ReadableEvents)
	c.write.entry, c.write.ready = waiter.NewChannelEntry(waiter.WritableEvents)
	queue.EventRegister(&c.read.entry)
	queue.EventRegister(&c.write.entry)

	idle, interval := tcpip.KeepaliveIdleOption(keepAlive), tcpip.KeepaliveIntervalOption(keepAlive)
	// These can fail for no value given here.
	_ = ep.SetSockOpt(&idle)
	_ = ep.SetSockOpt(&interval)
	_ = ep.SetSockOptInt(tcpip.KeepaliveCountOption, keepAliveCount)
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

// stopped returns why nothing more may be done on s, if so.
func (c *conn) stopped(s *side) error {
	select {
	case <-c.closed:
		return net.ErrClosed
	case <-s.deadline.passed():
		return os.ErrDeadlineExceeded
	default:
		return nil
	}
}

// wait returns when s may be ready, is past its deadline, or c is closed.
func (c *conn) wait(s *side) {
	select {
	case <-s.ready:
	case <-s.deadline.passed():
	case <-c.closed:
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

func (c *conn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}

// Close implements net.Conn.
func (c *conn) Close() error {
	err := c.opError("close", net.ErrClosed)
	c.closing.Do(func() {
		err = nil
		close(c.closed)
		c.ep.Close()
		c.queue.EventUnregister(&c.read.entry)
		c.queue.EventUnregister(&c.write.entry)
		c.read.deadline.set(time.Time{})
		c.write.deadline.set(time.Time{})
	})
	return err
}

// CloseWrite ends the outgoing stream. It fails if the connection is broken.
func (c *conn) CloseWrite() error {
	if terr := c.ep.Shutdown(tcpip.ShutdownWrite); terr != nil {
		return c.failed("close", terr)
	}
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

// LocalAddr implements net.Conn.
func (c *conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn.
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error { return c.setDeadline(&c.read, t) }

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.setDeadline(&c.write, t) }

func (c *conn) setDeadline(s *side, t time.Time) error {
	select {
	case <-c.closed:
		return c.opError("set", net.ErrClosed)
	default:
		s.deadline.set(t)
		return nil
	}
}

// deadline closes a channel at a time that can be moved. The zero deadline is
// none.
type deadline struct {
	mu    sync.Mutex
	timer *time.Timer
	over  chan struct{} // closed when passed; nil if never set
}

// passed returns a channel that is closed once the deadline has passed.
func (d *deadline) passed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over == nil {
		d.over = make(chan struct{})
	}
	return d.over
}

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	// A waiter holds the channel, so it is replaced only if it is closed. A
	// timer that has fired and not yet run finds its channel replaced too.
	if d.over == nil || isClosed(d.over) {
		d.over = make(chan struct{})
	}
	if t.IsZero() {
		return
	}
	over := d.over
	var timer *time.Timer
	timer = time.AfterFunc(time.Until(t), func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.timer == timer {
			close(over)
			d.timer = nil
		}
	})
	d.timer = timer
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
