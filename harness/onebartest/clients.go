package onebartest

import (
	"context"
	"math/rand/v2"
	"sync"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/freezing"
)

// clients are the phones of the payers. Each crashes and restarts alone.
type clients struct {
	env    harness.Env
	server string // address
	client func(context.Context, *Phone) Pay
	rand   *rand.Rand
	clock  harness.WallClock // of every phone

	mu    sync.Mutex
	lives []*life // by wallet: the present ones, or the last ones; nil before the first
}

// life is one period for which a phone is on.
type life struct {
	ctx    context.Context //nolint:containedctx // it ends with the life
	cancel context.CancelFunc
	conns  conns
	gate   freezing.Gate
	pay    Pay // nil while the app starts
}

func newClients(env harness.Env, server string, client func(context.Context, *Phone) Pay) *clients {
	return &clients{
		env: env, server: server, client: client, rand: harness.Rand(env.Seed, harness.StreamSubject),
		lives: make([]*life, env.Workload.Wallets),
	}
}

// wallets are the phones of a side: one, or all.
func (ps *clients) wallets(side harness.Side) []int {
	if i, one := harness.ClientIndex(string(side)); one {
		return []int{i}
	}
	all := make([]int, len(ps.lives))
	for i := range all {
		all[i] = i
	}
	return all
}

// start turns phones on.
func (ps *clients) start(list ...int) {
	for _, i := range list {
		v := &life{}
		v.ctx, v.cancel = context.WithCancel(context.Background())
		ps.mu.Lock()
		ps.lives[i] = v
		ps.mu.Unlock()
		pay := ps.client(v.ctx, &Phone{
			Wallet: i, Rand: rand.New(&source{pcg: rand.NewPCG(ps.rand.Uint64(), ps.rand.Uint64())}), Log: ps.env.Log,
			life: v, network: ps.env.Network.Client(i), server: ps.server, observer: ps.env.Observer, clock: &ps.clock,
		})
		ps.mu.Lock()
		v.pay = pay
		ps.mu.Unlock()
	}
}

// source is a rand.Source for several goroutines.
type source struct {
	mu  sync.Mutex
	pcg *rand.PCG
}

// Uint64 implements rand.Source.
func (s *source) Uint64() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pcg.Uint64()
}

// stop turns phones off, as a crash does.
func (ps *clients) stop(list ...int) {
	for _, i := range list {
		if v, _ := ps.app(i); v != nil {
			v.cancel()
			v.conns.crash()
			v.gate.Drop()
		}
	}
}

// app is the present life of a phone, or the last one, and what its button does.
func (ps *clients) app(wallet int) (*life, Pay) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	v := ps.lives[wallet]
	if v == nil {
		return nil, nil
	}
	return v, v.pay
}

// payer is one of the phones as a harness.Payer.
type payer struct {
	clients *clients
	bench   *Bench
	wallet  int
}

// Pay implements harness.Payer. A crash of the phone ends it without a word.
func (p payer) Pay(ctx context.Context, hp harness.Payment) error {
	v, pay := p.clients.app(p.wallet)
	if pay == nil || v.ctx.Err() != nil {
		return errOff
	}
	p.bench.ask(hp.ID)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(v.ctx, cancel)()
	_ = v.gate.Wait(ctx) // pay has the same ctx
	outcome, err := pay(ctx, hp)
	told := harness.Told{Payment: hp.ID, Outcome: outcome}
	if err != nil {
		told.Reason = err.Error()
	}
	v.say(func() { p.clients.env.Observer.Told(told) })
	_ = v.gate.Wait(ctx)
	return nil
}

// say has the app say something, unless the phone is off.
func (v *life) say(f func()) {
	v.gate.Do(func() {
		if v.ctx.Err() == nil {
			f()
		}
	})
}
