package reference

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/reference/outbox"
	"github.com/onebar/onebar/reference/wallet"
)

// errDown is what a user hears who presses pay while the app is not running.
var errDown = errors.New("the wallet is not running")

// clients are the payers' side: every wallet of the run, each with a queue of its
// own.
type clients struct {
	storage    *storage
	correlator *correlator
	configs    []wallet.Config // whose random sources go on over a restart
	payers     []*payer

	mu      sync.Mutex
	made    bool            // the queues
	stores  []*outbox.Store // of each wallet; nil while they are down
	wallets []*wallet.Wallet
	presses map[string]press // under way, by id
}

// press is a user pressing pay. If the phone loses its power meanwhile, nobody
// knows whether the payment was taken until the phone is on again.
type press struct {
	purchase
	harness.Payment
	failures int64 // of the phone's power before
}

// newClients prepares a wallet for each config.
func newClients(env harness.Env, d *correlator, st *storage, configs []wallet.Config) *clients {
	p := &clients{storage: st, correlator: d, configs: configs, presses: map[string]press{}}
	for i := range configs {
		configs[i].Told = func(w outbox.Payment) { d.tell(i, w) }
		configs[i].Tried = d.tried
		p.payers = append(p.payers, &payer{clients: p, i: i, correlator: d, start: env.Start, turn: make(chan struct{}, 1)})
	}
	return p
}

// start opens the wallets, which go on where they were.
func (p *clients) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stores != nil {
		return errors.New("start the wallets: they are running")
	}
	p.storage.power()
	stores, err := p.openStores()
	if err == nil {
		err = p.settle(stores)
	}
	wallets := make([]*wallet.Wallet, 0, len(p.configs))
	for i := 0; i < len(p.configs) && err == nil; i++ {
		var w *wallet.Wallet
		if w, err = wallet.Open(stores[i], p.configs[i]); err == nil {
			wallets = append(wallets, w)
		}
	}
	if err != nil {
		for _, w := range wallets {
			w.Kill()
		}
		return errors.Join(err, closeStores(stores))
	}
	p.stores, p.wallets, p.made = stores, wallets, true
	return nil
}

// openStores opens the queue of each wallet, and makes it at the first start. On
// an error it returns those that are open.
func (p *clients) openStores() (stores []*outbox.Store, err error) {
	open := outbox.Open
	if !p.made {
		open = outbox.Create
	}
	for i := range p.configs {
		s, err := open(outbox.Config{Path: p.storage.file(fmt.Sprintf("wallet-%d.db", i)), VFS: p.storage.layer()})
		if err != nil {
			return stores, err
		}
		stores = append(stores, s)
	}
	return stores, nil
}

func closeStores(stores []*outbox.Store) error {
	var errs []error
	for _, s := range stores {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// settle finds out, after a power failure, what became of the presses during
// which it came, and has every user look at what the phone says now.
func (p *clients) settle(stores []*outbox.Store) error {
	if p.storage.failures() == 0 {
		return nil
	}
	for i, s := range stores {
		all, err := s.History()
		if err != nil {
			return err
		}
		for _, id := range slices.Sorted(maps.Keys(p.presses)) {
			if pr := p.presses[id]; pr.wallet == i {
				p.correlator.settle(pr.purchase, id, pr.find(all))
				delete(p.presses, id)
			}
		}
		for _, h := range all {
			p.correlator.show(i, h.Payment)
		}
	}
	return nil
}

// find returns the payment that was taken for the press, or nil.
func (pr press) find(all []outbox.PaymentHistory) *outbox.Payment {
	for _, h := range all {
		refused := h.State == outbox.Declined || h.State == outbox.Expired
		if h.Order == pr.order && !refused && h.Payee == pr.Payee && h.Amount == pr.Amount && h.Currency == pr.Currency {
			return &h.Payment
		}
	}
	return nil
}

// kill ends the wallets as a crash would, which also takes the power from their
// disk.
func (p *clients) kill() error {
	p.storage.cut()
	return p.stop()
}

// stop ends the wallets. Their stores go first: what a wallet has not stored by
// then it never knew, and nobody is told it.
func (p *clients) stop() error {
	p.mu.Lock()
	stores, wallets := p.stores, p.wallets
	p.stores, p.wallets = nil, nil
	p.mu.Unlock()
	err := closeStores(stores)
	for _, w := range wallets {
		w.Kill()
	}
	return err
}

// held returns the presses whose payments have no final state.
func (p *clients) held(d *correlator) ([]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stores == nil {
		return nil, errDown
	}
	var held []string
	for _, s := range p.stores {
		ps, err := s.Unfinished()
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
	clients    *clients
	i          int
	correlator *correlator
	start      time.Time     // the instant of offset 0
	turn       chan struct{} // of capacity 1: who presses holds it
}

// Pay implements harness.Payer.
func (p *payer) Pay(ctx context.Context, hp harness.Payment) error {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	bought := purchase{p.i, hp.Order}
	w := p.clients.begin(press{bought, hp, p.clients.storage.failures()})
	if w == nil {
		return errDown
	}
	o := wallet.Order{ID: hp.Order, Payee: hp.Payee, Amount: hp.Amount, Currency: hp.Currency}
	if hp.Deadline != 0 {
		o.Deadline = p.start.Add(hp.Deadline)
	}
	p.correlator.begin(bought, hp.ID)
	got, err := w.Pay(ctx, o)
	if !p.clients.end(hp.ID, err) {
		return nil
	}
	p.correlator.end(bought, hp.ID, got.Key, err == nil)
	if err != nil {
		return fmt.Errorf("wallet %d: %w", p.i, err)
	}
	return nil
}

// begin notes a press and returns the wallet it is for, or nil while it is down.
func (p *clients) begin(pr press) *wallet.Wallet {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stores == nil {
		return nil
	}
	p.presses[pr.ID] = pr
	return p.wallets[pr.wallet]
}

// end notes how a press ended and reports whether it is known: if the power
// failed and the press with it, that is found out at the next start.
func (p *clients) end(id string, err error) (known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pr, open := p.presses[id]
	if !open {
		return false // found out already
	}
	if err != nil && p.storage.failures() != pr.failures {
		return false
	}
	delete(p.presses, id)
	return true
}
