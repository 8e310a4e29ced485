package reference

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/disk"
	"github.com/onebar/onebar/reference/bank"
	"github.com/onebar/onebar/reference/channel/noise"
	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/retry"
	"github.com/onebar/onebar/reference/vault"
	"github.com/onebar/onebar/reference/wallet"
)

// Options configure the pair. The zero value is the pair as it would be deployed.
type Options struct {
	Retry  retry.Policy // of every wallet; its Attempts are at most Workload.Attempts
	Faulty Faulty

	// The disk of the bank's ledger, and the group with a disk for each wallet's queue. A
	// Crash of a side is then a power failure of its disks: the run's seed decides for
	// each sector that was not synced whether it is kept or lost. A caller that makes the
	// power fail with FailAt must call Crash afterwards. Nil is files of this machine, of
	// which a Crash loses nothing. The caller closes the disks, after the subject.
	BankDisk    *disk.Disk
	WalletDisks *disk.Group
}

// New returns the reference pair as a subject that has not been started. It is
// also a harness.Crasher, Storer, Slower and Holder.
func New(o Options) harness.Subject { return &subject{options: o} }

type subject struct {
	options    Options
	env        harness.Env
	correlator *correlator
	server     *bankServer
	clients    *clients
	newKey     *newKeyPayers // instead of clients, if Faulty asks for it
	sides      map[harness.Side]*side

	bank, wallets harness.WallClock
}

func (s *subject) Start(ctx context.Context, env harness.Env) error {
	s.env, s.correlator = env, &correlator{observer: env.Observer, pressing: map[purchase]string{}, records: map[pay.Key]*keyRecord{}}
	root := harness.Rand(env.Seed, harness.StreamSubject)
	bankStorage, walletStorages, sides := newStorages(ctx, env, s.options)
	var err error
	if s.server, err = newBankServer(env, s.correlator, s.options.Faulty, bankStorage, newSource(root)); err != nil {
		return fmt.Errorf("start the reference pair: %w", err)
	}
	s.server.config.Clock = s.bank.Now
	if err := s.server.start(ctx); err != nil {
		return fmt.Errorf("start the bank: %w", err)
	}
	configs := make([]wallet.Config, env.Workload.Wallets)
	for i := range configs {
		r := newSource(root)
		keys, err := vault.New(r)
		if err != nil {
			return fmt.Errorf("start wallet %d: %w", i, err)
		}
		configs[i] = wallet.Config{
			Account: "w" + strconv.Itoa(i), Vault: keys, Bank: s.server.receiptKey(),
			Dialer: &noise.Dialer{
				ClientConfig: noise.ClientConfig{Vault: keys, Bank: s.server.static.Public, Rand: r},
				Address:      s.server.address, Net: env.Network.Client(i).DialContext,
			},
			Rand: r, Retry: s.policy(), Stagger: stagger, Clock: s.wallets.Now, Log: env.Log,
		}
	}
	if err := s.enroll(ctx, configs); err != nil {
		return fmt.Errorf("open the accounts: %w", err)
	}
	if s.options.Faulty.NewKeyPerAttempt {
		s.newKey = startNewKeyPayers(configs, s.correlator)
	} else {
		s.clients = newClients(env, s.correlator, sides[harness.Client], walletStorages, configs)
		if err := s.clients.start(s.clients.payers...); err != nil {
			return fmt.Errorf("start the wallets: %w", err)
		}
	}
	s.sides = sides
	for _, side := range sides {
		side.script()
	}
	return nil
}

// Abilities implements harness.Subject. Commits are counted, and power fails, only on
// disks of harness/disk.
func (s *subject) Abilities() harness.Abilities {
	can := harness.SetClientClock | harness.SetServerClock | harness.CrashClient | harness.CrashServer | harness.SlowServer | harness.ReportCommits | harness.ReportHeld | harness.KeepDeadlines
	if !s.options.Faulty.NewKeyPerAttempt {
		can |= harness.CrashWallet | harness.FreezeWallet
	}
	if s.options.BankDisk != nil && s.options.WalletDisks != nil {
		can |= harness.CountClientCommits | harness.CountServerCommits | harness.ChooseLoss | harness.FaultDisks
	}
	return can
}

// Commits implements harness.Storer. A commit is a sync of SQLite's log.
func (s *subject) Commits(side harness.Side) int64 { return s.sides[side].commits() }

func (s *subject) FailCommit(side harness.Side, n int64, after bool, told func()) {
	s.sides[side].failCommit(n, after, told)
}

func (s *subject) LoseUnsynced(side harness.Side, all bool) { s.sides[side].lose(all) }

