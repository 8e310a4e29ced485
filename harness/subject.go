package harness

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/onebar/onebar/harness/enum"
)

// Subject is the payment system under test: both sides of it, and its ledger.
// What more it can do it says by Abilities; the methods for that are those of the
// optional interfaces Crasher, Freezer, Storer, Slower and Holder. A Breaker, a Noter
// and a Quieter are asked without an ability.
type Subject interface {
	// Abilities returns what the subject can do. It may be called before Start.
	Abilities() Abilities
	// Start brings up the server and the payers on env.Network and opens the
	// accounts. The context covers the start only.
	Start(ctx context.Context, env Env) error
	// Payer returns payer i, 0 <= i < env.Workload.Wallets. It stays valid when
	// the client side crashes and restarts. The subject owns it.
	Payer(i int) Payer
	// Ledger reads what the server has durably booked, out of band: not over
	// the impaired link, and not from a cache of a payer. It may be called again, also
	// while payments go on; the last call counts. The error ErrNoLedger says that it
	// never can, and the checks that need a ledger are then n/a.
	Ledger(ctx context.Context) (Ledger, error)
	// Close ends both sides and frees everything; it keeps the files in Env.Dir.
	Close() error
}

// Env is what a subject runs in.
type Env struct {
	Network  Network
	Workload Workload
	Seed     uint64    // of the subject's own randomness, through StreamSubject
	Commit   Durations // how long a durable commit takes in the script, of a subject with disks in memory; zero is no time
	Start    time.Time // the instant of offset 0
	Dir      string    // a directory for its files, which live until the run is judged
	Observer Observer  // to be told what happens

	// Reached is to be called by a subject with FollowRequests when its server has a
	// request at a moment, and returns when what waited for that has been done. It may be called
	// from several goroutines at once. Nil is nobody: nothing waits for a request.
	Reached func(m Moment, request int64)

	Log *slog.Logger // never nil
}

// ErrNoLedger is the error of a Subject whose ledger is out of anybody's reach, as
// opposed to one that could not be read this time.
var ErrNoLedger = errors.New("the subject has no ledger to read")

// Account names, as a subject must use them in its ledger: payer i is "w<i>",
// merchant i is "m<i>". Opening balances are Workload.Balance and 0.

// Payer is one user's app.
type Payer interface {
	// Pay is the user pressing the button. It returns when the app has taken
	// the payment or refused to; what the user is shown from then on goes to
	// the Observer. An error means that the app did not take it, and that it
	// will not be made; the caller records it as Failed, unless ctx has ended,
	// which it does when the run is over, interrupted or broken off.
	Pay(ctx context.Context, p Payment) error
}

// Payment is what a user asked for. Each press of the button is a Payment of
// its own; presses for the same purchase share the Order, and two postings for
// one order are a user-level duplicate.
type Payment struct {
	ID       string        `json:"id"`
	Order    string        `json:"order"`
	Wallet   int           `json:"wallet"`
	Payer    string        `json:"payer"` // account
	Payee    string        `json:"payee"` // account
	Amount   int64         `json:"amount"`
	Currency string        `json:"currency"`
	Deadline time.Duration `json:"deadline,omitempty"` // offset after which it must not be booked; 0 is none

	// Refuse says why the server must refuse the payment: WrongCurrency, UnknownPayee or
	// SameAccount. Empty: it must not.
	Refuse string `json:"refuse,omitempty"`
}

// Why a server must refuse a payment: its currency is not that of the accounts, the payee
// has no account, or the payer is the payee.
const (
	WrongCurrency = "wrong currency"
	UnknownPayee  = "unknown payee"
	SameAccount   = "same account"
)

// Outcome is what the payer was told about a payment.
type Outcome uint8

// The outcomes.
const (
	OutcomeUnknown Outcome = iota // it may have happened or not: a time-out, never a failure
	Queued                        // accepted on this phone, durably; will be sent
	Confirmed                     // final: the money has moved
	Declined                      // final: refused by the server, nothing has moved
	Expired                       // final: too late, nothing has moved and nothing will
	Failed                        // final: the app did not take it
)

const outcomeNames enum.Names = "unknown queued confirmed declined expired failed"

// String returns the outcome in lower case.
func (o Outcome) String() string { return outcomeNames.Text(uint8(o)) }

// MarshalText implements encoding.TextMarshaler.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (o *Outcome) UnmarshalText(b []byte) error {
	v, err := outcomeNames.Parse("outcome", b)
	*o = Outcome(v)
	return err
}

// Final reports whether the payer may stop thinking about the payment.
func (o Outcome) Final() bool {
	switch o {
	case Confirmed, Declined, Expired, Failed:
		return true
	case OutcomeUnknown, Queued:
		return false
	}
	return false
}

