package conform

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/atrest"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/subject"
	"github.com/onebar/onebar/harness/subject/httpapi/transport"
)

// conclude reads the ledger when it is at rest, and judges each test.
func (e *examiner) conclude(ctx context.Context) ([]Probe, error) {
	transport.Pause(ctx, busyWait)
	rest := &atrest.Reader{Quiet: min(e.parts.Quiet, e.settle), Most: e.settle, Start: e.env.Start, Read: func(ctx context.Context) (harness.Ledger, error) {
		err := e.read(ctx)
		return harness.Ledger{Postings: e.bookings()}, err
	}}
	_, err := rest.Ledger(ctx)
	blind := errors.Is(err, harness.ErrNoLedger)
	if err != nil && !blind && e.last == nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	doubt := ""
	switch {
	case blind:
	case err != nil:
		e.last, doubt = nil, "the ledger could not be read after it: "+err.Error()
	case !rest.AtRest():
		doubt = rest.String()
	}
	for _, t := range e.tests {
		if !t.judged {
			t.doubt = cmp.Or(t.doubt, doubt)
			t.judge(e.last, doubt)
		}
	}
	return merged(e.tests), nil
}

func (e *examiner) read(ctx context.Context) error {
	l, err := e.parts.Ledger.Read(ctx, e.env)
	if err == nil {
		e.last = &l
	}
	return err
}

// bookings returns the ledger's postings of the tests. Others may pay at the server, too.
func (e *examiner) bookings() []harness.Posting {
	if e.last == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(e.last.Postings), func(p harness.Posting) bool {
		return !slices.ContainsFunc(e.tests, func(t *test) bool { return t.made(p) })
	})
}

// answers reports whether the server accepts connections. If it does not, that is held
// against t: the earlier tests are judged by the ledger as it was last read, and the
// server is started again, if that is possible. Then answers returns true.
func (e *examiner) answers(ctx context.Context, t *test) bool {
	err := e.alive(ctx)
	if err == nil || ctx.Err() != nil || e.dead {
		return err == nil
	}
	for _, before := range e.tests {
		if before != t && !before.judged && before != e.late {
			before.judge(e.last, "the server died before the ledger was at rest")
		}
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		t.wrong = append(t.wrong, "THE SERVER DIED")
	} else {
		t.doubt = "the server no longer answers: " + err.Error()
	}
	c, ok := e.parts.Server.(subject.Crasher)
	if !ok {
		e.dead = true
		return false
	}
	_ = c.Crash() // it is dead already; this frees what it leaves
	address, err := c.Restart(ctx)
	if err != nil {
		e.dead = true
		t.wrong = append(t.wrong, "and could not be started again: "+err.Error())
		return false
	}
	e.at.Store(&address)
	return true
}

// alive returns why the server accepts no connection, or nil.
func (e *examiner) alive(ctx context.Context) error {
	const limit = 2 * time.Second
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c, err := e.env.Direct(ctx)
	if err != nil {
		return err
	}
	return c.Close()
}

// unmade adds a probe that could not be made, because the server is dead.
func (e *examiner) unmade(name string) {
	e.tests = append(e.tests, &test{judged: true, Probe: Probe{
		Name: name, Title: "not made", Expected: "a server that answers", Seen: "the server no longer answers", Status: result.StatusUnknown,
	}})
}
