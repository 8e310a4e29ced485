// Package subject puts a payment system under test together from parts that were
// written by others: a client, a server and a ledger, each of any kind.
//
//	Client -> link of its wallet -> Server
//	                                   \-> Ledger, read beside the links
//
// [New] makes a harness.Subject of [Parts]. It gives each wallet a way over its
// own link to the server's real address: a dialer for clients in this process, and
// a loopback address for programs. What parts do is up to the packages below this
// one; they know this package and never each other.
//
// All of it happens in real time: programs have no other.
package subject

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/relay"
)

// Parts are the three parts of a subject, none of them nil, and what is between.
type Parts struct {
	Client Client
	Server Server
	Ledger Ledger

	TLS *Termination // nil passes TLS through

	// Trace is told what the parts do, step by step, from several goroutines at once.
	// Nil is nobody.
	Trace func(harness.Step)
}

// DialFunc opens a TCP connection to the server.
type DialFunc func(context.Context) (net.Conn, error)

// Env is what the parts of one run share.
type Env struct {
	Workload harness.Workload
	Seed     uint64
	Start    time.Time // the instant of offset 0
	Dir      string    // for files of the parts, which live until the run is judged
	Observer harness.Observer
	Log      *slog.Logger // never nil
	Accounts *Accounts
	Asked    *Asked
	Trace    func(harness.Step) // see Parts; nil is nobody, and then no step need be made

	Server string            // host:port at which the server really is; empty until it has started
	Beside map[string]string // host:port of what the server has started beside itself, by name; set by its Start
	Direct DialFunc          // to the server, beside the links: for setting up and for the ledger

	// Dial opens a connection to the server over the link of a wallet.
	Dial func(ctx context.Context, wallet int) (net.Conn, error)
	// Listen returns a loopback address that leads to the server over the link of a
	// wallet. It lasts until the subject is closed.
	Listen func(ctx context.Context, wallet int) (address string, err error)
	// Tunnel gives the link of a wallet to a machine outside, in place of one that had
	// it before, where the server is at the address Inside. Nil if the engine has no
	// such thing.
	Tunnel func(wallet int, device io.ReadWriteCloser) (harness.Tunnel, error)
	Inside string
}

// Client is the payers' side. It may also be a Crasher, a Freezer, a Holder and a
// harness.Breaker.
type Client interface {
	// Start prepares a payer for each wallet, and may set accounts up at the
	// server, which is running.
	Start(ctx context.Context, env *Env) error
	// Payer is as in harness.Subject.
	Payer(i int) harness.Payer
	// Close ends it and frees everything.
	Close() error
}

// Server is the payment server. It may also be a Crasher, a Freezer and a
// harness.Breaker.
type Server interface {
	// Start brings the server up and returns the host:port where it answers. The
	// context covers the start only. Env.Server and the ways to it are not there yet.
	Start(ctx context.Context, env *Env) (address string, err error)
	// Close ends what Start has begun. A server that was there before is left alone.
	Close() error
}

// Ledger reads what the server has booked.
type Ledger interface {
	// Read returns the ledger, with the accounts' names as the scenario has them, see
	// Env.Accounts, and Posting.Payment set as far as postings can be matched, see
	// Env.Asked.
	Read(ctx context.Context, env *Env) (harness.Ledger, error)
	// Close frees what Read has used.
	Close() error
}

// Opener is a Ledger that is to be told when a run begins: what it holds then is
// none of the run's.
type Opener interface {
	// Open is called when the server runs and the client has set its accounts up,
	// and before the first payment.
	Open(ctx context.Context, env *Env) error
}

// Crasher is a Client or Server that can be killed, without a chance to say
// anything, and started again with what it had stored.
type Crasher interface {
	Crash() error
	// Restart brings it up again. A server's address may be another one then, which
	// it returns; a client's is empty.
	Restart(ctx context.Context) (address string, err error)
}

// Freezer is a Client or Server that can be stopped where it stands, as by
// SIGSTOP.
type Freezer interface {
	Freeze() error
	// Thaw lets it go on. If it is not frozen, or has been killed, it is left as it is.
	Thaw() error
}