// Refused reports whether the payer was told that nothing has moved.
func (o Outcome) Refused() bool { return o.Final() && o != Confirmed }

// Told is the payer being told an outcome.
type Told struct {
	Payment string  `json:"payment"`
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason,omitempty"` // for people
	// GivenUp: the app sends no more requests for the payment and waits for no news of it.
	// Unless the outcome is final, it stays so, and a run need not wait for another.
	GivenUp bool `json:"given_up,omitempty"`
}

// Attempt is one try of a client to get a payment through, recorded when the
// try is over.
type Attempt struct {
	Payment string `json:"payment"`
	N       int    `json:"n"`                // from 1
	Status  bool   `json:"status,omitempty"` // a question about an earlier try, not a new one
	Dialed  bool   `json:"dialed,omitempty"` // it tried to open a connection
	// NoConnection: the attempt ended before a connection to the server was open, so
	// no server can have seen it. It has an Error.
	NoConnection bool          `json:"no_connection,omitempty"`
	Took         time.Duration `json:"took"`
	Error        string        `json:"error,omitempty"`  // empty: an answer came
	Answer       string        `json:"answer,omitempty"` // what decides its meaning, such as "HTTP 503 {"error":"busy"}", see AnswerOf; empty is not known
	// After is the Retry-After of the answer: the next attempt is to begin so long after
	// the end of this one, or later. 0 is none.
	After time.Duration `json:"after,omitempty"`
}

// MaxAnswer is the length of the longest Attempt.Answer, in characters.
const MaxAnswer = 120

// AnswerOf returns a text as Attempt.Answer: on one line, and cut to MaxAnswer characters.
func AnswerOf(text string) string {
	r := []rune(strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " "))
	if len(r) > MaxAnswer {
		return string(r[:MaxAnswer-1]) + "…"
	}
	return string(r)
}

// Kind returns the part of the answer that is alike in attempts that ended alike: of an
// answer over HTTP the status, of another one all of it.
func (a Attempt) Kind() string {
	if status, _, ok := strings.Cut(strings.TrimPrefix(a.Answer, "HTTP "), " "); ok && strings.HasPrefix(a.Answer, "HTTP ") {
		return "HTTP " + status
	}
	return a.Answer
}

// Failed reports whether the attempt brought no answer, or one with which a server says
// that it failed itself: an HTTP status of 500 or more (RFC 9110 section 15.6).
func (a Attempt) Failed() bool { return a.Error != "" || strings.HasPrefix(a.Answer, "HTTP 5") }

// AsksAgain reports whether the answer asked for another attempt, by a Retry-After or by
// HTTP 425 (Too Early, RFC 8470).
func (a Attempt) AsksAgain() bool { return a.After > 0 || a.Kind() == "HTTP 425" }

// Observer hears what happens inside a subject, as it happens. Its methods may
// be called from several goroutines at once and do not block. What it hears once
// the ledger is about to be read is no part of the run.
type Observer interface {
	// Told is called each time a payer is shown an outcome, before the user
	// could act on it.
	Told(Told)
	// Attempt is called at the end of each try: when the try began is reckoned
	// back from the call by Attempt.Took.
	Attempt(Attempt)
	// Committed is called with a payment's id once its booking is durable. A
	// subject that cannot know this does not call it, and whether confirmations
	// came too early is then not judged.
	Committed(payment string)
}

// Crasher is a Subject with CrashClient or CrashServer. A crash loses memory and open
// connections and keeps what was durable.
type Crasher interface {
	Crash(Side) error
	Restart(context.Context, Side) error
}

// Freezer is a Subject with FreezeClient or FreezeServer: a side is stopped where it
// stands, as by a system that takes the processor away. Memory and open connections
// stay.
type Freezer interface {
	Freeze(Side) error
	// Thaw lets a side go on. One that is not frozen, or has been killed
	// meanwhile, is left as it is.
	Thaw(Side) error
}

// Storer is a Crasher with CountClientCommits or CountServerCommits: it counts the durable
// commits of its stores, and its power can fail at one of them. Commits are numbered by side from 1, from the
// return of Start on, over all stores of the side and all its lives.
type Storer interface {
	// Commits returns how many commits the stores of a side have begun.
	Commits(Side) int64
	// FailCommit has the power of a side fail at its n-th commit, before or after
	// it is durable. The goroutine that commits then calls told, once, which must
	// not block, and whoever is told crashes the side. It replaces an
	// earlier call for the side whose commit has not come; n 0 only cancels that one.
	FailCommit(side Side, n int64, after bool, told func())
}

