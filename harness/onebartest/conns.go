package onebartest

import (
	"errors"
	"net"
	"sync"

	"github.com/onebar/onebar/harness/relay"
)

// errOff is why nothing works on a machine that is off.
var errOff = errors.New("the machine is off")

// conns are the connections of a side in one of its lives.
type conns struct {
	mu   sync.Mutex
	list []net.Conn
	off  bool
}

// add takes c in. It resets it and returns an error if the machine is off.
func (s *conns) add(c net.Conn) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.off {
		relay.Reset(c)
		return nil, errOff
	}
	s.list = append(s.list, c)
	return c, nil
}

// crash resets every connection, and those to come.
func (s *conns) crash() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.off = true
	for _, c := range s.list {
		relay.Reset(c)
	}
	s.list = nil
}

// listener takes in the connections that are accepted.
type listener struct {
	net.Listener
	conns *conns
}

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.conns.add(c)
}
