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

type side struct {
	mu    sync.Mutex // makes one call wait for another, as package net does
	entry waiter.Entry
	ready chan struct{} // holds a token after the endpoint may have become ready, or the deadline has changed or passed

	deadline sync.Mutex // covers what is below
	over     bool       // the deadline has passed
	timer    *time.Timer
}

func newSocket(network string, ep tcpip.Endpoint, queue *waiter.Queue) *socket {
	s := &socket{network: network, ep: ep, queue: queue, closed: make(chan struct{})}
	// A connection that is broken already has none: the zero address then.
	local, _ := ep.GetLocalAddress()
	remote, _ := ep.GetRemoteAddress()
	s.local, s.remote = addrOf(network, local), addrOf(network, remote)
	s.read.entry, s.read.ready = waiter.NewChannelEntry(waiter.ReadableEvents)
	s.write.entry, s.write.ready = waiter.NewChannelEntry(waiter.WritableEvents)
	queue.EventRegister(&s.read.entry)
	queue.EventRegister(&s.write.entry)
	return s
}

func (s *socket) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// try calls step until the endpoint is ready for it, and returns what step does then.
// The error is that the socket was closed or the deadline passed before. The caller holds
// half.mu.
func (s *socket) try(half *side, step func() tcpip.Error) (tcpip.Error, error) {
	for {
		if s.isClosed() {
			return nil, net.ErrClosed
		}
		if half.late() {
			return nil, os.ErrDeadlineExceeded
		}
		terr := step()
		if _, block := terr.(*tcpip.ErrWouldBlock); !block {
			return terr, nil
		}
		select {
		case <-half.ready:
		case <-s.closed:
		}
	}
}

func (s *socket) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: s.network, Source: s.local, Addr: s.remote, Err: err}
}

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
		s.read.setDeadline(time.Time{})
		s.write.setDeadline(time.Time{})
	})
	return err
}

func (s *socket) LocalAddr() net.Addr { return s.local }

func (s *socket) RemoteAddr() net.Addr { return s.remote }

func (s *socket) SetDeadline(t time.Time) error { return s.setDeadlines(t, &s.read, &s.write) }

func (s *socket) SetReadDeadline(t time.Time) error { return s.setDeadlines(t, &s.read) }

func (s *socket) SetWriteDeadline(t time.Time) error { return s.setDeadlines(t, &s.write) }

func (s *socket) setDeadlines(t time.Time, sides ...*side) error {
	if s.isClosed() {
		return s.opError("set", net.ErrClosed)
	}
	for _, half := range sides {
		half.setDeadline(t)
	}
	return nil
}

func (h *side) late() bool {
	h.deadline.Lock()
	defer h.deadline.Unlock()
	return h.over
}

// setDeadline sets the deadline of calls that wait and of those to come. Zero is none.
func (h *side) setDeadline(t time.Time) {
	h.deadline.Lock()
	defer h.deadline.Unlock()
	if h.timer != nil {
		h.timer.Stop()
		h.timer = nil
	}
	// One that has passed counts at once, before a call that comes next.
	h.over = !t.IsZero() && !t.After(time.Now())
	if !t.IsZero() && !h.over {
		var timer *time.Timer
		timer = time.AfterFunc(time.Until(t), func() {
			h.deadline.Lock()
			defer h.deadline.Unlock()
			if h.timer == timer { // it was not replaced meanwhile
				h.over = true
				h.wake()
			}
		})
		h.timer = timer
	}
	h.wake()
}

// wake makes a call that waits look again.
func (h *side) wake() {
	select {
	case h.ready <- struct{}{}:
	default:
	}
}
