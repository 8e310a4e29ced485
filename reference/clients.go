package reference

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/freezing"
	"github.com/onebar/onebar/reference/channel/noise"
	"github.com/onebar/onebar/reference/outbox"
	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/wallet"
)

// errDown is the error of a press of pay while the app is not running.
var errDown = errors.New("the wallet is not running")

// clients are the payers: every wallet of the run, each with its own queue on its own
// storage.
type clients struct {
	network    harness.Network
	side       *side
	correlator *correlator
	payers     []*payer
	log        *slog.Logger

	watch   sync.WaitGroup   // openWhenItCan
	mu      sync.Mutex       // also of what changes in each payer
	presses map[string]press // under way, by id
}

// press is one press of pay under way. If the phone loses its power during it, it is
// unknown until the phone is on again whether the wallet accepted the payment.
type press struct {
	purchase
	harness.Payment
	failures int64 // power failures of the phone before the press
}

// newClients prepares a wallet for each config, with the storage of the same
// number.
func newClients(env harness.Env, d *correlator, s *side, storages []*storage, configs []wallet.Config) *clients {
	p := &clients{network: env.Network, log: env.Log, side: s, correlator: d, presses: map[string]press{}}
	for i, c := range configs {
		gate := &freezing.Gate{}
		if n, ok := c.Dialer.(*noise.Dialer); ok {
			n.Net = gate.Dialer(n.Net)
		}
		c.Told = func(w outbox.Payment) { gate.Do(func() { d.tell(i, w) }) }
		c.Attempted = func(w outbox.Payment, a outbox.Attempt) { gate.Do(func() { d.attempted(w, a) }) }
		p.payers = append(p.payers, &payer{
			clients: p, i: i, config: c, gate: gate, storage: storages[i], correlator: d, start: env.Start, turn: make(chan struct{}, 1),
		})
	}
	return p
}

type opened struct {
	store   *outbox.Store
	wallet  *wallet.Wallet
	unwatch func() // ends the reports about its link; nil if there are none
	gate    *freezing.Gate
}

// start opens the wallets of clients that are down, all of them or none. Each continues
// its payments.
func (p *clients) start(list ...*payer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open(list)
}

// restart is start, but if a fault of the disks prevents it, the wallets are opened as soon
// as it no longer does, except those that are stopped or started before.
func (p *clients) restart(list ...*payer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.openWhenItCan(list)
}

// openWhenItCan is restart with mu held.
func (p *clients) openWhenItCan(list []*payer) error {
	err := p.open(list)
	if err == nil || slices.ContainsFunc(list, func(c *payer) bool { return !c.storage.waits(err) }) {
		return err
	}
	stops := map[*payer]int{}
	for _, c := range list {
		stops[c] = c.stops
	}
	p.watch.Go(func() {
		time.Sleep(supervisorPause)
		p.mu.Lock()
		defer p.mu.Unlock()
		left := slices.DeleteFunc(slices.Clone(list), func(c *payer) bool { return c.store != nil || c.stops != stops[c] })
		if err := p.openWhenItCan(left); err != nil {
			p.log.Error("the wallets cannot be started again", "error", err)
		}
	})
	return nil
}

// open is start with mu held.
func (p *clients) open(list []*payer) error {
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
		all[i].gate = c.gate
		c.opened = all[i]
		c.storage.timed()
	}
	return nil
}

// openStores restores the power of the payers and opens the queue of each. It opens files
// of this machine at the same time, because it waits for syncs. It opens disks in memory
// one after the other, so that a run can be repeated. On an error it may have opened some.
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

// openStore opens the queue of the payer's wallet. At the first start it creates the queue.
func (p *payer) openStore() (*outbox.Store, error) {
	open := outbox.Open
	if !p.made {
		open = outbox.Create
	}
	bank, payer := p.config.Bank, p.config.Vault.Certificate().Identity
	s, err := open(outbox.Config{
		Path: p.storage.file(fmt.Sprintf("wallet-%d.db", p.i)), VFS: p.storage.layer(), Gather: p.storage.turn,
		Verify: func(p *pay.Payment, a *pay.Answer) error { return pay.VerifyReceipt(bank, payer, p, a) },
	})
	p.made = p.made || err == nil
	return s, err
}

// end ends wallets as a crash would. It closes their stores first: a wallet reports only
// what it has stored, so it reports nothing that a crash would have lost.
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
			if o.gate != nil {
				o.gate.Drop()
			}
			o.wallet.Kill()
		}
	}
	return errors.Join(errs...)
}

// settle finds out, after a power failure of a phone, whether the presses during it were
// accepted, and reports to the user what the phone shows now.
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

// find returns the payment that the wallet accepted for the press, or nil.
func (pr press) find(all []outbox.PaymentHistory) *outbox.Payment {
	for _, h := range all {
		refused := h.State == outbox.Declined || h.State == outbox.Expired
		if h.Order == pr.order && !refused && h.Payee == pr.Payee && h.Amount == pr.Amount && h.Currency == pr.Currency {
			return &h.Payment
		}
	}
	return nil
}

// kill ends every wallet as a crash would, which also cuts the power of their disks.
func (p *clients) kill() error {
	p.side.cut()
	return p.stop(p.payers...)
}

// killOne is kill for one phone.
func (p *clients) killOne(c *payer) error {
	c.storage.cut()
	return p.stop(c)
}

// freeze stops a phone, if it is on.
func (p *clients) freeze(c *payer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.store != nil {
		c.gate.Freeze()
	}
}

func (p *clients) stop(list ...*payer) error {
	p.mu.Lock()
	all := make([]opened, 0, len(list))
	for _, c := range list {
		all = append(all, c.opened)
		c.opened, c.stops = opened{}, c.stops+1
	}
	p.mu.Unlock()
	return end(all)
}

// held returns the presses whose payments have no final state. It is an error if a wallet
// is down.
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
	config     wallet.Config  // its random source continues after a restart
	gate       *freezing.Gate // before what its wallet sends, reads and reports
	storage    *storage
	correlator *correlator
	start      time.Time     // the instant of offset 0
	turn       chan struct{} // of capacity 1: held during a press
	made       bool          // the queue was created
	stops      int           // how often it was stopped

	opened // zero while it is down
}

func (p *payer) Pay(ctx context.Context, hp harness.Payment) error {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := p.gate.Wait(ctx); err != nil {
		return err
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
	_ = p.gate.Wait(ctx) // its end is seen in any case
	if !p.clients.end(hp.ID, err) {
		return nil
	}
	p.correlator.end(bought, hp.ID, got.Key, err == nil)
	if err != nil {
		return fmt.Errorf("wallet %d: %w", p.i, err)
	}
	return nil
}

// begin records a press and returns its wallet, or nil if the wallet is down.
func (p *clients) begin(pr press) *wallet.Wallet {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.payers[pr.wallet].wallet
	if w != nil {
		p.presses[pr.ID] = pr
	}
	return w
}

// end records the end of a press and reports whether its result is known. If the power
// failed during the press, the next start finds out.
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
