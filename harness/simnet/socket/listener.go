package socket

import (
	"net"
	"slices"
	"sync"

	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/simnet/events"
	"github.com/onebar/onebar/harness/simnet/wire"
)

// Listener is a net.Listener. Make it with Listen.
type Listener struct {
	loop   *events.Loop
	Local  wire.Addr
	gone   func()
	change sync.Cond
	ready  []*Stream // connections not yet accepted, open or broken
	closed bool
}

// Listen returns a listener at an address. Gone is called when it closes.
func Listen(l *events.Loop, at wire.Addr, gone func()) *Listener {
	return &Listener{loop: l, Local: at, gone: gone, change: sync.Cond{L: l}}
}

// Full reports whether so many connections wait for Accept that no other is answered.
func (l *Listener) Full() bool { return len(l.ready) >= access.Backlog }

// Hand queues an open connection for Accept. It is false if the listener is closed.
func (l *Listener) Hand(s *Stream) bool {
	if l.closed {
		return false
	}
	l.ready = append(l.ready, s)
	l.change.Signal()
	return true
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	l.loop.Lock()
	defer l.loop.Unlock()
	for len(l.ready) == 0 && !l.closed {
		l.change.Wait()
	}
	if l.closed {
		return nil, l.opError("accept")
	}
	s := l.ready[0]
	l.ready = slices.Delete(l.ready, 0, 1)
	return s, nil
}

func (l *Listener) opError(op string) error {
	return &net.OpError{Op: op, Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
}

// Close implements net.Listener. Connections not yet accepted are reset.
func (l *Listener) Close() error {
	l.loop.Lock()
	defer l.loop.Unlock()
	if l.closed {
		return l.opError("close")
	}
	l.Shut()
	return nil
}

// Shut closes the listener. The caller holds the lock of the loop.
func (l *Listener) Shut() {
	l.closed = true
	l.gone()
	for _, s := range l.ready {
		s.Release(true)
	}
	l.ready = nil
	l.change.Broadcast()
}

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return l.Local.Net("tcp") }
