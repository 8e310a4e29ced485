package onebartest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onebar/onebar/harness"
)

// System is the payment system under test in one run. Serve, Client and Ledger may
// share variables. What they keep outside their own calls survives a crash, as a disk
// does.
type System struct {
	// Serve runs the server on a listener until ctx ends, and then returns. ctx also
	// ends when the server crashes: onebar then closes the listener, resets the
	// connections, and calls Serve again after the restart time. A real crash stops
	// everything; here, goroutines that are still running continue. So a store must
	// refuse to write once ctx has ended, as Bench.Commit does. If Serve returns for
	// another reason, the run is broken.
	Serve func(ctx context.Context, l net.Listener) error

	// Client starts the app on the phone of one payer, and returns the function to call
	// when its user presses pay. Client is called once for each payer before the first
	// payment, and must not wait for the server. ctx ends when the app ends: at the end
	// of the run or at a crash of the client.
	Client func(ctx context.Context, p *Phone) Pay

	// Ledger reads what the server has booked, without the network, after the last
	// payment, and again until the ledger has not changed for Quiet. The server still
	// runs then. Each posting must have the ID of its harness.Payment as Posting.Payment, or
	// its Order as Posting.Order. Nil: there is no ledger, and the checks that need
	// one, such as lost and duplicated, are n/a.
	Ledger func(ctx context.Context) (harness.Ledger, error)

	// Quiet is longer than the server takes to book what it has accepted, as from a
	// queue; 0 is 5 s.
	Quiet time.Duration

	// Held returns the payments that the phones still hold without a final outcome at
	// the end of the run, by Payment.ID. So the check lost can tell a payment that is
	// still attempted from one that the app has forgotten. Nil: the phones cannot say.
	Held func(ctx context.Context) ([]string, error)

	// Hosts are further machines, such as the server's bank, each with one link to the
	// server. A host crashes as the server does, by an event of Trial.Events that has
	// its name as Side.
	Hosts []Host

	// Commits: the server makes every durable commit through Bench.Commit. Without it
	// the check early is n/a, and a sweep has no crashes at commits.
	Commits bool

	// Deadlines: the server books no payment after its Deadline. Without it, or without
	// Commits, the check overdue is n/a.
	Deadlines bool

	// ServerClock: the server reads the wall time from Bench.Now only. ClientClock: the
	// client reads it from Phone.Now only. Without them events with clock are refused.
	ServerClock, ClientClock bool

	// Restarts: Client can be called again after a crash of the client, and then
	// continues the payments that were in progress. Without it scenarios that crash the
	// client are refused.
	Restarts bool
}

// Host is a machine that the server reaches over a link of its own.
type Host struct {
	Name  string // lower-case letters and digits, a letter first: what Bench.Dial dials
	Serve func(ctx context.Context, l net.Listener) error
	Link  harness.Profile // "server-" and Name is the link's name; up is from the server
}

// Pay is called when a user presses pay. It may take until ctx ends: at the end of the
// run or at a crash of the client. It returns the outcome that the user is shown. An
// error is the reason of the outcome. An error without an outcome, as most Go code
// returns, means the unknown outcome, never a failure.
//
// A payment without a final outcome at the end of the scenario's settle is unresolved.
// After an outcome that is not final, Phone.Told may report others.
type Pay func(ctx context.Context, p harness.Payment) (harness.Outcome, error)

// Bench is what a system uses of its run. Trial.System is given one.
type Bench struct {
	Workload harness.Workload // such as the number of wallets and the opening balance
	Log      *slog.Logger     // of the run, from the first call of Serve on

	slowness atomic.Pointer[slowness]
	clock    harness.WallClock

	mu       sync.Mutex
	server   *server            // nil until the start
	hosts    map[string]*server // by name
	observer harness.Observer   // nil until the start
	asked    map[string]bool    // the payments that were asked for, by ID
	unknown  string             // the first ID that was booked and is none of them; empty is none
	commits  int64              // of the server, from the start of the script on
	failure  commitFailure
}

