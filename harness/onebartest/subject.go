package onebartest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/sut"
)

// subject is a System as a harness.Subject.
type subject struct {
	system  System
	bench   *Bench
	server  *server
	hosts   map[string]*server // of System.Hosts
	clients *clients
	panics  panics
	unheard func() // the log of the process is as before
}

var (
	_ harness.Crasher = (*subject)(nil)
	_ harness.Freezer = (*subject)(nil)
	_ harness.Storer  = (*subject)(nil)
	_ harness.Holder  = (*subject)(nil)
	_ harness.Breaker = (*subject)(nil)
	_ harness.Slower  = (*subject)(nil)
	_ harness.Clocker = (*subject)(nil)
	_ harness.Hosted  = (*subject)(nil)
	_ harness.Noter   = (*subject)(nil)
)

// newSubject makes the system of a run.
func newSubject(sc harness.Scenario, system func(*Bench) (System, error)) (*subject, error) {
	s := &subject{bench: &Bench{Workload: sc.Workload}}
	var err error
	if s.system, err = system(s.bench); err != nil {
		return nil, fmt.Errorf("make the system: %w", err)
	}
	if s.system.Serve == nil || s.system.Client == nil {
		return nil, errors.New("the System has no Serve or no Client: set both")
	}
	return s, nil
}

// Start implements harness.Subject.
func (s *subject) Start(ctx context.Context, env harness.Env) error {
	s.bench.Log, s.unheard = s.panics.watch(env, env.Log)
	s.server = &server{env: env, host: env.Network.Server(), serve: s.system.Serve}
	if err := s.startHosts(ctx, env); err != nil {
		return err
	}
	if err := s.server.start(ctx); err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	s.clients = newClients(env, s.server.address(), s.system.Client)
	s.clients.start(s.clients.wallets(harness.Client)...)
	s.bench.start(env.Observer)
	return nil
}

// startHosts brings up the hosts of the system, before its server.
func (s *subject) startHosts(ctx context.Context, env harness.Env) error {
	s.hosts = map[string]*server{}
	for _, h := range s.system.Hosts {
		host, err := env.Network.Host(h.Name)
		if err != nil {
			return fmt.Errorf("start the host %s: %w", h.Name, err)
		}
		s.hosts[h.Name] = &server{env: env, host: host, serve: h.Serve}
		if err := s.hosts[h.Name].start(ctx); err != nil {
			return fmt.Errorf("start the host %s: %w", h.Name, err)
		}
	}
	s.bench.mu.Lock()
	defer s.bench.mu.Unlock()
	s.bench.server, s.bench.hosts = s.server, s.hosts
	return nil
}

// Topology implements harness.Hosted.
func (s *subject) Topology(harness.Workload) (t harness.Topology) {
	for _, h := range s.system.Hosts {
		t.Hosts = append(t.Hosts, h.Name)
		t.Links = append(t.Links, harness.Link{Near: harness.ServerName, Far: h.Name, Profile: h.Link})
	}
	return t
}

// machine is the server, or the host of a side.
func (s *subject) machine(side harness.Side) *server {
	if h := s.hosts[string(side)]; h != nil {
		return h
	}
	return s.server
}

// Payer implements harness.Subject.
func (s *subject) Payer(i int) harness.Payer { return payer{s.clients, s.bench, i} }

// Ledger implements harness.Subject.
func (s *subject) Ledger(ctx context.Context) (harness.Ledger, error) {
	if s.system.Ledger == nil {
		return harness.Ledger{}, harness.ErrNoLedger
	}
	return s.system.Ledger(ctx)
}

// Quiet implements harness.Quieter.
func (s *subject) Quiet() time.Duration {
	return cmp.Or(s.system.Quiet, sut.DefaultQuiet)
}

// Broke implements harness.Breaker.
func (s *subject) Broke() error {
	errs := []error{s.server.err(), s.bench.unknownPayment()}
	for _, h := range s.system.Hosts {
		errs = append(errs, s.hosts[h.Name].err())
	}
	return errors.Join(errs...)
}

// Notes implements harness.Noter.
func (s *subject) Notes() []string { return s.panics.notes() }

// Close implements harness.Subject.
func (s *subject) Close() error {
	if s.unheard != nil {
		defer s.unheard()
	}
	if s.server == nil {
		return nil
	}
	if s.clients != nil {
		s.clients.stop(s.clients.wallets(harness.Client)...)
	}
	errs := []error{s.server.stop()}
	for _, h := range s.hosts {
		errs = append(errs, h.stop())
	}
	return errors.Join(errs...)
}

// Abilities implements harness.Subject: as the System says.
func (s *subject) Abilities() harness.Abilities {
	can := harness.CrashServer | harness.SlowServer | harness.FreezeWallet
	if len(s.system.Hosts) > 0 {
		can |= harness.CrashHost
	}
	if s.system.Restarts {
		can |= harness.CrashClient | harness.CrashWallet
	}
	if s.system.Commits {
		can |= harness.ReportCommits | harness.CountServerCommits
	}
	if s.system.Deadlines {
		can |= harness.KeepDeadlines
	}
	if s.system.ServerClock {
		can |= harness.SetServerClock
	}
	if s.system.ClientClock {
		can |= harness.SetClientClock
	}
	if s.system.Held != nil {
		can |= harness.ReportHeld
	}
	return can
}

// phones reports whether a side is that of the phones, or one of them.
func phones(side harness.Side) bool {
	_, one := harness.ClientIndex(string(side))
	return one || side == harness.Client
}

// Freeze implements harness.Freezer, for phones.
func (s *subject) Freeze(side harness.Side) error {
	for _, i := range s.clients.wallets(side) {
		if v, _ := s.clients.app(i); v.ctx.Err() == nil {
			v.gate.Freeze()
		}
	}
	return nil
}

// Thaw implements harness.Freezer.
func (s *subject) Thaw(side harness.Side) error {
	for _, i := range s.clients.wallets(side) {
		v, _ := s.clients.app(i)
		v.gate.Thaw()
	}
	return nil
}

// Crash implements harness.Crasher.
func (s *subject) Crash(side harness.Side) error {
	if phones(side) {
		s.clients.stop(s.clients.wallets(side)...)
		return nil
	}
	s.machine(side).crash()
	return nil
}

// Restart implements harness.Crasher.
func (s *subject) Restart(ctx context.Context, side harness.Side) error {
	if phones(side) {
		s.clients.start(s.clients.wallets(side)...)
		return nil
	}
	return s.machine(side).start(ctx)
}

// Commits implements harness.Storer. Phones have no stores that are known here.
func (s *subject) Commits(side harness.Side) int64 {
	if side == harness.Server {
		return s.bench.made()
	}
	return 0
}

// FailCommit implements harness.Storer.
func (s *subject) FailCommit(side harness.Side, n int64, after bool, told func()) {
	if side == harness.Server {
		s.bench.fail(commitFailure{n, after, told})
	}
}

// SetClock implements harness.Clocker.
func (s *subject) SetClock(side harness.Side, k harness.Skew) {
	if side == harness.Client {
		s.clients.clock.Set(k)
		return
	}
	s.bench.clock.Set(k)
}

// SlowAnswers implements harness.Slower.
func (s *subject) SlowAnswers(by time.Duration) (hits func() int64) { return s.bench.slow(by) }

// Held implements harness.Holder.
func (s *subject) Held(ctx context.Context) ([]string, error) { return s.system.Held(ctx) }