// PowerLoser is a Crasher with ChooseLoss: its crash is a power failure of its disks, which
// loses some or all of what was not synced.
type PowerLoser interface {
	// LoseUnsynced says what the next power failures of a side lose: all that was not
	// synced, or what the run's seed draws, as without a call. It is called before Crash
	// and FailCommit, and covers a FailCommit even if a later call says otherwise.
	LoseUnsynced(side Side, all bool)
}

// Clocker is a Subject with SetClientClock or SetServerClock: a side reads the wall time from
// a WallClock. Its timers measure true time.
type Clocker interface {
	// SetClock makes the clock of a side wrong from now on, in place of what it was before;
	// the zero Skew is the true time.
	SetClock(Side, Skew)
}

// Skew is how wrong a wall clock is.
type Skew struct {
	By    time.Duration // how much it is ahead, behind if below 0
	Drift time.Duration // how much it gains in an hour, or loses if below 0
}

// WallClock is a wall clock that can be made wrong. The zero value is right. Its methods may
// be called from several goroutines.
type WallClock struct{ skew atomic.Pointer[skewed] }

// skewed is how wrong a clock is, and since when.
type skewed struct {
	Skew
	since time.Time
}

// Now returns what the clock shows, without a monotonic reading: the difference of two of
// its times has each change of the clock in it, and no time-out may be computed from it.
func (c *WallClock) Now() time.Time {
	now := time.Now().Round(0)
	if s := c.skew.Load(); s != nil {
		return now.Add(s.By + time.Duration(now.Sub(s.since).Hours()*float64(s.Drift)))
	}
	return now
}

// Set makes the clock wrong from now on, in place of what it was before.
func (c *WallClock) Set(k Skew) { c.skew.Store(&skewed{k, time.Now().Round(0)}) }

// DiskFaulter is a Subject with FaultDisks: the disks of its stores can have faults while
// they have power.
type DiskFaulter interface {
	// FaultDisks begins a fault on the disks of a side. end ends it, and returns how many
	// operations of the disks it has delayed or refused.
	FaultDisks(side Side, f DiskFault) (end func() (hits int64))
}

// DiskFault is what is wrong with disks.
type DiskFault struct {
	Slow time.Duration // added to the time of each commit
	Full bool          // no file grows, and none can be created
	Fail bool          // the next sync fails, of the first disk that makes one
}

// Slower is a Subject with SlowServer: its server can be made to answer late. After
// its commit, each answer waits. Zero is normal again. The function returned tells
// how many answers have been delayed so far by this call.
type Slower interface {
	SlowAnswers(by time.Duration) (hits func() int64)
}

// Holder is a Subject with ReportHeld: it can say which payments its payers still hold
// without a final outcome, so that "still trying" differs from "forgotten".
type Holder interface {
	Held(context.Context) (payments []string, err error)
}

// Breaker is a Subject that may break by itself, as one does whose program dies.
type Breaker interface {
	// Broke returns what has gone wrong so far that nobody has asked for, and
	// because of which the run is not the experiment that was described; nil is
	// nothing. It is asked after the settle, before the ledger is read.
	Broke() error
}

// Quieter is a Subject whose server may book after it has answered, as from a queue: its
// ledger is read again until it is at rest.
type Quieter interface {
	// Quiet returns how long the ledger must not have changed before it is judged; 0 has it
	// read once. Payments go on meanwhile.
	Quiet() time.Duration
}

// Noter is a Subject with something to say to people who read its results, such as
// how bookings were matched to payments.
type Noter interface {
	// Notes returns sentences without a full stop. It is asked after the ledger was
	// read, or could not be.
	Notes() []string
}

// Ledger is what the server has booked, read after the settle.
type Ledger struct {
	Postings []Posting
	Balances []Balance // empty if the subject cannot say
}

// Posting is one transfer in the ledger.
type Posting struct {
	ID       string `json:"id"`                // the ledger's own
	Payment  string `json:"payment,omitempty"` // Payment.ID if the ledger can be matched to it, else what it stores as key
	Order    string `json:"order,omitempty"`
	Payer    string `json:"payer"`
	Payee    string `json:"payee"`
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
	Again    bool   `json:"again,omitempty"` // nobody asked for Payment in this run, and it had a booking before the run
}

// Balance is one account at the beginning and at the end.
type Balance struct {
	Account string `json:"account"`
	// Shared are further accounts of the scenario that the server keeps as this one: their
	// postings count for it.
	Shared   []string `json:"shared,omitempty"`
	Currency string   `json:"currency"`
	Opening  int64    `json:"opening"`
	Closing  int64    `json:"closing"`
	Floor    int64    `json:"floor,omitempty"`    // it must never be below this
	NoFloor  bool     `json:"no_floor,omitempty"` // it may be below zero by any amount: Floor does not count
}