func (s *subject) FaultDisks(side harness.Side, f harness.DiskFault) (end func() int64) {
	return s.sides[side].inject(f)
}

// policy returns the retry policy, with at most the attempts that the scenario allows.
func (s *subject) policy() retry.Policy {
	p := s.options.Retry
	if bound := s.env.Workload.Attempts; bound > 0 && (p.Attempts == 0 || p.Attempts > bound) {
		p.Attempts = bound
	}
	return p
}

// stagger separates a wallet's payments at the same instant of virtual time. It is much
// shorter than a round trip.
const stagger = 500 * time.Microsecond

// enroll opens the accounts of payers and merchants. Their numbers in the ledger do not
// depend on the scheduler: how many pages a commit writes, and so when SQLite copies its
// log, depends on them.
func (s *subject) enroll(ctx context.Context, payers []wallet.Config) error {
	w := s.env.Workload
	var all []bank.Account
	for i, p := range payers {
		currency := w.CurrencyOf(i)
		all = append(all, bank.Account{Name: p.Account, Certificate: p.Vault.Certificate(), Currency: currency, Opening: opening(w, currency)})
	}
	for i := range w.Merchants {
		all = append(all, bank.Account{Name: "m" + strconv.Itoa(i), Currency: w.CurrencyOf(i)})
	}
	return s.server.enroll(ctx, all)
}

// opening is the opening balance of a wallet: that of the workload, or else a hundred times
// as much as all payments of the run, so that even a faulty wallet has enough money.
func opening(w harness.Workload, currency string) int64 {
	if w.Balance > 0 {
		return w.Balance
	}
	if n, most := int64(max(w.Payments, 1))*100, w.Most(currency); most < pay.MaxAmount/n {
		return most * n
	}
	return pay.MaxAmount
}

func (s *subject) Payer(i int) harness.Payer {
	if s.newKey != nil {
		return s.newKey.payers[i]
	}
	return s.clients.payers[i]
}

// Ledger implements harness.Subject. It reads the bank's file, even while the bank
// runs.
func (s *subject) Ledger(ctx context.Context) (harness.Ledger, error) {
	l, err := s.server.readLedger(ctx, s.correlator)
	if err != nil {
		return harness.Ledger{}, fmt.Errorf("read the ledger: %w", err)
	}
	return l, nil
}

func (s *subject) Close() error {
	var errs []error
	if s.clients != nil {
		errs = append(errs, s.clients.stop(s.clients.payers...))
		s.clients.watch.Wait()
	}
	if s.newKey != nil {
		s.newKey.stop()
	}
	if s.server != nil {
		errs = append(errs, s.server.stop())
	}
	return errors.Join(errs...)
}

func (s *subject) Crash(side harness.Side) error {
	i, one := harness.ClientIndex(string(side))
	switch {
	case side == harness.Server:
		return s.server.kill()
	case one && s.newKey == nil:
		return s.clients.killOne(s.clients.payers[i])
	case side != harness.Client:
		return fmt.Errorf("crash the %v: no such side", side)
	case s.newKey != nil:
		s.newKey.stop()
		return nil
	}
	return s.clients.kill()
}

func (s *subject) Restart(ctx context.Context, side harness.Side) error {
	i, one := harness.ClientIndex(string(side))
	switch {
	case side == harness.Server:
		return s.server.start(ctx)
	case one && s.newKey == nil:
		return s.clients.restart(s.clients.payers[i])
	case side != harness.Client:
		return fmt.Errorf("restart the %v: no such side", side)
	case s.newKey != nil:
		s.newKey.start()
		return nil
	}
	return s.clients.restart(s.clients.payers...)
}

func (s *subject) Freeze(side harness.Side) error {
	if i, one := harness.ClientIndex(string(side)); one {
		s.clients.freeze(s.clients.payers[i])
		return nil
	}
	return fmt.Errorf("freeze the %v: it cannot be frozen", side)
}

func (s *subject) Thaw(side harness.Side) error {
	if i, one := harness.ClientIndex(string(side)); one {
		s.clients.payers[i].gate.Thaw()
	}
	return nil
}

func (s *subject) SetClock(side harness.Side, k harness.Skew) {
	if side == harness.Server {
		s.bank.Set(k)
		return
	}
	s.wallets.Set(k)
}

func (s *subject) SlowAnswers(d time.Duration) (hits func() int64) { return s.server.slow(d) }

func (s *subject) Held(context.Context) ([]string, error) {
	if s.newKey != nil {
		return s.newKey.held(), nil
	}
	return s.clients.held(s.correlator)
}
