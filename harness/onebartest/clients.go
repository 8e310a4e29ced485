package onebartest

import (
	"context"
	"math/rand/v2"
	"sync"

	"github.com/onebar/onebar/harness"
)

// clients are the phones of the payers, which crash and restart together.
type clients struct {
	env    harness.Env
	server string // address
	client func(context.Context, *Phone) Pay
	rand   *rand.Rand
	clock  harness.WallClock // of every phone

	mu     sync.Mutex
	life   context.Context //nolint:containedctx // of the present apps, or the last ones
	cancel context.CancelFunc
	conns  *conns
	pay    []Pay // by wallet
}

func newClients(env harness.Env, server string, client func(context.Context, *Phone) Pay) *clients {
	return &clients{env: env, server: server, client: client, rand: harness.Rand(env.Seed, harness.StreamSubject)}
}

// start turns every phone on.
func (ps *clients) start() {
	ps.mu.Lock()
	ps.life, ps.cancel = context.WithCancel(context.Background())
	ps.conns, ps.pay = &conns{}, nil
	life, conns := ps.life, ps.conns
	ps.mu.Unlock()
	var pay []Pay
	for i := range ps.env.Workload.Wallets {
		pay = append(pay, ps.client(life, &Phone{
			Wallet: i, Rand: rand.New(&source{pcg: rand.NewPCG(ps.rand.Uint64(), ps.rand.Uint64())}), Log: ps.env.Log,
			ctx: life, network: ps.env.Network.Client(i), server: ps.server,
			observer: ps.env.Observer, conns: conns, clock: &ps.clock,
		}))
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.pay = pay
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

// stop turns every phone off, as a crash does.
func (ps *clients) stop() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.cancel()
	ps.conns.crash()
}

// app is what a payer's button does now, and until when.
func (ps *clients) app(wallet int) (Pay, context.Context) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if wallet >= len(ps.pay) {
		return nil, nil //nolint:nilnil // it is being turned on
	}
	return ps.pay[wallet], ps.life
}

// payer is one of the phones as a harness.Payer.
type payer struct {
	clients *clients
	bench   *Bench
	wallet  int
}

// Pay implements harness.Payer. A crash of the client ends it without a word.
func (p payer) Pay(ctx context.Context, hp harness.Payment) error {
	pay, life := p.clients.app(p.wallet)
	if pay == nil || life.Err() != nil {
		return errOff
	}
	p.bench.ask(hp.ID)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(life, cancel)()
	outcome, err := pay(ctx, hp)
	if life.Err() != nil {
		return nil
	}
	told := harness.Told{Payment: hp.ID, Outcome: outcome}
	if err != nil {
		told.Reason = err.Error()
	}
	p.clients.env.Observer.Told(told)
	return nil
}
