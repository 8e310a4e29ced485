// Package bubble runs a function in virtual time, in any program: an hour of
// sleeping takes the time the machine needs to wake up a few goroutines.
//
// [Run] does that with testing/synctest, and adds what that package lacks: it needs no
// test, it reports every failure of the function as a [Failure] that names the goroutine
// and the call, and it never hangs. One failure it cannot report: a panic in a goroutine
// that the function has started ends the process, as always in Go. [Pool] therefore runs
// functions in child processes, which call [Serve], and reports such an end as a Failure,
// too.
//
// What to know when writing code for a bubble:
//
//   - Time moves only while every goroutine of the bubble waits for another one
//     or for a timer. A goroutine that waits for a mutex, for the real network
//     or for a channel made outside does not count as waiting: time stops, and if it
//     does not go on, that is a [Stall].
//   - Code outside must not use a context or channel of the bubble.
//   - A goroutine that is left behind is a [Leak].
package bubble

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"
)

// Options bound a run in virtual time. The zero value is sensible.
type Options struct {
	Seed         uint64        // of crypto/rand inside, if Seeded says it can be
	Start        time.Time     // the instant at which f begins, after 2000; zero is Epoch()
	VirtualLimit time.Duration // most virtual time f may take, at least a second; 0 is 7 days
	RealLimit    time.Duration // longest real time in which virtual time may stand still; 0 is 20 s
}

// Epoch is the instant at which a function begins in a bubble unless asked
// otherwise: recent, so that certificates are valid, and always the same.
func Epoch() time.Time { return time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC) }

// Seeded reports whether crypto/rand is drawn from Options.Seed in a bubble. It
// is in a test binary, and in a program linked with -X testing.testBinary=1, as
// the Makefile does: package testing/cryptotest refuses to work elsewhere.
func Seeded() bool { return testing.Testing() }

const (
	beat  = time.Second      // of virtual time: how often limits are checked
	grace = 2 * time.Minute  // of virtual time: for a function that was told to end
	stall = 20 * time.Second // of real time
	limit = 7 * 24 * time.Hour
)

// process makes bubbles run one at a time: the whole process has one crypto/rand.
//
//nolint:gochecknoglobals // it guards what is global in the process
var process struct {
	sync.Mutex
	spoiled bool // a bubble hangs
}

// ErrSpoiled is returned by Run in a process in which a bubble has stalled: its
// goroutines cannot be ended, and may hold anything.
var ErrSpoiled = errors.New("an earlier run in virtual time hangs in this process: start a new process")

