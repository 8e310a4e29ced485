package program

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/subject"
)

// app is the program of one wallet, or of all of them. It may be killed and started
// again; each such period is a life.
type app struct {
	name  string
	env   *subject.Env
	start Config
	hello command // of its first life

	reading sync.WaitGroup
	writing sync.Mutex // to stdin, which may take long if the program does not read

	mu       sync.Mutex
	quitting bool
	process  *Process // nil before the first life
	stdin    *os.File // nil while it is down
	ready    chan struct{}
	open     map[string]bool // requested payments without a final outcome
	attempts map[string]int  // by payment
	held     chan []string   // where the answer to held goes; nil if nothing waits for it
	broke    error
}

// The time limits of a client.
const (
	readyWithin = 30 * time.Second
	heldWithin  = 10 * time.Second
	quitWithin  = time.Second
)

// live starts the program and returns when it is ready.
func (a *app) live(ctx context.Context, restarted bool) error {
	in, stdin, err := os.Pipe()
	if err != nil {
		return err
	}
	stdout, out, err := os.Pipe()
	if err != nil {
		return errors.Join(err, in.Close(), stdin.Close())
	}
	c := a.start
	c.Stdin, c.Stdout = in, out
	p, err := Start(c)
	in.Close()
	out.Close()
	if err != nil {
		return errors.Join(err, stdin.Close(), stdout.Close())
	}
	ready := make(chan struct{})
	a.mu.Lock()
	a.process, a.stdin, a.ready = p, stdin, ready
	a.mu.Unlock()
	a.reading.Go(func() { a.read(p, stdout) })
	hello := a.hello
	hello.Restarted = restarted
	within := readyWithin
	unheard := a.say(ctx, hello)
	if unheard != nil {
		within = quitWithin // it has ended, or has closed its standard input
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-ready:
		return nil
	case <-p.Done():
		a.reading.Wait()
		return cmp.Or(a.trouble(), fmt.Errorf("%s ended before it said ready; %s", a.name, p.LastLines()))
	case <-timer.C:
		return errors.Join(unheard, fmt.Errorf("%s did not say ready within %v; %s", a.name, within, p.LastLines()))
	case <-ctx.Done():
		return ctx.Err()
	}
}

// say sends a command to the program.
func (a *app) say(ctx context.Context, c command) error {
	c.Onebar = protocolVersion
	line, err := json.Marshal(c)
	if err != nil {
		return err
	}
	a.writing.Lock()
	defer a.writing.Unlock()
	a.mu.Lock()
	pipe := a.stdin
	a.mu.Unlock()
	if pipe == nil {
		return fmt.Errorf("%s is not running", a.name)
	}
	if err := pipe.SetWriteDeadline(time.Time{}); err != nil {
		return fmt.Errorf("tell %s: %w", a.name, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = pipe.SetWriteDeadline(time.Now()) })
	defer stop()
	if _, err := pipe.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("tell %s: %w", a.name, err)
	}
	if a.env.Trace != nil {
		a.env.Tell(harness.Step{Part: "client", Title: a.name + " is told", Sent: []string{string(line)}})
	}
	return nil
}

// pay sends the command to pay.
func (a *app) pay(ctx context.Context, p harness.Payment, address string) error {
	c := command{
		Command: "pay", ID: p.ID, Order: p.Order, Wallet: &p.Wallet, Address: address,
		Payer: a.env.Accounts.Remote(p.Payer), Payee: a.env.Accounts.Remote(p.Payee), Amount: p.Amount, Currency: p.Currency,
	}
	if p.Deadline > 0 {
		c.DeadlineMS = max(1, (p.Deadline - time.Since(a.env.Start)).Milliseconds())
	}
	a.mu.Lock()
	a.open[p.ID] = true
	a.mu.Unlock()
	err := a.say(ctx, c)
	if err != nil {
		a.mu.Lock()
		delete(a.open, p.ID)
		a.mu.Unlock()
	}
	return err
}

// maxLine is the longest line that a client may print, in bytes.
const maxLine = 1 << 20

