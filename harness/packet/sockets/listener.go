package sockets

import (
	"net"
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/waiter"
)

// listener is a net.Listener over a gVisor endpoint.
type listener struct {
	ep      tcpip.Endpoint
	queue   *waiter.Queue
	addr    net.Addr
	closing sync.Once
	closed  chan struct{}
}

func newListener(ep tcpip.Endpoint, queue *waiter.Queue) *listener {
	a, _ := ep.GetLocalAddress() // the zero address if it is closed already
	return &listener{ep: ep, queue: queue, addr: addrOf("tcp", a), closed: make(chan struct{})}
}

func (l *listener) Accept() (net.Conn, error) {
	entry, ready := waiter.NewChannelEntry(waiter.ReadableEvents)
	l.queue.EventRegister(&entry)
	defer l.queue.EventUnregister(&entry)
	for {
		ep, queue, terr := l.ep.Accept(nil)
		switch terr.(type) {
		case nil:
			return newConn(ep, queue), nil
		case *tcpip.ErrWouldBlock:
			select {
			case <-ready:
			case <-l.closed:
			}
		case *tcpip.ErrInvalidEndpointState: // closed, or its host is
			return nil, l.opError("accept", net.ErrClosed)
		default:
			return nil, l.opError("accept", sysError("accept", terr))
		}
	}
}

func (l *listener) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Addr: l.addr, Err: err}
}

// Close implements net.Listener. Connections not yet accepted are reset.
func (l *listener) Close() error {
	err := l.opError("close", net.ErrClosed)
	l.closing.Do(func() {
		err = nil
		l.ep.Close()
		close(l.closed)
	})
	return err
}

func (l *listener) Addr() net.Addr { return l.addr }
