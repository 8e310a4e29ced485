package reference

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/reference/bank"
	"github.com/onebar/onebar/reference/channel/noise"
	"github.com/onebar/onebar/reference/channel/server"
	"github.com/onebar/onebar/reference/pay"
)

// bankServer is the server side of a run: the bank, its listener and its ledger, which can
// be killed and opened again on the same address and file.
type bankServer struct {
	host     harness.Host
	storage  *storage
	static   noise.KeyPair
	receipts ed25519.PrivateKey
	rand     io.Reader
	conns    int
	config   bank.LedgerConfig
	faulty   Faulty
	slowness atomic.Pointer[slowness]

	watch sync.WaitGroup // supervise

	mu      sync.Mutex
	address string       // of the first listener; the later ones take it over
	ledger  *bank.Ledger // nil while it is down
	early   *earlyLedger
	recall  bool // its disk has failed: bookings may be durable that were not reported, or not be durable that it finds
	ends    int  // how often it has been ended
	server  *server.Server
	cancel  context.CancelFunc // ends what early does in the background
	wg      sync.WaitGroup     // Serve
}

// ledgerFile is the name of the ledger on the disk of the bank.
const ledgerFile = "bank.db"

// slowness is one call of SlowAnswers.
type slowness struct {
	by   time.Duration
	hits atomic.Int64
}

// newBankServer prepares the bank of a run; start opens it.
func newBankServer(env harness.Env, d *correlator, f Faulty, st *storage, r io.Reader) (*bankServer, error) {
	b := &bankServer{
		host: env.Network.Server(), storage: st, rand: r, faulty: f,
		// A wallet that redials leaves a connection that the bank keeps until it was
		// idle for long. All connections may come from one address, as through
		// toxiproxy. Closing one at a limit would send packets that the run measures,
		// so the limit is high.
		conns: 1024 + 8*env.Workload.Wallets,
	}
	var err error
	if b.static, err = noise.NewKeyPair(r); err != nil {
		return nil, err
	}
	if _, b.receipts, err = ed25519.GenerateKey(r); err != nil {
		return nil, fmt.Errorf("draw the receipt key: %w", err)
	}
	b.config = bank.LedgerConfig{
		Path: st.file(ledgerFile), VFS: st.layer(), Receipts: b.receipts, Log: env.Log,
		Hooks: bank.Hooks{Committed: d.committed},
		// The faults need a bank that does not recognise repeated orders.
		AllowRepeatedOrders: f != (Faulty{}),
	}
	b.config.Gather = st.turn
	b.slowness.Store(&slowness{})
	return b, nil
}

// receiptKey verifies the bank's receipts.
func (b *bankServer) receiptKey() ed25519.PublicKey { return b.receipts.Public().(ed25519.PublicKey) }

// start opens the ledger and serves it at the address of the first start.
func (b *bankServer) start(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ledger != nil {
		return errors.New("it is running")
	}
	return b.openWhenItCan(ctx)
}

// openWhenItCan is open, but if the disk lets the ledger not be opened now, it is opened as
// soon as it does, unless the bank is ended or started before. mu is held.
func (b *bankServer) openWhenItCan(ctx context.Context) error {
	err := b.open(ctx)
	if err == nil || !b.storage.waits(err) {
		return err
	}
	ends := b.ends
	b.watch.Go(func() {
		time.Sleep(supervisorPause)
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.ends != ends || b.ledger != nil {
			return
		}
		if err := b.openWhenItCan(context.WithoutCancel(ctx)); err != nil {
			b.config.Log.Error("the bank cannot be started again", "error", err)
		}
	})
	return nil
}

// open is start with mu held.
func (b *bankServer) open(ctx context.Context) error {
	b.storage.revive()
	port := "0"
	if b.address != "" {
		var err error
		if _, port, err = net.SplitHostPort(b.address); err != nil {
			return err
		}
	}
	ln, err := b.host.Listen(ctx, "tcp", ":"+port)
	if err != nil {
		return err
	}
	b.config.Create = b.address == ""
	b.config.ForgetAnswers = b.faulty.ForgetKeys && !b.config.Create
	b.config.Recall, b.config.Resync = b.recall || b.storage.failures() > 0, b.recall
	if b.ledger, err = bank.OpenLedger(b.config); err != nil {
		ln.Close()
		return err
	}
	b.address = ln.Addr().String()
	life, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	var service pay.Service = b.ledger
	if b.faulty.AnswerBeforeCommit {
		b.early = &earlyLedger{
			ledger: b.ledger, receipts: b.receipts, ctx: life,
			answers: map[pay.Key]*pay.Answer{},
		}
		service = b.early
	}
	cfg := noise.ServerConfig{Static: b.static, Receipts: b.receiptKey(), Identify: b.ledger.Identify, Rand: b.rand}
	sv := server.New(server.Config{
		Service: service, Log: b.config.Log, BeforeAnswer: b.beforeAnswer, Clock: b.config.Clock,
		Wrap:     func(c net.Conn) server.Conn { return noise.Server(c, cfg) },
		MaxConns: b.conns, MaxPerAddress: b.conns, MaxPerWallet: b.conns,
	})
	b.server = sv
	b.storage.timed()
	ledger := b.ledger
	b.watch.Go(func() { b.supervise(life, ledger) })
	b.wg.Go(func() {
		if err := sv.Serve(life, ln); !errors.Is(err, server.ErrClosed) {
			b.config.Log.Error("the bank no longer listens", "error", err)
		}
	})
	return nil
}

