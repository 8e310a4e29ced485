package reference

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/reference/outbox"
	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/wallet"
)

// errDown is what a user hears who presses pay while the app is not running.
var errDown = errors.New("the wallet is not running")

// clients are the payers' side: every wallet of the run, each with a queue of its
// own on a storage of its own.
type clients struct {
	network    harness.Network
	side       *side
	correlator *correlator
	payers     []*payer

	mu      sync.Mutex       // also of each payer's store and wallet
	presses map[string]press // under way, by id
}

// press is a user pressing pay. If the phone loses its power meanwhile, nobody
// knows whether the payment was taken until the phone is on again.
type press struct {
	purchase
	harness.Payment
	failures int64 // of the phone's power before
}

// newClients prepares a wallet for each config, with the storage of the same
// number.
func newClients(env harness.Env, d *correlator, s *side, storages []*storage, configs []wallet.Config) *clients {
	p := &clients{network: env.Network, side: s, correlator: d, presses: map[string]press{}}
	for i, c := range configs {
		c.Told = func(w outbox.Payment) { d.tell(i, w) }
		c.Attempted = d.attempted
		p.payers = append(p.payers, &payer{
			clients: p, i: i, config: c, storage: storages[i], correlator: d, start: env.Start, turn: make(chan struct{}, 1),
		})
	}
	return p
}

// opened is a wallet that has been opened.
type opened struct {
	store   *outbox.Store
	wallet  *wallet.Wallet
	unwatch func() // ends the telling of its link; nil if nobody tells
}

// start opens wallets of clients that are down, which go on where they were: all
// of these or none.
func (p *clients) start(list ...*payer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range list {
		if c.store != nil {
			return fmt.Errorf("start wallet %d: it is running", c.i)
		}
	}
	all := make([]opened, len(list))
	err := openStores(list, all)
	for i := 0; i < len(list) && err == nil; i++ {
		err = p.settle(list[i], all[i].store)
	}
	for i := 0; i < len(list) && err == nil; i++ {
		all[i].wallet, err = wallet.Open(all[i].store, list[i].config)
	}
	if err != nil {
		return errors.Join(err, end(all))
	}
	for i, c := range list {
		if host, ok := p.network.Client(c.i).(harness.LinkWatcher); ok {
			all[i].unwatch = host.WatchLink(all[i].wallet.LinkUp)
		}
		c.opened = all[i]
	}
	return nil
}

// openStores gives the payers their power back and opens the queue of each. In files
// of this machine it opens many at a time, as it waits for syncs; on disks in memory
// one after the other, so that a run can be repeated. On an error it may have opened
// some.
func openStores(list []*payer, all []opened) error {
	g, ctx := errgroup.WithContext(context.Background())
	g.SetLimit(64)
	for _, c := range list {
		c.storage.revive()
		if c.storage.disk != nil {
			g.SetLimit(1)
		}
	}
	for i, c := range list {
		g.Go(func() (err error) {
			if ctx.Err() == nil {
				all[i].store, err = c.openStore()
			}
			return err
		})
	}
	return g.Wait()
}

// openStore opens the queue of the payer's wallet, and makes it at the first start.
func (p *payer) openStore() (*outbox.Store, error) {
	open := outbox.Open
	if !p.made {
		open = outbox.Create
	}
	bank, payer := p.config.Bank, p.config.Vault.Certificate().Identity
	s, err := open(outbox.Config{
		Path: p.storage.file(fmt.Sprintf("wallet-%d.db", p.i)), VFS: p.storage.layer(),
		Verify: func(p *pay.Payment, a *pay.Answer) error { return pay.VerifyReceipt(bank, payer, p, a) },
	})
	p.made = p.made || err == nil
	return s, err
}

// end ends wallets as a crash would. Their stores go first: what a wallet has not
// stored by then it never knew, and nobody is told it.
func end(all []opened) error {
	var errs []error
	for _, o := range all {
		if o.unwatch != nil {
			o.unwatch()
		}
		if o.store != nil {
			errs = append(errs, o.store.Kill())
		}
	}
	for _, o := range all {
		if o.wallet != nil {
			o.wallet.Kill()
		}
	}
	return errors.Join(errs...)
}

// settle finds out, after a power failure of a phone, what became of the presses
// during which it came, and has the user look at what the phone says now.
func (p *clients) settle(c *payer, s *outbox.Store) error {
	if c.storage.failures() == 0 {
		return nil
	}
	all, err := s.History()
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(p.presses)) {
		if pr := p.presses[id]; pr.wallet == c.i {
			p.correlator.settle(pr.purchase, id, pr.find(all))
			delete(p.presses, id)
		}
	}
	for _, h := range all {
		p.correlator.show(c.i, h.Payment)
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

// kill ends every wallet as a crash would, which also takes the power from their
// disks.
func (p *clients) kill() error {
	p.side.cut()
	return p.stop(p.payers...)
}

// killOne does that to one wallet, and the others go on.
func (p *clients) killOne(c *payer) error {
	c.storage.cut()
	return p.stop(c)
}

// stop ends wallets. Those that are down stay so.
func (p *clients) stop(list ...*payer) error {
	p.mu.Lock()
	all := make([]opened, 0, len(list))
	for _, c := range list {
		all = append(all, c.opened)
		c.opened = opened{}
	}
	p.mu.Unlock()
	return end(all)
}

// held returns the presses whose payments have no final state. While a wallet is
// down nobody knows.
func (p *clients) held(d *correlator) ([]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var held []string
	for _, c := range p.payers {
		if c.store == nil {
			return nil, errDown
		}
		ps, err := c.store.Unfinished()
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
	config     wallet.Config // whose random source goes on over a restart
	storage    *storage
	correlator *correlator
	start      time.Time     // the instant of offset 0
	turn       chan struct{} // of capacity 1: who presses holds it
	made       bool          // the queue

	opened // zero while it is down
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
	w := p.clients.begin(press{bought, hp, p.storage.failures()})
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
	w := p.payers[pr.wallet].wallet
	if w != nil {
		p.presses[pr.ID] = pr
	}
	return w
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
	if err != nil && p.payers[pr.wallet].storage.failures() != pr.failures {
		return false
	}
	delete(p.presses, id)
	return true
}
