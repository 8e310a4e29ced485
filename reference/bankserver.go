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

	mu        sync.Mutex
	address   string       // of the first listener; the later ones take it over
	book      *bank.Ledger // nil while it is down
	impatient *impatientBook
	server    *server.Server
	cancel    context.CancelFunc // ends impatient
	wg        sync.WaitGroup     // Serve
}

// ledgerFile is the name of the ledger on the disk of the bank.
const ledgerFile = "bank.db"

// instant is how long the bank of a virtual disk waits for requests that come at
// one instant of virtual time: in which order its goroutines run then is left to
// the scheduler, and so would be how many commits they make.
const instant = 500 * time.Nanosecond

// slowness is one call of SlowAnswers.
type slowness struct {
	by   time.Duration
	hits atomic.Int64
}

// newBankServer prepares the bank of a run; start opens it.
func newBankServer(env harness.Env, d *correlator, f Faulty, st *storage, r io.Reader) (*bankServer, error) {
	b := &bankServer{
		host: env.Network.Server(), storage: st, rand: r, faulty: f,
		// A wallet that redials leaves a connection behind that the bank believes in
		// until it is idle for long. All of these may be of one address, as those
		// that come through toxiproxy are, and closing one sends packets that the
		// run would measure: no limit is to be reached.
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
		// The faults are those of a pair without the bank's second line of defence.
		AllowRepeatedOrders: f != (Faulty{}),
	}
	if st.disk != nil {
		b.config.CommitDelay = instant
	}
	b.slowness.Store(&slowness{})
	return b, nil
}

// receiptKey verifies the bank's receipts.
func (b *bankServer) receiptKey() ed25519.PublicKey { return b.receipts.Public().(ed25519.PublicKey) }

// start opens the ledger and serves it, where it was served before.
func (b *bankServer) start(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.book != nil {
		return errors.New("it is running")
	}
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
	b.config.Recall = b.storage.failures() > 0
	if b.book, err = bank.OpenLedger(b.config); err != nil {
		ln.Close()
		return err
	}
	b.address = ln.Addr().String()
	life, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	var service pay.Service = b.book
	if b.faulty.AnswerBeforeCommit {
		b.impatient = &impatientBook{
			ledger: b.book, receipts: b.receipts, ctx: life,
			answers: map[pay.Key]*pay.Answer{},
		}
		service = b.impatient
	}
	cfg := noise.ServerConfig{Static: b.static, Receipts: b.receiptKey(), Identify: b.book.Identify, Rand: b.rand}
	sv := server.New(server.Config{
		Service: service, Log: b.config.Log, BeforeAnswer: b.beforeAnswer,
		Wrap:     func(c net.Conn) server.Conn { return noise.Server(c, cfg) },
		MaxConns: b.conns, MaxPerAddress: b.conns, MaxPerWallet: b.conns,
	})
	b.server = sv
	b.wg.Go(func() {
		if err := sv.Serve(life, ln); !errors.Is(err, server.ErrClosed) {
			b.config.Log.Error("the bank no longer listens", "error", err)
		}
	})
	return nil
}

// kill ends the bank as a crash would, which also takes the power from its disk.
func (b *bankServer) kill() error { return b.end(b.storage.cut, (*bank.Ledger).Kill) }

// stop ends the bank in an orderly way.
func (b *bankServer) stop() error { return b.end(func() {}, (*bank.Ledger).Close) }

// end ends the server before the power and the ledger: a request that these fail is
// not answered any more.
func (b *bankServer) end(power func(), how func(*bank.Ledger) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.book == nil {
		power()
		return nil
	}
	b.server.Kill()
	power()
	b.cancel()
	err := how(b.book)
	if b.impatient != nil {
		b.impatient.wait()
	}
	b.wg.Wait()
	b.book, b.impatient, b.server = nil, nil, nil
	return err
}

func (b *bankServer) enroll(ctx context.Context, a bank.Account) error {
	b.mu.Lock()
	book := b.book
	b.mu.Unlock()
	return book.Enroll(ctx, a)
}

// slow makes every answer from now on wait for d.
func (b *bankServer) slow(d time.Duration) (hits func() int64) {
	s := &slowness{by: d}
	b.slowness.Store(s)
	return s.hits.Load
}

// beforeAnswer is called between the commit of a payment and its answer.
func (b *bankServer) beforeAnswer(pay.Key) (pause func(context.Context)) {
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

// ledger reads the file, with the bank running or not.
func (b *bankServer) ledger(ctx context.Context, d *correlator) (l harness.Ledger, err error) {
	b.mu.Lock()
	impatient := b.impatient
	b.mu.Unlock()
	if impatient != nil {
		impatient.wait()
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
	// The bank has them in the order in which they were enrolled, many at once.
	slices.SortFunc(l.Balances, func(a, b harness.Balance) int { return strings.Compare(a.Account, b.Account) })
	return l, err
}
