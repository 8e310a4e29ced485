package simnet

import (
	"net"
	"sync"
	"time"

	"github.com/onebar/onebar/harness/simnet/wire"
)

// socket is what connections and datagrams have in common. Everything in it is
// under the mutex of the network.
type socket struct {
	n      *Network
	host   *host
	number uint64 // of the socket in the network: the order in which sockets are served
	flow   *flow  // nil before the first packet, and within a host
	local  wire.Addr
	remote wire.Addr

	served func() // does what was asked for since the last time; run by the event queue
	marked bool
	timer  event

	change  sync.Cond // anything a waiting goroutine may be interested in
	closed  bool      // by the application
	readBy  time.Duration
	writeBy time.Duration
	readers int // goroutines that wait
	writers int
}

func (s *socket) init(h *host, served, expire func()) {
	s.n, s.host, s.number = h.n, h, h.number()
	s.served = served
	s.timer = event{Rank: s.number, Run: expire}
	s.change.L = &h.n.mu
	s.readBy, s.writeBy = never, never
}

// deadline is the next instant at which a waiting goroutine must be told.
func (s *socket) deadline() time.Duration {
	at := never
	if s.readers > 0 && s.readBy > s.n.at {
		at = s.readBy
	}
	if s.writers > 0 && s.writeBy > s.n.at {
		at = min(at, s.writeBy)
	}
	return at
}

// passed reports whether a deadline is over, by the clock.
func (s *socket) passed(by time.Duration) bool { return by != never && s.n.clock() >= by }

// offset turns a deadline of package net into an offset.
func (s *socket) offset(t time.Time) time.Duration {
	if t.IsZero() {
		return never
	}
	return min(t.Sub(s.n.start), never-1)
}

func (s *socket) opError(network, op string, err error) error {
	e := &net.OpError{Op: op, Net: network, Err: err}
	if network == "udp" {
		e.Source = s.local.UDP()
		if s.remote != (wire.Addr{}) {
			e.Addr = s.remote.UDP()
		}
		return e
	}
	e.Source, e.Addr = s.local.TCP(), s.remote.TCP()
	return e
}
