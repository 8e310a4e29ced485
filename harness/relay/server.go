package relay

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// acceptPause is the wait after a failed Accept, such as one out of file
// descriptors, before the next try.
const acceptPause = 10 * time.Millisecond

// DialFunc opens the other side of an accepted connection.
type DialFunc func(context.Context) (net.Conn, error)

// Server relays every connection of a listener. Serve makes one.
type Server struct {
	listener net.Listener
	dial     DialFunc
	cancel   context.CancelFunc
	running  sync.WaitGroup
}

// Serve accepts connections on l until Close and joins each to a connection of
// its own from dial, which may be called from several goroutines at once. If
// dial fails the accepted connection is reset. The server owns l. The context
// ends the relayed connections when it is done, and goes to dial; Close is
// needed all the same.
func Serve(ctx context.Context, l net.Listener, dial DialFunc) *Server {
	ctx, cancel := context.WithCancel(ctx)
	s := &Server{listener: l, dial: dial, cancel: cancel}
	s.running.Go(func() { s.accept(ctx) })
	return s
}

// Addr is the address the server listens on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Close stops listening and resets every connection. No goroutine of the
// server is left when it returns. A second Close does nothing.
func (s *Server) Close() error {
	err := s.listener.Close()
	s.cancel()
	s.running.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (s *Server) accept(ctx context.Context) {
	for {
		c, err := s.listener.Accept()
		if err == nil {
			s.running.Go(func() { s.relay(ctx, c) })
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(acceptPause):
		}
	}
}

func (s *Server) relay(ctx context.Context, c net.Conn) {
	up, err := s.dial(ctx)
	if err != nil {
		Reset(c)
		return
	}
	// How a relayed connection ended is told to its two ends, by Join.
	_ = Join(ctx, c, up)
}
