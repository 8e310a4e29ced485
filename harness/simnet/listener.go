package simnet

import (
	"net"
	"slices"
	"sync"

	"github.com/onebar/onebar/harness/simnet/wire"
)

// listener is a net.Listener.
type listener struct {
	host   *host
	local  wire.Addr
	change sync.Cond
	ready  []*endpoint // connections not yet accepted, open or broken
	closed bool
}

// hand queues a connection for Accept.
func (l *listener) hand(e *endpoint) {
	if l.closed {
		e.abort()
		return
	}
	l.ready = append(l.ready, e)
	l.change.Signal()
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	l.host.n.loop.Lock()
	defer l.host.n.loop.Unlock()
	for len(l.ready) == 0 && !l.closed {
		l.change.Wait()
	}
	if l.closed {
		return nil, l.opError("accept", net.ErrClosed)
	}
	e := l.ready[0]
	l.ready = slices.Delete(l.ready, 0, 1)
	return &e.Stream, nil
}

func (l *listener) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Addr: l.local.TCP(), Err: err}
}

// Close implements net.Listener. Connections not yet accepted are reset.
func (l *listener) Close() error {
	l.host.n.loop.Lock()
	defer l.host.n.loop.Unlock()
	if l.closed {
		return l.opError("close", net.ErrClosed)
	}
	l.shut()
	return nil
}

// shut closes the listener.
func (l *listener) shut() {
	l.closed = true
	delete(l.host.listeners, l.local.Port)
	for _, e := range l.ready {
		e.Release(true)
	}
	l.ready = nil
	l.change.Broadcast()
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return l.local.TCP() }
