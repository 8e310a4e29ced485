package sockets

import (
	"net"
	"os"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/waiter"
)

// socket is what conn and datagram share: an endpoint with deadlines, and an end.
type socket struct {
	network       string // "tcp" or "udp"
	ep            tcpip.Endpoint
	queue         *waiter.Queue
	local, remote net.Addr

	closing sync.Once
	closed  chan struct{}
	read    side
	write   side
}

// side is one direction of a socket. Its mutex makes one call wait for another,
// as package net does.
type side struct {
	mu       sync.Mutex
	deadline deadline
	entry    waiter.Entry
	ready    chan struct{} // holds a token after the endpoint may have become ready
}

func newSocket(network string, ep tcpip.Endpoint, queue *waiter.Queue) *socket {
	s := &socket{network: network, ep: ep, queue: queue, closed: make(chan struct{})}
	// A connection that is broken already has none: the zero address then.
	local, _ := ep.GetLocalAddress()
	remote, _ := ep.GetRemoteAddress()
	s.local, s.remote = s.addr(local), s.addr(remote)
	s.read.entry, s.read.ready = waiter.NewChannelEntry(waiter.ReadableEvents)
	s.write.entry, s.write.ready = waiter.NewChannelEntry(waiter.WritableEvents)
	queue.EventRegister(&s.read.entry)
	queue.EventRegister(&s.write.entry)
	return s
}

func (s *socket) addr(a tcpip.FullAddress) net.Addr {
	if s.network == "udp" {
		return udpAddr(a)
	}
	return tcpAddr(a)
}

// stopped returns why nothing more may be done on a side, if so.
func (s *socket) stopped(half *side) error {
	select {
	case <-s.closed:
		return net.ErrClosed
	case <-half.deadline.passed():
		return os.ErrDeadlineExceeded
	default:
		return nil
	}
}

// wait returns when a side may be ready, is past its deadline, or the socket is
// closed.
func (s *socket) wait(half *side) {
	select {
	case <-half.ready:
	case <-half.deadline.passed():
	case <-s.closed:
	}
}

func (s *socket) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: s.network, Source: s.local, Addr: s.remote, Err: err}
}

// Close implements net.Conn.
func (s *socket) Close() error {
	err := s.opError("close", net.ErrClosed)
	s.closing.Do(func() {
		err = nil
		close(s.closed)
		// gVisor would probe a connection in TIME_WAIT, which nobody would know.
		s.ep.SocketOptions().SetKeepAlive(false)
		s.ep.Close()
		s.queue.EventUnregister(&s.read.entry)
		s.queue.EventUnregister(&s.write.entry)
		s.read.deadline.set(time.Time{})
		s.write.deadline.set(time.Time{})
	})
	return err
}

// LocalAddr implements net.Conn.
func (s *socket) LocalAddr() net.Addr { return s.local }

// RemoteAddr implements net.Conn.
func (s *socket) RemoteAddr() net.Addr { return s.remote }

// SetDeadline implements net.Conn.
func (s *socket) SetDeadline(t time.Time) error {
	if err := s.SetReadDeadline(t); err != nil {
		return err
	}
	return s.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (s *socket) SetReadDeadline(t time.Time) error { return s.setDeadline(&s.read, t) }

// SetWriteDeadline implements net.Conn.
func (s *socket) SetWriteDeadline(t time.Time) error { return s.setDeadline(&s.write, t) }

func (s *socket) setDeadline(half *side, t time.Time) error {
	select {
	case <-s.closed:
		return s.opError("set", net.ErrClosed)
	default:
		half.deadline.set(t)
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
	if !t.After(time.Now()) { // at once, before a call that comes next
		close(d.over)
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
