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

// System is a payment system under test, as one run has it. Serve, Client and
// Ledger may share variables: what they keep outside their own calls is what
// survives a crash, as a disk does.
type System struct {
	// Serve runs the server on a listener until ctx ends, and returns then. ctx ends
	// at a crash of the server, too: its listener is then closed and its connections
	// are reset, and when it is to come back Serve is called again. What goes on
	// after ctx has ended is not stopped, as a kill would; a store should refuse to
	// write then, as Bench.Commit does. A Serve that returns for another reason makes
	// the run an error.
	Serve func(ctx context.Context, l net.Listener) error

	// Client starts the app on the phone of one payer, and returns what it does when
	// its user presses pay. It is called once for each payer before the first
	// payment, and must not wait for the server. ctx ends when the app does: at the
	// end of the run or at a crash of the client.
	Client func(ctx context.Context, p *Phone) Pay

	// Ledger reads what the server has booked, beside the network, after the last
	// payment and again until it has not changed for 5 s; the server still runs then.
	// Posting.Payment or Posting.Order must be that of the harness.Payment. Nil is no
	// ledger: whether a payment was lost or duplicated is not known, and is n/a.
	Ledger func(ctx context.Context) (harness.Ledger, error)

	// Held says which payments the phones still hold without a final outcome, by
	// Payment.ID, once the run is over. It tells a payment that is still tried from
	// one that was forgotten. Nil is that they cannot say.
	Held func(ctx context.Context) ([]string, error)

	// Hosts are machines beside the server and the phones, such as the server's bank,
	// each with one link to the server. They crash as the server does, by an event of
	// Trial.Events that names one as its Side.
	Hosts []Host

	// Commits says that the server makes every durable commit through Bench.Commit.
	// Without it the check early is n/a, and a sweep has no commits to crash at.
	Commits bool

	// Restarts says that Client can be called again after a crash of the client, and
	// takes up the payments that were under way. Without it scenarios that crash the
	// client are refused.
	Restarts bool
}

// Host is a machine that the server reaches over a link of its own.
type Host struct {
	Name  string // lower-case letters and digits, a letter first: what Bench.Dial dials
	Serve func(ctx context.Context, l net.Listener) error
	Link  harness.Profile // "server-" and Name is the link's name; up is from the server
}

// Pay is a user pressing the button. It may take as long as it likes: until ctx
// ends, which it does with the run and at a crash of the client. The outcome is what
// the user is then shown. An error is the reason of it: with no outcome beside it,
// as most Go code returns, that is the unknown one, never a failure.
//
// A payment must come to a final outcome before the scenario's settle is over, or
// else it is unresolved. After an outcome that is not final Phone.Told may give
// others.
type Pay func(ctx context.Context, p harness.Payment) (harness.Outcome, error)

// Bench is one run, as its system sees it. It is made for the System function.
type Bench struct {
	Workload harness.Workload // such as the number of wallets and the opening balance
	Log      *slog.Logger     // of the run, from the first call of Serve on

	slowness atomic.Pointer[slowness]

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

// Commit makes a durable commit of the server: it calls write, which does it, and
// returns its error. A commit that books a payment names it, by its
// harness.Payment.ID (which the client may send, as its idempotency key or beside
// it), and that it is durable is noted when write returns nil; books is empty for any
// other commit. Another name makes the run an error. ctx is that of Serve, or one
// made of it.
//
// It is where the power can fail: before write is called or after it has returned,
// and the caller then gets ErrCrashed, once Serve's ctx has ended. It does the same
// when ctx has ended before. So a step that was to come after the commit never does,
// as at a real crash, if errors are looked at.
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

// Answer is called by the server between the work for a request and its answer: it
// returns at once, or as much later as a scenario slows the server, or when ctx ends.
// After an http.Handler is early enough, if it has not flushed. A server that does
// not call it cannot be slowed: such an event hits nothing.
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

	ctx      context.Context //nolint:containedctx // the life of the app
	network  harness.Host
	server   string
	observer harness.Observer
	conns    *conns
}

// DialContext connects to the system's server over the phone's link, wherever the
// address says it is: there is no other machine. It fits http.Transport.DialContext.
func (p *Phone) DialContext(ctx context.Context, network, _ string) (net.Conn, error) {
	if p.ctx.Err() != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errOff}
	}
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("the phone has tcp only: %w", net.UnknownNetworkError(network))}
	}
	c, err := p.network.DialContext(ctx, "tcp", p.server)
	if err != nil {
		return nil, err
	}
	return p.conns.add(c)
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
		if p.ctx.Err() == nil {
			up()
		}
	})
	forget := context.AfterFunc(p.ctx, end)
	return func() {
		forget()
		end()
	}
}

// Told is the user being shown an outcome outside of Pay: queued before it returns,
// or what came of a payment whose Pay has returned without a final outcome or was
// cut short by a crash.
func (p *Phone) Told(payment string, o harness.Outcome, reason string) {
	if p.ctx.Err() == nil {
		p.observer.Told(harness.Told{Payment: payment, Outcome: o, Reason: reason})
	}
}

// Attempt notes that the n-th try of a payment, from 1, is over, which began at
// began. Nil is that an answer came. Tries need not be noted: then the check storm
// is n/a, and there are no figures of them. An err that is or wraps a *net.OpError of a
// dial says that no server can have seen the try: the check storm does not count it.
// That of a dial cut short by http.Client.Timeout is none; give the dial a shorter
// time-out of its own.
func (p *Phone) Attempt(payment string, n int, began time.Time, err error) {
	if p.ctx.Err() != nil {
		return
	}
	a := harness.Attempt{Payment: payment, N: n, Took: time.Since(began)}
	if err != nil {
		a.Error = err.Error()
		op, ok := errors.AsType[*net.OpError](err)
		a.NoConnection = ok && op.Op == "dial"
	}
	p.observer.Attempt(a)
}