// commitFailure is a commit at which the power is to fail.
type commitFailure struct {
	n     int64 // 0 is none
	after bool
	told  func()
}

// ErrCrashed is the error of Bench.Commit in a server that has crashed.
var ErrCrashed = errors.New("the server has crashed")

// Dial connects the server to the host of System.Hosts that an address names, whatever its
// port: "bank:443" is the bank. It fits http.Transport.DialContext. The connection is
// reset when the server crashes.
func (b *Bench) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	name, _, _ := strings.Cut(address, ":")
	b.mu.Lock()
	from, to := b.server, b.hosts[name]
	b.mu.Unlock()
	if from == nil || to == nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("there is no host %q: expected one of System.Hosts, once Serve has been called", name)}
	}
	return from.dial(ctx, to.address())
}

// Commit makes a durable commit of the server: it calls write, which makes the commit,
// and returns its error. books is the harness.Payment.ID of the payment that the commit
// books, or empty if it books none. The client can send this ID to the server, for
// example as the idempotency key. When write returns nil, the payment counts as durably
// booked. With any other text in books the run is broken. ctx is that of Serve, or
// derived from it.
//
// The power may fail before write is called or after it has returned. Commit then waits
// until Serve's ctx has ended, and returns ErrCrashed. If ctx has ended before, it
// returns ErrCrashed without calling write. So no step after the commit is executed, as
// at a real crash, if the caller handles the error.
func (b *Bench) Commit(ctx context.Context, books string, write func() error) error {
	b.mu.Lock()
	if ctx.Err() != nil {
		b.mu.Unlock()
		return ErrCrashed
	}
	b.commits++
	fail := b.failure
	if fail.n != b.commits {
		fail = commitFailure{}
	}
	b.mu.Unlock()
	if fail.n > 0 && !fail.after {
		fail.told()
		<-ctx.Done()
		return ErrCrashed
	}
	if err := write(); err != nil {
		return err
	}
	b.committed(books)
	if fail.n > 0 {
		fail.told()
		<-ctx.Done()
		return ErrCrashed
	}
	return nil
}

// committed notes that the booking of a payment is durable.
func (b *Bench) committed(books string) {
	b.mu.Lock()
	observer, known := b.observer, b.asked[books]
	if books != "" && !known && b.unknown == "" {
		b.unknown = books
	}
	b.mu.Unlock()
	if known && observer != nil {
		observer.Committed(books)
	}
}

// ask notes that a payment is asked for.
func (b *Bench) ask(payment string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.asked == nil {
		b.asked = make(map[string]bool)
	}
	b.asked[payment] = true
}

// unknownPayment is the error of a commit that named no payment; nil is none.
func (b *Bench) unknownPayment() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.unknown == "" {
		return nil
	}
	return fmt.Errorf("a commit was said to book %q, and no payment has that ID: give Bench.Commit the harness.Payment.ID, which the client may send beside its key, or nothing", b.unknown)
}

// Now returns the wall time at the server, which an event with clock makes wrong: for
// what the server does by time of day or date, such as forgetting keys. Timers measure true
// time. It reads as harness.WallClock does.
func (b *Bench) Now() time.Time { return b.clock.Now() }

// Answer makes the events slow possible. The server calls it after the work for a request
// and before the answer, for example at the end of an http.Handler that has not flushed.
// Answer returns at once, or after the delay of the event, or when ctx ends. If the
// server does not call it, such an event hits nothing.
func (b *Bench) Answer(ctx context.Context) {
	s := b.slowness.Load()
	if s == nil || s.by == 0 {
		return
	}
	s.hits.Add(1)
	timer := time.NewTimer(s.by)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// slowness is one call of SlowAnswers.
type slowness struct {
	by   time.Duration
	hits atomic.Int64
}

// slow has answers wait.
func (b *Bench) slow(by time.Duration) (hits func() int64) {
	s := &slowness{by: by}
	b.slowness.Store(s)
	return s.hits.Load
}

// made returns how many commits the server has begun.
func (b *Bench) made() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.commits
}