// Run calls f in virtual time and returns its error, or else a *Failure. The
// context that f gets has the values of ctx; it ends soon after ctx ends, when
// the virtual limit is reached, and when f returns. Run returns when f has
// returned and its goroutines have ended, for which they have two minutes of
// virtual time. After a failure goroutines may be left; after a Stall the
// process is spoiled.
//
// Bubbles of a process run one after the other. Run must not be called in a
// bubble.
func Run(ctx context.Context, o Options, f func(context.Context) error) error {
	process.Lock()
	defer process.Unlock()
	if process.spoiled {
		return ErrSpoiled
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if o.Start.IsZero() {
		o.Start = Epoch()
	}
	o.VirtualLimit = cmp.Or(o.VirtualLimit, limit)
	o.RealLimit = cmp.Or(o.RealLimit, stall)
	b := &bubble{outer: ctx, options: o, f: f}
	done := make(chan error, 1)
	go func() { done <- b.enter() }()
	err := b.guard(done)
	process.spoiled = IsKind(err, Stall)
	return err
}

// bubble is one call of Run.
type bubble struct {
	outer   context.Context //nolint:containedctx // of Run, asked from inside
	options Options
	f       func(context.Context) error
	id      atomic.Int64 // of the bubble in stack traces
	beats   atomic.Int64 // grows while virtual time does
	result  error
}

// enter creates the bubble and returns when it is over.
func (b *bubble) enter() (err error) {
	defer func() {
		p := recover()
		if p == nil || b.result != nil {
			err = b.result // the first failure says more than the goroutines that it left
			return
		}
		left := goroutines(b.id.Load())
		if len(left) == 0 {
			err = fmt.Errorf("create the bubble: %v", p)
			return
		}
		err = &Failure{
			Kind: Leak, Goroutines: left,
			Text: fmt.Sprintf("goroutines are left %v of virtual time after the run", grace),
		}
	}()
	synctest.Test(new(testing.T), b.run) // do not use this T: it has no parent to report to
	return b.result
}

// run is the first goroutine of the bubble. It outlives f and all it started,
// or gives up on them.
func (b *bubble) run(t *testing.T) {
	b.id.Store(bubbleID())
	if Seeded() {
		cryptotest.SetGlobalRandom(t, b.options.Seed)
	}
	time.Sleep(time.Until(b.options.Start))
	ctx, cancel := context.WithCancelCause(context.WithValue(context.WithoutCancel(b.outer), turnsKey{}, new(Turns)))
	defer cancel(nil)
	over := make(chan error, 1)
	go b.call(ctx, over)
	b.result = b.follow(over, cancel)
	if IsKind(b.result, Deadlock) {
		return
	}
	cancel(nil)
	for range grace / (10 * beat) {
		time.Sleep(10 * beat)
		b.beats.Add(1)
	}
	synctest.Wait() // everything that has ended must end before crypto/rand is restored
}

func (b *bubble) call(ctx context.Context, over chan<- error) {
	err := error(&Failure{Kind: Exit, Text: "the function ended its goroutine, as a test's FailNow does, and returned nothing"})
	defer func() {
		if p := recover(); p != nil {
			err = &Failure{Kind: Panic, Text: fmt.Sprintf("panic: %v", p), Goroutines: panicking()}
		}
		over <- err
	}()
	err = b.f(ctx)
}

// follow waits for f, and cancels it at the limit. It returns early if f does not end
// after that.
func (b *bubble) follow(over <-chan error, cancel context.CancelCauseFunc) error {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	var why error          // why it was cancelled
	var deadline time.Time // when f must have returned then
	end := b.options.Start.Add(b.options.VirtualLimit)
	for {
		select {
		case err := <-over:
			if IsKind(why, Limit) {
				return why
			}
			return err
		case now := <-tick.C:
			b.beats.Add(1)
			switch {
			case why != nil && now.After(deadline):
				return b.deadlock(why)
			case why != nil:
				continue
			case b.outer.Err() != nil:
				why = context.Cause(b.outer)
			case !now.Before(end):
				why = b.overrun()
			}
			if why != nil {
				deadline = now.Add(grace)
				cancel(why)
			}
		}
	}
}

func (b *bubble) overrun() error {
	return &Failure{
		Kind: Limit, Goroutines: goroutines(b.id.Load()),
		Text: fmt.Sprintf("the run was not over after %v of virtual time", b.options.VirtualLimit),
	}
}

// deadlock returns the failure of f, which was told to end and does not.
func (b *bubble) deadlock(why error) error {
	if f, ok := errors.AsType[*Failure](why); ok {
		why = errors.New(f.Text)
	}
	return &Failure{
		Kind: Deadlock, Goroutines: goroutines(b.id.Load()),
		Text: fmt.Sprintf("deadlock: told to end (%v), the run has not for %v of virtual time", why, grace),
	}
}

// guard waits for the bubble in real time, and gives it up if virtual time does not move.
func (b *bubble) guard(done <-chan error) error {
	tick := time.NewTicker(max(b.options.RealLimit/10, time.Millisecond))
	defer tick.Stop()
	last, since := int64(-1), time.Now()
	for {
		select {
		case err := <-done:
			return err
		case now := <-tick.C:
			if n := b.beats.Load(); n != last {
				last, since = n, now
			}
			if now.Sub(since) < b.options.RealLimit {
				continue
			}
			return &Failure{
				Kind: Stall, Goroutines: slices.DeleteFunc(goroutines(b.id.Load()), func(g Goroutine) bool { return g.durable }),
				Text: fmt.Sprintf("virtual time has stood still for %v", b.options.RealLimit),
			}
		}
	}
}
