package bank

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/onebar/onebar/reference/channel/noise"
	"github.com/onebar/onebar/reference/pay"
)

// ServerConfig is what a server is made from. The zero value of a limit is its
// default.
type ServerConfig struct {
	Service pay.Service        // answers the requests
	Noise   noise.ServerConfig // the bank's static key, and the limits of one connection

	MaxConns    int // connections at once, further ones are closed at once; default 1024
	Outstanding int // requests of one connection that may wait for their answers, further ones are not read; default 16

	Now   func() time.Time // the bank's clock; default time.Now
	Log   *slog.Logger     // nil discards; a line that repeats is written once a second, with how often
	Hooks Hooks            // BeforeAnswer
}

// Server brings the requests of wallets to a pay.Service and the answers back. All its
// methods may be called from several goroutines.
type Server struct {
	cfg ServerConfig
	log *sparseLog

	ctx  context.Context //nolint:containedctx // the life of the server, ended by Kill and Shutdown
	kill context.CancelFunc

	mu        sync.Mutex
	stopping  bool
	listeners map[net.Listener]bool
	conns     map[*serverConn]bool
	busy      sync.WaitGroup // connections and accept loops
}

// serverConn is one connection.
type serverConn struct {
	*noise.ServerConn
	raw net.Conn
}

// NewServer returns a server that serves nobody yet. It does not close its Service.
func NewServer(cfg ServerConfig) *Server {
	if cfg.MaxConns <= 0 {
		cfg.MaxConns = 1024
	}
	if cfg.Outstanding <= 0 {
		cfg.Outstanding = 16
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		cfg: cfg, log: newSparseLog(cfg.Log),
		listeners: map[net.Listener]bool{}, conns: map[*serverConn]bool{},
	}
	s.ctx, s.kill = context.WithCancel(context.Background())
	return s
}

// Serve accepts connections on ln, which it owns from now on, and serves them
// until Shutdown or Kill; it then returns ErrClosed. An end of ctx is a Kill.
// Any other error means that ln accepts no more.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	defer ln.Close()
	s.mu.Lock()
	if s.stopping {
		s.mu.Unlock()
		return ErrClosed
	}
	s.listeners[ln] = true
	s.busy.Add(1)
	s.mu.Unlock()
	defer s.busy.Done()
	defer context.AfterFunc(ctx, s.abort)()

	const longest = time.Second
	pause := 5 * time.Millisecond
	for {
		conn, err := ln.Accept()
		if err == nil {
			pause = 5 * time.Millisecond
			s.open(conn)
			continue
		}
		switch {
		case s.isStopping():
			return ErrClosed
		case errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF):
			return fmt.Errorf("serve wallets on %v: %w", ln.Addr(), err)
		}
		// Too many open files, or a connection that was gone again: wait and go on.
		s.log.warn("a connection could not be accepted", "error", err)
		select {
		case <-time.After(pause):
			pause = min(2*pause, longest)
		case <-s.ctx.Done():
			return ErrClosed
		}
	}
}

// open serves conn in a goroutine of its own, if there is room for it.
func (s *Server) open(conn net.Conn) {
	c := &serverConn{ServerConn: noise.Server(conn, s.cfg.Noise), raw: conn}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping || len(s.conns) >= s.cfg.MaxConns {
		if !s.stopping {
			s.log.warn("a connection was refused, there are too many", "limit", s.cfg.MaxConns, "from", conn.RemoteAddr())
		}
		c.abort()
		return
	}
	s.conns[c] = true
	s.busy.Go(func() {
		s.serve(c)
		c.Close()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	})
}

// serve reads requests until the connection ends, and returns when all of them
// are answered.
func (s *Server) serve(c *serverConn) {
	var answering sync.WaitGroup
	defer answering.Wait()
	slots := make(chan struct{}, s.cfg.Outstanding)
	for {
		in, err := c.Receive()
		if err != nil {
			s.ended(c, err)
			return
		}
		select {
		case slots <- struct{}{}:
		case <-s.ctx.Done():
			return
		}
		wait := s.cfg.Service.Submit(c.Payer(), in.Request) // in the order of their arrival
		answering.Go(func() {
			s.answer(c, in, wait)
			<-slots
		})
	}
}

// answer waits for the answer to a request and brings it back.
func (s *Server) answer(c *serverConn, in noise.Incoming, wait func(context.Context) (*pay.Answer, error)) {
	key := in.Request.Payment.Key
	a, err := wait(s.ctx)
	if s.ctx.Err() != nil {
		return
	}
	if err != nil {
		s.log.error("a request could not be dealt with", "error", err, "key", key, "payer", c.Payer())
		a = &pay.Answer{Key: key, Result: pay.Refused, Reason: pay.Busy, At: s.cfg.Now().UnixMilli()}
	}
	if s.cfg.Hooks.BeforeAnswer != nil {
		s.cfg.Hooks.BeforeAnswer(s.ctx, key)
		if s.ctx.Err() != nil {
			return
		}
	}
	if err := c.Send(in.Number, a); err != nil {
		s.log.info("an answer could not be sent", "error", err, "key", key, "to", c.raw.RemoteAddr())
		c.Close()
	}
	if a.Reason == pay.NotEnrolled {
		s.log.warn("a wallet was refused, it is not enrolled", "transport", c.Transport(), "from", c.raw.RemoteAddr())
		c.StopReceiving()
	}
}

// ended deals with the end of a connection.
func (s *Server) ended(c *serverConn, err error) {
	from := c.raw.RemoteAddr()
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, noise.ErrStopped), s.ctx.Err() != nil:
		// In order: it was closed by the wallet, or by us.
	case errors.Is(err, noise.ErrProtocol):
		s.log.warn("a connection was closed, it broke the protocol", "error", err, "from", from)
		c.Close()
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.log.info("a connection was closed, it was idle or too slow", "from", from)
	default:
		s.log.info("a connection was lost", "error", err, "from", from)
	}
}

func (s *Server) isStopping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopping
}

// stop ends the accepting and calls do for each connection.
func (s *Server) stop(do func(*serverConn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = true
	for ln := range s.listeners {
		ln.Close()
	}
	for c := range s.conns {
		do(c)
	}
}

// Shutdown stops accepting and reading, waits until the requests that were read
// are answered, and closes the connections. If ctx ends first it kills the
// server and returns ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop(func(c *serverConn) { c.StopReceiving() })
	done := make(chan struct{})
	go func() {
		s.busy.Wait()
		close(done)
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = fmt.Errorf("shut the bank down: %w", ctx.Err())
		s.abort()
		<-done
	}
	s.kill()
	s.log.flush()
	return err
}

// Kill ends the server as a crash of the process would: every connection is
// reset, and nothing more is sent. No goroutine of the server is left when it
// returns.
func (s *Server) Kill() {
	s.abort()
	s.busy.Wait()
	s.log.flush()
}

func (s *Server) abort() {
	s.kill()
	s.stop((*serverConn).abort)
}

// abort resets the connection, where it can be reset.
func (c *serverConn) abort() {
	if l, ok := c.raw.(interface{ SetLinger(sec int) error }); ok {
		_ = l.SetLinger(0) // on failure it is closed in an orderly way, which is as good an end
	}
	c.Close()
}