// supervisorPause is how long a bank whose disk has failed refuses requests until it is
// started again: RestartSec of systemd.
const supervisorPause = 100 * time.Millisecond

// supervise starts the bank again after an error of its disk, as the supervisor of a real
// bank does: what is on the disk is known only once the ledger has been opened. life is that
// of the ledger.
func (b *bankServer) supervise(life context.Context, l *bank.Ledger) {
	select {
	case <-life.Done():
		return
	case err := <-l.Failed():
		b.config.Log.Error("the bank is started again", "error", err)
	}
	select {
	case <-life.Done():
		return
	case <-time.After(supervisorPause):
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ledger != l || b.storage.off() {
		return // it has crashed meanwhile, or will: its power has failed
	}
	b.recall = true
	err := b.end(func() {}, (*bank.Ledger).Kill)
	if err = errors.Join(err, b.openWhenItCan(context.Background())); err != nil {
		b.config.Log.Error("the bank cannot be started again", "error", err)
	}
}

// kill ends the bank as a crash would, which also cuts the power of its disk.
func (b *bankServer) kill() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.end(b.storage.cut, (*bank.Ledger).Kill)
}

// stop ends the bank in an orderly way.
func (b *bankServer) stop() error {
	b.mu.Lock()
	err := b.end(func() {}, (*bank.Ledger).Close)
	b.mu.Unlock()
	b.watch.Wait()
	return err
}

// end closes the server before the power and the ledger: so a request that fails because
// of them is not answered. mu is held.
func (b *bankServer) end(power func(), how func(*bank.Ledger) error) error {
	b.ends++
	if b.ledger == nil {
		power()
		return nil
	}
	b.server.Kill()
	power()
	b.cancel()
	err := how(b.ledger)
	if b.early != nil {
		b.early.wait()
	}
	b.wg.Wait()
	b.ledger, b.early, b.server = nil, nil, nil
	return err
}

func (b *bankServer) enroll(ctx context.Context, accounts []bank.Account) error {
	b.mu.Lock()
	ledger := b.ledger
	b.mu.Unlock()
	return ledger.Enroll(ctx, accounts...)
}

// slow makes every answer from now on wait for d.
func (b *bankServer) slow(d time.Duration) (hits func() int64) {
	s := &slowness{by: d}
	b.slowness.Store(s)
	return s.hits.Load
}

// beforeAnswer is called between the commit of a payment and its answer. A machine without
// power answers nothing more: its connections end with the crash.
func (b *bankServer) beforeAnswer(pay.Key) (pause func(context.Context)) {
	if b.storage.off() {
		return func(ctx context.Context) { <-ctx.Done() }
	}
	s := b.slowness.Load()
	if s.by <= 0 {
		return nil
	}
	s.hits.Add(1)
	return func(ctx context.Context) {
		t := time.NewTimer(s.by)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
		}
	}
}

// readLedger reads the file, with the bank running or not.
func (b *bankServer) readLedger(ctx context.Context, d *correlator) (l harness.Ledger, err error) {
	b.mu.Lock()
	early := b.early
	b.mu.Unlock()
	if early != nil {
		early.wait()
	}
	b.storage.revive()
	audit, err := bank.OpenAudit(b.config.Path, b.config.VFS)
	if err != nil {
		return l, err
	}
	defer func() { err = errors.Join(err, audit.Close()) }()
	for t, err := range audit.Transfers() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return l, err
		}
		l.Postings = append(l.Postings, harness.Posting{
			ID: fmt.Sprint(t.ID), Payment: d.press(t.Key), Order: t.Order,
			Payer: t.Payer, Payee: t.Payee, Amount: t.Amount, Currency: t.Currency,
		})
	}
	balances, err := audit.Balances()
	for _, a := range balances {
		if !a.Equity {
			l.Balances = append(l.Balances, harness.Balance{
				Account: a.Account, Currency: a.Currency, Opening: a.Opening, Closing: a.Closing,
			})
		}
	}
	// The bank returns them in the order of enrollment, which varies.
	slices.SortFunc(l.Balances, func(a, b harness.Balance) int { return strings.Compare(a.Account, b.Account) })
	return l, err
}