// Holder is a Client that may be able to say which payments its payers still hold.
type Holder interface {
	// Holds reports whether it can: it may depend on how the client was made.
	Holds() bool
	// Held is as in harness.Holder.
	Held(ctx context.Context) (payments []string, err error)
}

// Tell tells of a step that has just ended, if somebody looks on.
func (e *Env) Tell(s harness.Step) {
	if e.Trace != nil {
		s.At = time.Since(e.Start)
		e.Trace(s)
	}
}

// New returns a subject that has not been started. It is also a harness.Crasher,
// a harness.Freezer, a harness.Holder and a harness.Breaker, as far as its parts are.
func New(p Parts) harness.Subject { return &subject{parts: p} }

type subject struct {
	parts Parts
	env   *Env
	far   *relay.Server // on the server's host of the network
	done  context.CancelFunc

	mu    sync.Mutex
	real  string          // the server's address now
	doors []*relay.Server // one a Listen
}

// Start implements harness.Subject.
func (s *subject) Start(ctx context.Context, env harness.Env) error {
	life, done := context.WithCancel(context.Background())
	s.done = done
	s.env = &Env{
		Workload: env.Workload, Seed: env.Seed, Start: env.Start, Dir: env.Dir, Observer: env.Observer, Log: env.Log,
		Accounts: &Accounts{}, Asked: &Asked{}, Trace: s.parts.Trace,
	}
	begun := time.Now()
	address, err := s.parts.Server.Start(ctx, s.env)
	if err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	s.env.Tell(harness.Step{Part: "server", Title: "answers at " + address, Took: time.Since(begun)})
	s.move(address)
	inner, err := env.Network.Server().Listen(ctx, "tcp", ":0")
	if err != nil {
		return fmt.Errorf("listen before the server: %w", err)
	}
	s.env.Server, s.env.Direct = address, s.direct
	target := inner.Addr().String()
	reach := relay.DialFunc(s.direct)
	if t := s.parts.TLS; t != nil {
		inner, reach = t.listen(inner), t.dial(reach, address)
		if s.env.Direct, err = s.beside(ctx, life, reach); err != nil {
			return err
		}
	}
	if env.Reached != nil {
		w, ahead := &watch{reached: env.Reached}, reach
		reach = func(ctx context.Context) (net.Conn, error) { return w.conn(ahead(ctx)) }
	}
	s.far = relay.Serve(life, inner, reach)
	s.env.Dial = func(ctx context.Context, wallet int) (net.Conn, error) {
		return env.Network.Client(wallet).DialContext(ctx, "tcp", target)
	}
	if t, ok := env.Network.(harness.Tunneler); ok {
		s.env.Tunnel, s.env.Inside = t.Tunnel, target
	}
	s.env.Listen = func(ctx context.Context, wallet int) (string, error) { return s.door(ctx, life, wallet) }
	if err := s.parts.Client.Start(ctx, s.env); err != nil {
		return fmt.Errorf("start the client: %w", err)
	}
	if o, ok := s.parts.Ledger.(Opener); ok {
		if err := o.Open(ctx, s.env); err != nil {
			return fmt.Errorf("open the ledger: %w", err)
		}
	}
	return nil
}

// beside returns a way to the server beside the links on which it shows the
// certificate that it shows on them.
func (s *subject) beside(ctx, life context.Context, reach relay.DialFunc) (DialFunc, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen before the server: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doors = append(s.doors, relay.Serve(life, s.parts.TLS.listen(l), reach))
	address := l.Addr().String()
	return func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", address)
	}, nil
}

// move takes note of where the server is.
func (s *subject) move(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.real = address
}

// direct dials the server where it is now.
func (s *subject) direct(ctx context.Context) (net.Conn, error) {
	s.mu.Lock()
	address := s.real
	s.mu.Unlock()
	var d net.Dialer
	return d.DialContext(ctx, "tcp", address)
}

