package server

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

	"github.com/onebar/onebar/reference/channel"
	"github.com/onebar/onebar/reference/pay"
)

// ErrClosed is returned by Serve after Shutdown or Kill.
var ErrClosed = errors.New("the server is closed")

// Config is what a server is made from. The zero value of a limit is its default.
type Config struct {
	Service pay.Service // answers the requests
	// Wrap makes the bank's end of a connection that was accepted. The Conn owns the
	// net.Conn from then on. Wrap is called by the loop that accepts, so it must not
	// wait for the network: a handshake belongs to the first Receive.
	Wrap func(net.Conn) Conn

	MaxConns      int // connections at once; default DefaultMaxConns
	MaxPerAddress int // of them, those of one IPv4 address or IPv6 /64; default DefaultMaxPerAddress
	MaxPerWallet  int // of them, those of one wallet that the bank knows; default DefaultMaxPerWallet
	Outstanding   int // requests of one connection that may wait for their answers, further ones are not read; default DefaultOutstanding

	Clock pay.Clock    // the bank's; nil is time.Now
	Log   *slog.Logger // nil discards; a line that repeats is written once a second, with how often
	// BeforeAnswer is called before each answer is sent, to watch the bank or to delay
	// it; nil does nothing. It must not wait, and must not call the Server. A pause that
	// it returns is called next; the answer is sent when pause returns, which it must
	// when ctx ends. Later answers do not wait for a pause. Nil is no pause.
	BeforeAnswer func(key pay.Key) (pause func(ctx context.Context))
}

// Defaults of the limits of [Config].
const (
	DefaultMaxConns = 1024
	// DefaultMaxPerAddress is a quarter of all, so that one address cannot fill the
	// bank, and not less, because a carrier's NAT puts many phones behind one address
	// (RFC 6269).
	DefaultMaxPerAddress = DefaultMaxConns / 4
	// DefaultMaxPerWallet is more than the one that a wallet uses: each change of its
	// network leaves a dead connection behind until the idle time-out.
	DefaultMaxPerWallet = 4
	DefaultOutstanding  = 16
)

