// Package subject combines an external client, server and ledger, each of any kind, to
// one payment system under test.
//
//	Client -> link of its wallet -> Server
//	                                   \-> Ledger, read directly, not over a link
//
// [New] makes a harness.Subject of [Parts]. Each wallet reaches the server's real
// address over its own link: a client in this process by a dialer, a program by a
// loopback address. The packages below this one implement the parts; they import this
// package and not each other.
//
// An external system runs in real time only.
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

// Parts are the three parts of a subject, none of them nil, and options.
type Parts struct {
	Client Client
	Server Server
	Ledger Ledger

	TLS *Termination // nil passes TLS through

	Quiet time.Duration // how long the ledger must not have changed before it is judged; 0 reads it once

	// Trace is called with each step of the parts, from several goroutines at once. Nil:
	// steps are not traced.
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
	Trace    func(harness.Step) // see Parts; if it is nil, no step need be made

	Server string            // host:port at which the server really is; empty until it has started
	Beside map[string]string // host:port of what else the server has started, by name; set by its Start
	Direct DialFunc          // to the server, over no link: for setting up and for the ledger

	// Dial opens a connection to the server over the link of a wallet.
	Dial func(ctx context.Context, wallet int) (net.Conn, error)
	// Listen returns a loopback address that leads to the server over the link of a
	// wallet. It lasts until the subject is closed.
	Listen func(ctx context.Context, wallet int) (address string, err error)
	// Tunnel connects a TUN device to the link of a wallet, and disconnects an earlier
	// one. Behind the device the server has the address Inside. Nil if the engine has no
	// tunnels.
	Tunnel func(wallet int, device io.ReadWriteCloser) (harness.Tunnel, error)
	Inside string
}

// Client is the payers' side. It may also be a Crasher, a Freezer, a Holder and a
// harness.Breaker.
type Client interface {
	// Start prepares a payer for each wallet, and may create accounts at the server,
	// which is running.
	Start(ctx context.Context, env *Env) error
	// Payer does what it does in harness.Subject.
	Payer(i int) harness.Payer
	// Close stops the client and frees everything.
	Close() error
}

// Server is the payment server. It may also be a Crasher, a Freezer and a
// harness.Breaker.
type Server interface {
	// Start starts the server and returns the host:port where it answers. The context
	// covers the start only. Env.Server, Direct, Dial and Listen are not set yet.
	Start(ctx context.Context, env *Env) (address string, err error)
	// Close stops what Start has started. It does not stop a server that ran before.
	Close() error
}

// Ledger reads what the server has booked.
type Ledger interface {
	// Read returns the ledger with the scenario's names of accounts (Env.Accounts).
	// Posting.Payment is set for each posting that can be matched (Env.Asked). It is
	// called again until the ledger is at rest, also while payments go on.
	Read(ctx context.Context, env *Env) (harness.Ledger, error)
	// Close frees the resources of Read.
	Close() error
}

// Opener is a Ledger that is called when a run begins: what it holds then was not booked
// by the run.
type Opener interface {
	// Open is called after the client has created its accounts and before the first
	// payment.
	Open(ctx context.Context, env *Env) error
}

// Crasher is a Client or Server that can be killed without warning, and started again
// with what it had stored.
type Crasher interface {
	Crash() error
	// Restart starts it again. It returns a server's address, which may have changed; a
	// client's is empty.
	Restart(ctx context.Context) (address string, err error)
}

// Freezer is a Client or Server that can be paused, as by SIGSTOP.
type Freezer interface {
	Freeze() error
	// Thaw continues it. It does nothing if it is not frozen or has been killed.
	Thaw() error
}

// Holder is a Client that may know which payments its payers still hold.
type Holder interface {
	// Holds reports whether it knows them. That may depend on its configuration.
	Holds() bool
	// Held does what it does in harness.Holder.
	Held(ctx context.Context) (payments []string, err error)
}

// Tell reports a step that has just ended, if Trace is set.
func (e *Env) Tell(s harness.Step) {
	if e.Trace != nil {
		s.At = time.Since(e.Start)
		e.Trace(s)
	}
}

// New returns a subject that has not been started. It is also a harness.Quieter, and a
// harness.Crasher, a harness.Freezer, a harness.Holder and a harness.Breaker, if its parts
// are.
func New(p Parts) harness.Subject { return &subject{parts: p} }

