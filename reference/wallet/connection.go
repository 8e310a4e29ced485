package wallet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/onebar/onebar/reference/channel"
)

// connection keeps one connection to the bank for all payments of a wallet: it is dialed
// when it is first needed, shared, replaced when it can no longer be used, and closed when
// it was idle for long.
type connection struct {
	ctx context.Context // ends every connection
	cfg Config
	wg  sync.WaitGroup // a goroutine for each session

	mu  sync.Mutex
	cur *session // for the next attempt; nil: dial
}

// session is one connection, from its dial on.
type session struct {
	ready chan struct{} // closed when bank or err is set
	bank  channel.Channel
	err   error         // of the dial
	put   chan struct{} // of capacity 1: something below has changed
	end   chan struct{} // closed: close the session, even if attempts use it

	users   int // under connection.mu, as what follows
	retired bool
	used    time.Time // when it was last put back
	heard   time.Time // when the last answer came
	silent  time.Time // since when an attempt has waited without an answer
}

func newConnection(ctx context.Context, cfg Config) *connection {
	return &connection{ctx: ctx, cfg: cfg}
}

// get returns the current session, and whether this call dialed it or waited for the dial
// of another call. The caller must call put, even after an error.
func (l *connection) get(ctx context.Context) (k *session, dialed, waited bool, err error) {
	l.mu.Lock()
	k = l.cur
	if k == nil || k.broken() {
		k = &session{ready: make(chan struct{}), put: make(chan struct{}, 1), end: make(chan struct{}), used: time.Now()}
		dialed = true
		l.cur = k
		l.wg.Add(1)
		go l.run(k)
	}
	if k.users++; k.users == 1 {
		k.silent = time.Now()
	}
	l.mu.Unlock()
	select {
	case <-k.ready:
		return k, dialed, false, k.err
	default:
	}
	select {
	case <-k.ready:
		return k, dialed, !dialed, k.err
	case <-ctx.Done():
		return k, dialed, !dialed, fmt.Errorf("connect to the bank: %w", ctx.Err())
	}
}

// broken reports whether the dial is over and the session has ended.
func (k *session) broken() bool {
	select {
	case <-k.ready:
	default:
		return false
	}
	if k.err != nil {
		return true
	}
	select {
	case <-k.bank.Done():
		return true
	default:
		return false
	}
}

// put returns a session after an attempt that began at began and ended in err. A session on
// which no answer came during a whole attempt is not used again: its TCP has backed off,
// and after an outage a new SYN arrives sooner than its next retransmission. If other
// attempts got answers meanwhile, the bank was only slow. put reports whether any answer
// has ever come on the session.
func (l *connection) put(k *session, began time.Time, err error, silent bool) (used bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k.users--
	k.used = time.Now()
	switch {
	case err == nil:
		k.heard, k.silent = k.used, k.used
	case errors.Is(err, errNotStored): // the session was not used
	case !silent || k.heard.Before(began):
		l.retire(k)
	}
	select {
	case k.put <- struct{}{}:
	default:
	}
	return !k.heard.IsZero()
}

// linkUp retires the current session if no answer has come for as long as an answer may
// take: its TCP has backed off, and a new SYN arrives sooner than its next retransmission.
// A session that no attempt uses is kept. linkUp does not block.
func (l *connection) linkUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.cur
	if k == nil || k.users == 0 || time.Since(k.silent) < l.cfg.Retry.Least {
		return
	}
	select {
	case <-k.ready:
		l.retire(k)
		close(k.end)
	default: // its dial sends further SYNs
	}
}

// retire makes further attempts not use k. The caller holds l.mu.
func (l *connection) retire(k *session) {
	k.retired = true
	if l.cur == k {
		l.cur = nil
	}
}

// run opens a session. It closes the session when it has broken, when no attempt uses it
// and it is retired or was idle for long, or when the wallet ends.
func (l *connection) run(k *session) {
	defer l.wg.Done()
	if !l.open(k) {
		return
	}
	defer func() { _ = k.bank.Close() }()
	idle := time.NewTimer(l.cfg.Retry.Idle)
	defer idle.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-k.bank.Done():
			return
		case <-k.end:
			return
		case <-k.put:
		case <-idle.C:
		}
		if l.unused(k) {
			return
		}
		idle.Reset(l.cfg.Retry.Idle)
	}
}

func (l *connection) open(k *session) bool {
	ctx, cancel := context.WithTimeout(l.ctx, l.cfg.Retry.Dial)
	defer cancel()
	k.bank, k.err = l.cfg.Dialer.Dial(ctx)
	l.mu.Lock()
	k.silent = time.Now()
	l.mu.Unlock()
	close(k.ready)
	return k.err == nil
}

// unused reports whether k must be closed, and retires it if so.
func (l *connection) unused(k *session) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k.users > 0 || (!k.retired && time.Since(k.used) < l.cfg.Retry.Idle) {
		return false
	}
	l.retire(k)
	return true
}

// wait returns when every session is closed; the context of the connection must be done.
func (l *connection) wait() { l.wg.Wait() }
