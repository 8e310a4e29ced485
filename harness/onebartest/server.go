package onebartest

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/onebar/onebar/harness"
)

// stopTimeout is how long Serve may take to return after its ctx ends, in virtual time.
const stopTimeout = 10 * time.Second

// server is the machine that a Serve runs on.
type server struct {
	env   harness.Env
	host  harness.Host
	serve func(context.Context, net.Listener) error

	mu     sync.Mutex
	addr   string   // of the first listener; the later ones take its port
	now    *serving // the present life, or the last one
	failed error    // Serve returned by itself
}

// serving is one life of a server.
type serving struct {
	listener net.Listener
	conns    conns
	cancel   context.CancelFunc
	done     chan struct{} // closed when Serve has returned
}

// start calls Serve, at the address where it was called before.
func (s *server) start(ctx context.Context) error {
	if err := s.gone(); err != nil {
		return err
	}
	port := "0"
	if s.addr != "" {
		_, port, _ = net.SplitHostPort(s.addr) // it is a listener's
	}
	l, err := s.host.Listen(ctx, "tcp", ":"+port)
	if err != nil {
		return err
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	v := &serving{listener: l, cancel: cancel, done: make(chan struct{})}
	s.mu.Lock()
	s.addr, s.now = l.Addr().String(), v
	s.mu.Unlock()
	go func() {
		defer close(v.done)
		err := s.serve(life, listener{l, &v.conns})
		if life.Err() == nil {
			s.ended(v, err)
		}
	}()
	return nil
}

// ended notes that Serve has returned before its ctx ended. No request is answered any
// more.
func (s *server) ended(v *serving, err error) {
	v.end()
	if err == nil {
		err = fmt.Errorf("it gave no error")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = fmt.Errorf("the server ended %v into the run, before the ctx of Serve did: %w", time.Since(s.env.Start), err)
}

// dial connects from the machine in its present life.
func (s *server) dial(ctx context.Context, address string) (net.Conn, error) {
	c, err := s.host.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	v := s.now
	s.mu.Unlock()
	return v.conns.add(c)
}

// address is where others find the server.
func (s *server) address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addr
}

// err says that the server has ended by itself, if it has.
func (s *server) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// present returns the present life, or the last one; nil before the first.
func (s *server) present() *serving {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// crash kills the server: its memory is up to Serve.
func (s *server) crash() {
	s.present().end()
}

// stop kills the server and waits until it is gone.
func (s *server) stop() error {
	v := s.present()
	if v == nil {
		return nil
	}
	v.end()
	return s.gone()
}

// gone waits until the last life is over.
func (s *server) gone() error {
	v := s.present()
	if v == nil {
		return nil
	}
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-v.done:
		return nil
	case <-timer.C:
		return fmt.Errorf("the server still runs %v after its listener was closed and the ctx of Serve had ended: have Serve return then", stopTimeout)
	}
}

// end closes and resets what the server has open.
func (v *serving) end() {
	v.cancel()
	_ = v.listener.Close() // a second time it is closed already
	v.conns.crash()
}