// read handles the events of one life until its end.
func (a *app) read(p *Process, stdout *os.File) {
	defer stdout.Close()
	go func() {
		<-p.Done() // a child of it may still hold the pipe
		_ = stdout.SetReadDeadline(time.Now().Add(quitWithin))
	}()
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		if a.env.Trace != nil {
			a.env.Tell(harness.Step{Part: "client", Title: a.name + " says", Got: []string{lines.Text()}})
		}
		e, err := parseEvent(lines.Bytes())
		if err != nil {
			a.fail(fmt.Errorf("%s printed what is no event in line %d: %w; the line is %s (what is for people goes to standard error)", a.name, n, err, excerpt(lines.Bytes())))
			break
		}
		a.take(e)
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		a.fail(fmt.Errorf("%s printed a line of more than %d bytes", a.name, maxLine))
	}
	if a.trouble() != nil {
		p.Kill()
	}
	_, _ = io.Copy(io.Discard, stdout) // the program may close it and go on
	<-p.Done()
	a.ended(p)
}

// take handles an event.
func (a *app) take(e event) {
	switch e.Event {
	case "ready":
		a.mu.Lock()
		defer a.mu.Unlock()
		select {
		case <-a.ready:
		default:
			close(a.ready)
		}
	case "told":
		t := e.told()
		if t.Outcome.Final() {
			a.mu.Lock()
			delete(a.open, t.Payment)
			a.mu.Unlock()
		}
		a.env.Observer.Told(t)
	case "attempt":
		a.mu.Lock()
		a.attempts[e.Payment]++
		n := cmp.Or(e.N, a.attempts[e.Payment])
		a.mu.Unlock()
		a.env.Observer.Attempt(e.attempt(n))
	case "account":
		a.env.Accounts.Name(e.Account, e.Remote)
	case "called":
		a.env.Asked.Called(e.Payment, e.Key)
	case "held":
		a.mu.Lock()
		if a.held != nil {
			a.held <- e.Payments
			a.held = nil
		}
		a.mu.Unlock()
	}
}

// ended is called at the end of a life. The outcome of the payments under way is then
// unknown.
func (a *app) ended(p *Process) {
	a.mu.Lock()
	quitting := a.quitting
	a.mu.Unlock()
	died := p.Died()
	if died != nil && !quitting {
		a.fail(died)
	}
	a.mu.Lock()
	if a.stdin != nil {
		a.stdin.Close()
		a.stdin = nil
	}
	open := slices.Sorted(maps.Keys(a.open))
	a.mu.Unlock()
	reason := "the app was killed"
	if died != nil {
		reason = "the app died"
	}
	for _, id := range open {
		a.env.Observer.Told(harness.Told{Payment: id, Outcome: harness.OutcomeUnknown, Reason: reason})
	}
}

// fail records the first error.
func (a *app) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.broke == nil {
		a.broke = err
		a.env.Log.Error("the client", "err", err)
	}
}

func (a *app) trouble() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.broke
}

// ask asks the program which payments its payers still hold.
func (a *app) ask(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, heldWithin)
	defer cancel()
	answer := make(chan []string, 1)
	a.mu.Lock()
	a.held = answer
	a.mu.Unlock()
	if err := a.say(ctx, command{Command: "held"}); err != nil {
		return nil, err
	}
	select {
	case payments := <-answer:
		return payments, nil
	case <-a.process.Done():
		return nil, cmp.Or(a.trouble(), fmt.Errorf("%s ended before it said what it holds", a.name))
	case <-ctx.Done():
		return nil, fmt.Errorf("%s did not say within %v what it holds", a.name, heldWithin)
	}
}

// kill kills the program if it runs.
func (a *app) kill() {
	a.mu.Lock()
	p := a.process
	a.mu.Unlock()
	if p != nil {
		p.Kill()
	}
	a.reading.Wait()
}

// quit asks the program to end, and kills it if it does not.
func (a *app) quit() {
	ctx, cancel := context.WithTimeout(context.Background(), quitWithin)
	defer cancel()
	a.mu.Lock()
	p := a.process
	a.quitting = true
	a.mu.Unlock()
	if p != nil && a.say(ctx, command{Command: "quit"}) == nil {
		a.mu.Lock()
		if a.stdin != nil {
			a.stdin.Close()
			a.stdin = nil
		}
		a.mu.Unlock()
		select {
		case <-p.Done():
		case <-ctx.Done():
		}
	}
	a.kill()
}