func (c Config) withDefaults() Config {
	for _, l := range []struct {
		limit *int
		def   int
	}{
		{&c.MaxConns, DefaultMaxConns},
		{&c.MaxPerAddress, DefaultMaxPerAddress},
		{&c.MaxPerWallet, DefaultMaxPerWallet},
		{&c.Outstanding, DefaultOutstanding},
	} {
		if *l.limit <= 0 {
			*l.limit = l.def
		}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Server brings the requests of wallets to a pay.Service and the answers back. All its
// methods may be called from several goroutines.
type Server struct {
	cfg Config
	log *sparseLog

	ctx  context.Context //nolint:containedctx // the life of the server, ended by Kill and Shutdown
	kill context.CancelFunc

	mu        sync.Mutex
	stopping  bool
	listeners map[net.Listener]bool
	table     table
	busy      sync.WaitGroup // connections and accept loops
}

type conn struct {
	Conn
	raw   net.Conn
	place // under Server.mu
}

// New returns a server that serves nobody yet. It does not close its Service.
func New(cfg Config) *Server {
	cfg = cfg.withDefaults()
	s := &Server{
		cfg: cfg, log: newSparseLog(cfg.Log), listeners: map[net.Listener]bool{},
		table: table{
			total: cfg.MaxConns, perAddress: cfg.MaxPerAddress, perWallet: cfg.MaxPerWallet,
			conns: map[*conn]bool{},
		},
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

// open serves raw in a goroutine of its own, if there is room for it.
func (s *Server) open(raw net.Conn) {
	c := &conn{Conn: s.cfg.Wrap(raw), raw: raw, place: place{address: addressOf(raw.RemoteAddr())}}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		c.abort()
		return
	}
	gone, ok := s.table.add(c)
	if !ok {
		s.log.warn("a connection was refused, there are too many", "open", len(s.table.conns), "from", raw.RemoteAddr())
		c.abort()
		return
	}
	switch {
	case gone == nil:
	case gone.first == 0:
		s.log.warn("a silent connection was closed, to make room", "open", len(s.table.conns), "from", gone.raw.RemoteAddr(), "for", raw.RemoteAddr())
		gone.abort()
	default:
		s.log.warn("an idle connection was closed, to make room", "open", len(s.table.conns), "from", gone.raw.RemoteAddr(), "for", raw.RemoteAddr())
		gone.Close() // its last answer may still be on the way, and a reset would take it back
	}
	s.busy.Go(func() {
		s.serve(c)
		c.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.table.remove(c)
	})
}

// serve reads requests until the connection ends, and returns when all of them
// are answered. Answers without a pause are sent in the order of their requests: one
// group commit makes several known at the same instant, and the scheduler must not
// choose which is sent first.
func (s *Server) serve(c *conn) {
	var answering sync.WaitGroup
	defer answering.Wait()
	slots := make(chan struct{}, s.cfg.Outstanding)
	turn := make(chan struct{}) // closed when the answer before the next one is sent or pauses
	close(turn)
	for {
		in, err := c.Receive()
		if err != nil {
			s.ended(c, err)
			return
		}
		s.received(c)
		select {
		case slots <- struct{}{}:
		case <-s.ctx.Done():
			return
		}
		wait := s.cfg.Service.Submit(c.Payer(), in.Request) // in the order of their arrival
		mine, next := turn, make(chan struct{})
		turn = next
		answering.Go(func() {
			over := sync.OnceFunc(func() { close(next) })
			defer over()
			if a := s.known(c, in, wait); a != nil && s.takeTurn(in.Request.Payment.Key, mine, over) {
				s.send(c, in, a)
			}
			s.mu.Lock()
			s.table.answered(c)
			s.mu.Unlock()
			<-slots
		})
	}
}

// received notes a request of c. Of a wallet with too many connections the oldest
// is closed: it has most likely been dead since the wallet dialed again.
func (s *Server) received(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if gone := s.table.request(c, c.Payer()); gone != nil {
		s.log.info("the oldest connection of a wallet was closed, it has too many", "limit", s.cfg.MaxPerWallet, "payer", gone.payer, "from", gone.raw.RemoteAddr())
		gone.Close()
	}
}

// known waits for the answer to a request. It is nil if the server has been killed.
func (s *Server) known(c *conn, in channel.Incoming, wait func(context.Context) (*pay.Answer, error)) *pay.Answer {
	key := in.Request.Payment.Key
	a, err := wait(s.ctx)
	switch {
	case s.ctx.Err() != nil:
		return nil
	case err != nil:
		s.log.error("a request could not be dealt with", "error", err, "key", key, "payer", c.Payer())
		return &pay.Answer{Key: key, Result: pay.Refused, Reason: pay.Busy, At: s.cfg.Clock.Milli()}
	}
	return a
}

// takeTurn waits until the answer to a request may be sent: until mine is closed, and
// for as long as the answer pauses. A pause is over for the answers behind it. It
// reports false if the server has been killed.
func (s *Server) takeTurn(key pay.Key, mine <-chan struct{}, over func()) bool {
	select {
	case <-mine:
	case <-s.ctx.Done():
		return false
	}
	if s.cfg.BeforeAnswer == nil {
		return true
	}
	if pause := s.cfg.BeforeAnswer(key); pause != nil {
		over()
		pause(s.ctx)
	}
	return s.ctx.Err() == nil
}

func (s *Server) send(c *conn, in channel.Incoming, a *pay.Answer) {
	if err := c.Send(in.Number, a); err != nil {
		s.log.info("an answer could not be sent", "error", err, "key", in.Request.Payment.Key, "to", c.raw.RemoteAddr())
		c.Close()
	}
	if a.Reason == pay.NotEnrolled {
		s.log.warn("a wallet was refused, it is not enrolled", "peer", c.Peer(), "from", c.raw.RemoteAddr())
		c.StopReceiving()
	}
}

func (s *Server) ended(c *conn, err error) {
	from := c.raw.RemoteAddr()
	s.mu.Lock()
	open := s.table.conns[c]
	s.mu.Unlock()
	switch {
	case !open:
		// It had to make room, and that was logged.
	case errors.Is(err, io.EOF), errors.Is(err, channel.ErrStopped), s.ctx.Err() != nil:
		// In order: it was closed by the wallet, or by us.
	case errors.Is(err, channel.ErrProtocol):
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
func (s *Server) stop(do func(*conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = true
	for ln := range s.listeners {
		ln.Close()
	}
	for c := range s.table.conns {
		do(c)
	}
}

// Shutdown stops accepting and reading, waits until the requests that were read
// are answered, and closes the connections. If ctx ends first it kills the
// server and returns ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop(func(c *conn) { c.StopReceiving() })
	done := make(chan struct{})
	go func() {
		s.busy.Wait()
		close(done)
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = fmt.Errorf("shut the server down: %w", ctx.Err())
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
	s.stop((*conn).abort)
}

// abort resets the connection, where it can be reset.
func (c *conn) abort() {
	if l, ok := c.raw.(interface{ SetLinger(sec int) error }); ok {
		_ = l.SetLinger(0) // on failure it is closed in an orderly way, which is as good an end
	}
	c.Close()
}