// fail has the power fail at a commit.
func (b *Bench) fail(f commitFailure) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failure = f
}

// start begins the script: commits are counted from here.
func (b *Bench) start(o harness.Observer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.observer, b.commits = o, 0
}

// Phone is the machine of one payer. Its methods may be called from several
// goroutines; after a crash of the client they do nothing.
type Phone struct {
	Wallet int          // 0 to Workload.Wallets-1: the Wallet of its payments
	Rand   *rand.Rand   // seeded, for jitter and the like, where the top-level functions of math/rand do not repeat
	Log    *slog.Logger // of the run; never nil

	life     *life
	network  harness.Host
	server   string
	observer harness.Observer
	clock    *harness.WallClock
}

// Now returns the wall time on the phone. See Bench.Now.
func (p *Phone) Now() time.Time { return p.clock.Now() }

// DialContext connects to the system's server over the phone's link. It ignores the
// address, because a phone reaches no other machine. It fits http.Transport.DialContext.
func (p *Phone) DialContext(ctx context.Context, network, _ string) (net.Conn, error) {
	if p.life.ctx.Err() != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errOff}
	}
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("the phone has tcp only: %w", net.UnknownNetworkError(network))}
	}
	if err := p.life.gate.Wait(ctx); err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	c, err := p.network.DialContext(ctx, "tcp", p.server)
	if err == nil {
		c, err = p.life.conns.add(c)
	}
	if err != nil {
		return nil, err
	}
	return p.life.gate.Conn(c), nil
}

// WatchLink calls up each time the phone's link carries packets again after it had
// carried none, until stop is called or the app ends: at the end of an outage, and when
// the phone gets a new address. It stands for what the operating system tells an app:
// ConnectivityManager.NetworkCallback.onAvailable on Android, NWPathMonitor on iOS. Up
// must not block, and must call neither the phone nor stop: let it wake a goroutine.
// harness.LinkWatcher has the whole contract. An app must try again without the call,
// too: a link that is up may still lose every packet.
func (p *Phone) WatchLink(up func()) (stop func()) {
	w, ok := p.network.(harness.LinkWatcher)
	if !ok {
		return func() {}
	}
	end := w.WatchLink(func() {
		if p.life.ctx.Err() == nil {
			up()
		}
	})
	forget := context.AfterFunc(p.life.ctx, end)
	return func() {
		forget()
		end()
	}
}

// Told reports that the user is shown an outcome other than the one that Pay returns:
// queued, before Pay returns; or a later outcome, after Pay has returned without a final
// one or was ended by a crash.
func (p *Phone) Told(payment string, o harness.Outcome, reason string) {
	p.life.say(func() { p.observer.Told(harness.Told{Payment: payment, Outcome: o, Reason: reason}) })
}

// Attempt reports that attempt n of a payment, from 1, has ended. It began at began. err
// is nil if an answer came. Reports of attempts are optional: without them the check
// storm is n/a, and there are no figures of attempts. If err is or wraps a *net.OpError
// of a dial, no server can have seen the attempt, and the check storm does not count it.
// When http.Client.Timeout ends a dial, its error is no such error: give the dial a
// shorter time-out of its own.
func (p *Phone) Attempt(payment string, n int, began time.Time, err error) {
	a := harness.Attempt{Payment: payment, N: n}
	if err != nil {
		a.Error = err.Error()
		op, ok := errors.AsType[*net.OpError](err)
		a.NoConnection = ok && op.Op == "dial"
	}
	p.life.say(func() {
		a.Took = time.Since(began)
		p.observer.Attempt(a)
	})
}
