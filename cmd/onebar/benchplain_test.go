package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/onebar/onebar/harness"
)

// plain is a subject that costs next to nothing: a line for each payment over one
// TCP connection a phone, sent again until a line comes back, and a ledger in
// memory that outlives the crash of its server. What a run of it takes is the
// harness's own.
type plain struct {
	env     harness.Env
	payers  []*plainPayer
	address string
	wg      sync.WaitGroup
	stop    context.CancelFunc

	mu     sync.Mutex
	seen   map[string]bool
	ledger harness.Ledger
	server net.Listener
	conns  []net.Conn
}

// Start implements harness.Subject.
func (s *plain) Start(ctx context.Context, env harness.Env) error {
	s.env, s.seen, s.address = env, map[string]bool{}, ":0"
	life, stop := context.WithCancel(context.Background())
	s.stop = stop
	for i := range env.Workload.Wallets {
		s.payers = append(s.payers, &plainPayer{s: s, life: life, host: env.Network.Client(i), turn: make(chan struct{}, 1)})
	}
	return s.Restart(ctx, harness.Server)
}

// Payer implements harness.Subject.
func (s *plain) Payer(i int) harness.Payer { return s.payers[i] }

// Ledger implements harness.Subject. It has no accounts, so no balances.
func (s *plain) Ledger(context.Context) (harness.Ledger, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ledger, nil
}

// Close implements harness.Subject.
func (s *plain) Close() error {
	s.stop()
	err := s.Crash(harness.Server)
	s.wg.Wait()
	return err
}

// Abilities implements harness.Subject.
func (s *plain) Abilities() harness.Abilities { return harness.CrashServer }

// Crash implements harness.Crasher.
func (s *plain) Crash(harness.Side) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.Close()
	}
	s.conns = nil
	return s.server.Close()
}

// Restart implements harness.Crasher.
func (s *plain) Restart(ctx context.Context, _ harness.Side) error {
	ln, err := s.env.Network.Server().Listen(ctx, "tcp", s.address[strings.LastIndex(s.address, ":"):])
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.server, s.address = ln, ln.Addr().String()
	s.mu.Unlock()
	s.wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, c)
			s.mu.Unlock()
			s.wg.Go(func() { s.serve(c) })
		}
	})
	return nil
}

// serve books what it is asked and answers with the payment's id.
func (s *plain) serve(c net.Conn) {
	defer c.Close()
	for lines := bufio.NewScanner(c); lines.Scan(); {
		var p harness.Posting
		if _, err := fmt.Sscan(lines.Text(), &p.Payment, &p.Order, &p.Payer, &p.Payee, &p.Amount, &p.Currency); err != nil {
			return
		}
		s.mu.Lock()
		if !s.seen[p.Payment] {
			s.seen[p.Payment], p.ID = true, p.Payment
			s.ledger.Postings = append(s.ledger.Postings, p)
		}
		s.mu.Unlock()
		if _, err := fmt.Fprintln(c, p.Payment); err != nil {
			return
		}
	}
}

// plainPayer makes one payment at a time.
type plainPayer struct {
	s    *plain
	life context.Context //nolint:containedctx // of the payments under way
	host harness.Host
	turn chan struct{} // of capacity 1: who pays holds it
	conn net.Conn
	in   *bufio.Reader
}

// Pay implements harness.Payer.
func (p *plainPayer) Pay(_ context.Context, hp harness.Payment) error {
	p.s.wg.Go(func() {
		select {
		case p.turn <- struct{}{}:
			defer func() { <-p.turn }()
		case <-p.life.Done():
			return
		}
		for n := 1; p.life.Err() == nil; n++ {
			began := time.Now()
			err := p.pay(hp)
			a := harness.Attempt{Payment: hp.ID, N: n, Took: time.Since(began)}
			if err == nil {
				p.s.env.Observer.Attempt(a)
				p.s.env.Observer.Told(harness.Told{Payment: hp.ID, Outcome: harness.Confirmed})
				return
			}
			a.Error = err.Error()
			p.s.env.Observer.Attempt(a)
			p.conn = nil
			select {
			case <-time.After(time.Second << min(n, 4)):
			case <-p.life.Done():
			}
		}
	})
	return nil
}

// pay sends a payment and waits for its line.
func (p *plainPayer) pay(hp harness.Payment) (err error) {
	ctx, cancel := context.WithTimeout(p.life, 8*time.Second)
	defer cancel()
	if p.conn == nil {
		if p.conn, err = p.host.DialContext(ctx, "tcp", p.s.address); err != nil {
			return err
		}
		p.in = bufio.NewReader(p.conn)
		p.s.mu.Lock()
		p.s.conns = append(p.s.conns, p.conn)
		p.s.mu.Unlock()
	}
	until, _ := ctx.Deadline()
	err = p.conn.SetDeadline(until)
	if err == nil {
		_, err = fmt.Fprintln(p.conn, hp.ID, hp.Order, hp.Payer, hp.Payee, hp.Amount, hp.Currency)
	}
	var line string
	if err == nil {
		line, err = p.in.ReadString('\n')
	}
	if err == nil && strings.TrimSpace(line) != hp.ID {
		err = errors.New("an answer to another payment")
	}
	if err != nil {
		p.conn.Close()
	}
	return err
}