// door opens a loopback listener whose connections cross the link of a wallet.
func (s *subject) door(ctx, life context.Context, wallet int) (string, error) {
	var config net.ListenConfig
	outer, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("listen for the program of wallet %d: %w", wallet, err)
	}
	d := relay.Serve(life, outer, func(ctx context.Context) (net.Conn, error) { return s.env.Dial(ctx, wallet) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doors = append(s.doors, d)
	return outer.Addr().String(), nil
}

// Payer implements harness.Subject.
func (s *subject) Payer(i int) harness.Payer {
	return payer{s.parts.Client.Payer(i), s.env.Asked}
}

// payer takes note of what is asked.
type payer struct {
	harness.Payer
	asked *Asked
}

// Pay implements harness.Payer.
func (p payer) Pay(ctx context.Context, hp harness.Payment) error {
	p.asked.Add(hp)
	return p.Payer.Pay(ctx, hp)
}

// Ledger implements harness.Subject.
func (s *subject) Ledger(ctx context.Context) (harness.Ledger, error) {
	return s.parts.Ledger.Read(ctx, s.env)
}

// Close implements harness.Subject.
func (s *subject) Close() error {
	errs := []error{s.parts.Client.Close(), s.parts.Ledger.Close()}
	if s.done != nil {
		s.done()
	}
	s.mu.Lock()
	doors := s.doors
	s.doors = nil
	s.mu.Unlock()
	for _, d := range doors {
		errs = append(errs, d.Close())
	}
	if s.far != nil {
		errs = append(errs, s.far.Close())
	}
	return errors.Join(append(errs, s.parts.Server.Close())...)
}

// Abilities implements harness.Subject: what its parts can. Requests are followed
// since what the server gets passes through here.
func (s *subject) Abilities() harness.Abilities {
	can := harness.FollowRequests
	for _, side := range []harness.Side{harness.Client, harness.Server} {
		if _, ok := s.part(side).(Crasher); ok {
			can |= harness.CrashOf(side)
		}
		if _, ok := s.part(side).(Freezer); ok {
			can |= harness.FreezeOf(side)
		}
	}
	if h, ok := s.parts.Client.(Holder); ok && h.Holds() {
		can |= harness.ReportHeld
	}
	return can
}

// part returns the part of a side.
func (s *subject) part(side harness.Side) any {
	switch side {
	case harness.Client:
		return s.parts.Client
	case harness.Server:
		return s.parts.Server
	case harness.SideUnknown:
	}
	return nil
}

// Freeze implements harness.Freezer.
func (s *subject) Freeze(side harness.Side) error {
	f, ok := s.part(side).(Freezer)
	if !ok {
		return fmt.Errorf("freeze the %v: it cannot be", side)
	}
	return f.Freeze()
}

// Thaw implements harness.Freezer.
func (s *subject) Thaw(side harness.Side) error {
	f, ok := s.part(side).(Freezer)
	if !ok {
		return fmt.Errorf("let the %v go on: it cannot be frozen", side)
	}
	return f.Thaw()
}

// Crash implements harness.Crasher.
func (s *subject) Crash(side harness.Side) error {
	c, ok := s.part(side).(Crasher)
	if !ok {
		return fmt.Errorf("crash the %v: it cannot be", side)
	}
	return c.Crash()
}

// Restart implements harness.Crasher.
func (s *subject) Restart(ctx context.Context, side harness.Side) error {
	c, ok := s.part(side).(Crasher)
	if !ok {
		return fmt.Errorf("restart the %v: it cannot be", side)
	}
	address, err := c.Restart(ctx)
	if err == nil && side == harness.Server {
		s.move(address)
	}
	return err
}

// Held implements harness.Holder.
func (s *subject) Held(ctx context.Context) ([]string, error) {
	h, ok := s.parts.Client.(Holder)
	if !ok {
		return nil, nil
	}
	return h.Held(ctx)
}

// Notes implements harness.Noter.
func (s *subject) Notes() []string {
	var notes []string
	for _, part := range []any{s.parts.Server, s.parts.Client, s.parts.Ledger} {
		if n, ok := part.(harness.Noter); ok {
			notes = append(notes, n.Notes()...)
		}
	}
	return notes
}

// Broke implements harness.Breaker.
func (s *subject) Broke() error {
	var errs []error
	for _, part := range []any{s.parts.Server, s.parts.Client} {
		if b, ok := part.(harness.Breaker); ok {
			errs = append(errs, b.Broke())
		}
	}
	return errors.Join(errs...)
}
