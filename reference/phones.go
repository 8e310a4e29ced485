package reference

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/reference/wallet"
)

// errDown is what a user hears who presses pay while the app is not running.
var errDown = errors.New("the wallet is not running")

// phones are the payers' side: every wallet of the run, on one queue file.
type phones struct {
	file    string
	configs []wallet.Config // whose random sources go on over a restart
	payers  []*payer

	mu      sync.Mutex
	store   *wallet.Store // nil while it is down
	wallets []*wallet.Wallet
}

// newPhones prepares a wallet for each config.
func newPhones(env harness.Env, d *desk, configs []wallet.Config) *phones {
	p := &phones{file: filepath.Join(env.Dir, "wallets.db"), configs: configs}
	for i := range configs {
		configs[i].Told = func(w wallet.Payment) { d.tell(i, w) }
		configs[i].Tried = d.tried
		p.payers = append(p.payers, &payer{phones: p, i: i, desk: d, start: env.Start, turn: make(chan struct{}, 1)})
	}
	return p
}

// start opens the wallets, which go on where they were.
func (p *phones) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.store != nil {
		return errors.New("start the wallets: they are running")
	}
	store, err := wallet.OpenStore(p.file)
	if err != nil {
		return err
	}
	wallets := make([]*wallet.Wallet, len(p.configs))
	for i, c := range p.configs {
		if wallets[i], err = wallet.Open(store, c); err != nil {
			for _, w := range wallets[:i] {
				w.Kill()
			}
			return errors.Join(err, store.Close())
		}
	}
	p.store, p.wallets = store, wallets
	return nil
}

// stop ends the wallets. The store goes first, so that to all of them it is a
// crash at one moment: what they have not stored by then they never knew, and
// nobody is told it.
func (p *phones) stop() error {
	p.mu.Lock()
	store, wallets := p.store, p.wallets
	p.store, p.wallets = nil, nil
	p.mu.Unlock()
	if store == nil {
		return nil
	}
	err := store.Close()
	for _, w := range wallets {
		w.Kill()
	}
	return err
}

// held returns the presses whose payments have no final state.
func (p *phones) held(d *desk) ([]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.store == nil {
		return nil, errDown
	}
	var held []string
	for _, c := range p.configs {
		ps, err := p.store.Unfinished(c.Account)
		if err != nil {
			return nil, err
		}
		for _, w := range ps {
			held = append(held, d.presses(w.Key)...)
		}
	}
	return held, nil
}

// payer is one user's phone.
type payer struct {
	phones *phones
	i      int
	desk   *desk
	start  time.Time     // the instant of offset 0
	turn   chan struct{} // of capacity 1: who presses holds it
}

// Pay implements harness.Payer.
func (p *payer) Pay(ctx context.Context, hp harness.Payment) error {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	p.phones.mu.Lock()
	running := p.phones.store != nil
	var w *wallet.Wallet
	if running {
		w = p.phones.wallets[p.i]
	}
	p.phones.mu.Unlock()
	if !running {
		return errDown
	}
	o := wallet.Order{ID: hp.Order, Payee: hp.Payee, Amount: hp.Amount, Currency: hp.Currency}
	if hp.Deadline != 0 {
		o.Deadline = p.start.Add(hp.Deadline)
	}
	bought := purchase{p.i, hp.Order}
	p.desk.begin(bought, hp.ID)
	got, err := w.Pay(ctx, o)
	p.desk.end(bought, hp.ID, got.Key, err == nil)
	if err != nil {
		return fmt.Errorf("wallet %d: %w", p.i, err)
	}
	return nil
}