type subject struct {
	parts Parts
	env   *Env
	watch *watch        // nil if nothing waits for a request
	far   *relay.Server // on the server's host of the network
	done  context.CancelFunc

	mu      sync.Mutex
	real    string          // the server's address now
	entries []*relay.Server // loopback listeners; each leads to one link
}

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
		s.watch = &watch{reached: env.Reached}
		reach = s.watch.dial(reach)
	}
	s.far = relay.Serve(life, inner, reach)
	s.env.Dial = func(ctx context.Context, wallet int) (net.Conn, error) {
		return env.Network.Client(wallet).DialContext(ctx, "tcp", target)
	}
	if t, ok := env.Network.(harness.Tunneler); ok {
		s.env.Tunnel, s.env.Inside = t.Tunnel, target
	}
	s.env.Listen = func(ctx context.Context, wallet int) (string, error) { return s.enter(ctx, life, wallet) }
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

// beside returns a dialer that reaches the server over no link, and shows the same
// certificate as on the links.
func (s *subject) beside(ctx, life context.Context, reach relay.DialFunc) (DialFunc, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen before the server: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = append(s.entries, relay.Serve(life, s.parts.TLS.listen(l), reach))
	address := l.Addr().String()
	return func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", address)
	}, nil
}

func (s *subject) move(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.real = address
}

func (s *subject) direct(ctx context.Context) (net.Conn, error) {
	s.mu.Lock()
	address := s.real
	s.mu.Unlock()
	var d net.Dialer
	return d.DialContext(ctx, "tcp", address)
}

// enter opens a loopback listener whose connections cross the link of a wallet.
func (s *subject) enter(ctx, life context.Context, wallet int) (string, error) {
	var config net.ListenConfig
	outer, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("listen for the program of wallet %d: %w", wallet, err)
	}
	d := relay.Serve(life, outer, func(ctx context.Context) (net.Conn, error) { return s.env.Dial(ctx, wallet) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = append(s.entries, d)
	return outer.Addr().String(), nil
}

func (s *subject) Payer(i int) harness.Payer {
	return payer{s.parts.Client.Payer(i), s.env.Asked}
}

// payer records each payment that is requested.
type payer struct {
	harness.Payer
	asked *Asked
}

func (p payer) Pay(ctx context.Context, hp harness.Payment) error {
	p.asked.Add(hp)
	return p.Payer.Pay(ctx, hp)
}

func (s *subject) Ledger(ctx context.Context) (harness.Ledger, error) {
	return s.parts.Ledger.Read(ctx, s.env)
}

func (s *subject) Quiet() time.Duration { return s.parts.Quiet }

func (s *subject) Close() error {
	errs := []error{s.parts.Client.Close(), s.parts.Ledger.Close()}
	if s.done != nil {
		s.done()
	}
	s.mu.Lock()
	entries := s.entries
	s.entries = nil
	s.mu.Unlock()
	for _, d := range entries {
		errs = append(errs, d.Close())
	}
	if s.far != nil {
		errs = append(errs, s.far.Close())
	}
	return errors.Join(append(errs, s.parts.Server.Close())...)
}

// Abilities implements harness.Subject: it returns the abilities of the parts. The
// subject can follow requests, because all bytes for the server pass through its relay.
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

func (s *subject) Freeze(side harness.Side) error {
	f, ok := s.part(side).(Freezer)
	if !ok {
		return fmt.Errorf("freeze the %v: it cannot be frozen", side)
	}
	return f.Freeze()
}

func (s *subject) Thaw(side harness.Side) error {
	f, ok := s.part(side).(Freezer)
	if !ok {
		return fmt.Errorf("thaw the %v: it cannot be frozen", side)
	}
	return f.Thaw()
}

func (s *subject) Crash(side harness.Side) error {
	c, ok := s.part(side).(Crasher)
	if !ok {
		return fmt.Errorf("crash the %v: it cannot be crashed", side)
	}
	if side == harness.Server {
		s.watch.crashed()
		defer s.watch.crashed()
	}
	return c.Crash()
}

func (s *subject) Restart(ctx context.Context, side harness.Side) error {
	c, ok := s.part(side).(Crasher)
	if !ok {
		return fmt.Errorf("restart the %v: it cannot be crashed", side)
	}
	address, err := c.Restart(ctx)
	if err == nil && side == harness.Server {
		s.move(address)
	}
	return err
}

func (s *subject) Held(ctx context.Context) ([]string, error) {
	h, ok := s.parts.Client.(Holder)
	if !ok {
		return nil, nil
	}
	return h.Held(ctx)
}

func (s *subject) Notes() []string {
	var notes []string
	for _, part := range []any{s.parts.Server, s.parts.Client, s.parts.Ledger} {
		if n, ok := part.(harness.Noter); ok {
			notes = append(notes, n.Notes()...)
		}
	}
	return notes
}

func (s *subject) Broke() error {
	var errs []error
	for _, part := range []any{s.parts.Server, s.parts.Client} {
		if b, ok := part.(harness.Breaker); ok {
			errs = append(errs, b.Broke())
		}
	}
	return errors.Join(errs...)
}
