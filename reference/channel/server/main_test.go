package server

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3/vfs"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/onebar/onebar/reference/bank"
	"github.com/onebar/onebar/reference/channel/noise"
	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/vault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testTimeout is how long a test waits for what must happen, on a busy machine.
const testTimeout = 20 * time.Second

// testTime is the instant the tests' payments are made, in Unix milliseconds.
const testTime = 1_790_000_000_000

// testLedger is a ledger below a server under test, with the keys of its wallets.
type testLedger struct {
	*bank.Ledger
	cfg     bank.LedgerConfig
	wallets []testWallet
	clock   *atomic.Int64 // Unix milliseconds
}

// testWallet is a wallet of the tests.
type testWallet struct{ vault.Vault }

// newTestWallet draws a wallet's keys from r; nil is crypto/rand.
func newTestWallet(tb testing.TB, r io.Reader) testWallet {
	tb.Helper()
	v, err := vault.New(r)
	require.NoError(tb, err)
	return testWallet{v}
}

// id is the identity by which the bank knows the wallet.
func (w testWallet) id() pay.PublicKey { return w.Certificate().Identity }

// openTestLedger opens a ledger with wallets w0, w1, ... that hold 100.00 KES each, and
// the merchant m0.
func openTestLedger(tb testing.TB, wallets int) *testLedger {
	tb.Helper()
	return openTestLedgerOn(tb, wallets, "")
}

// openTestLedgerOn does so on the file layer with this name.
func openTestLedgerOn(tb testing.TB, wallets int, layer string) *testLedger {
	tb.Helper()
	clock := new(atomic.Int64)
	clock.Store(testTime + 1000)
	_, receipts, err := ed25519.GenerateKey(rand.NewChaCha8([32]byte{1}))
	require.NoError(tb, err)
	b := &testLedger{clock: clock, cfg: bank.LedgerConfig{
		Path: filepath.Join(tb.TempDir(), "bank.db"), VFS: layer, Receipts: receipts, Create: true,
		Clock: func() time.Time { return time.UnixMilli(clock.Load()) },
	}}
	b.reopen(tb)
	tb.Cleanup(func() { require.NoError(tb, b.Close()) })
	require.NoError(tb, b.Enroll(context.Background(), bank.Account{Name: "m0", Currency: "KES"}))
	src := rand.NewChaCha8([32]byte{2})
	var wg sync.WaitGroup
	for i := range wallets {
		w := newTestWallet(tb, src)
		b.wallets = append(b.wallets, w)
		wg.Go(func() {
			err := b.Enroll(context.Background(), bank.Account{Name: fmt.Sprint("w", i), Certificate: w.Certificate(), Currency: "KES", Opening: 100_00})
			if err != nil {
				tb.Error(err)
			}
		})
	}
	wg.Wait()
	return b
}

// receiptKey verifies the bank's receipts.
func (b *testLedger) receiptKey() ed25519.PublicKey {
	return b.cfg.Receipts.Public().(ed25519.PublicKey)
}

// reopen opens the file again, after a Close or a Kill.
func (b *testLedger) reopen(tb testing.TB) {
	tb.Helper()
	l, err := bank.OpenLedger(b.cfg)
	require.NoError(tb, err)
	b.Ledger = l
}

// contents returns what another process reads: the transfers and the closing
// balances, verified.
func (b *testLedger) contents(tb testing.TB) ([]bank.Transfer, map[string]int64) {
	tb.Helper()
	a, err := bank.OpenAudit(b.cfg.Path, b.cfg.VFS)
	require.NoError(tb, err)
	defer func() { require.NoError(tb, a.Close()) }()
	require.NoError(tb, a.Verify())
	var transfers []bank.Transfer
	for tr, err := range a.Transfers() {
		require.NoError(tb, err)
		transfers = append(transfers, tr)
	}
	balances, err := a.Balances()
	require.NoError(tb, err)
	closing := map[string]int64{}
	for _, b := range balances {
		closing[b.Account] = b.Closing
	}
	return transfers, closing
}

// payment is of 25.00 KES to m0, with a key made from n.
func payment(n int) pay.Payment {
	return pay.Payment{
		Key:   pay.Key{1, byte(n >> 16), byte(n >> 8), byte(n)},
		Order: fmt.Sprint("order-", n), Payee: "m0", Amount: 25_00, Currency: "KES",
		Created: testTime, Deadline: testTime + 60_000,
	}
}

// hastyVFS registers the operating system's file layer, which does not wait for the
// disk and has no shared memory, under the test's name, and returns that.
func hastyVFS(tb testing.TB) string {
	tb.Helper()
	vfs.Register(tb.Name(), hastyFiles{vfs.Find("").(vfs.VFSFilename)})
	tb.Cleanup(func() { vfs.Unregister(tb.Name()) })
	return tb.Name()
}

type (
	hastyFiles struct{ vfs.VFSFilename }
	hastyFile  struct{ vfs.File }
)

func (h hastyFiles) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, flags, err := h.VFSFilename.OpenFilename(name, flags)
	if err != nil {
		return nil, flags, err
	}
	return hastyFile{f}, flags, nil
}

func (hastyFile) Sync(vfs.SyncFlag) error { return nil }

// overNoise makes the bank's ends of Noise channels.
func overNoise(cfg noise.ServerConfig) func(net.Conn) Conn {
	return func(c net.Conn) Conn { return noise.Server(c, cfg) }
}

// testClient is what a wallet knows of a bank, and its own keys.
type testClient struct {
	noise.ClientConfig
	receipts ed25519.PublicKey // of the bank
	known    *register         // of the bank; nil where that is a ledger
}

// open begins a session over conn.
func (c testClient) open(conn net.Conn) *session {
	return &session{Session: noise.Client(conn, c.ClientConfig), client: c}
}

// session signs every request, as a wallet does.
type session struct {
	*noise.Session
	client testClient
}

// Do implements channel.Channel.
func (s *session) Do(ctx context.Context, r *pay.Request) (*pay.Answer, error) {
	if err := r.Sign(s.client.Vault, s.client.receipts); err != nil {
		return nil, err
	}
	return s.Session.Do(ctx, r)
}

// testServer is a server on loopback TCP.
type testServer struct {
	*Server
	static  noise.KeyPair
	bank    testClient // without a wallet
	address string
	served  chan error // what Serve returned
}

// startServer starts a server of a ledger.
func startServer(tb testing.TB, cfg Config) *testServer {
	tb.Helper()
	bk := cfg.Service.(*testLedger)
	return startServerOf(tb, cfg, bk.receiptKey(), bk.Identify)
}

// startServerOf starts a server of a service that signs receipts with the key of
// receipts and knows wallets by identify.
func startServerOf(tb testing.TB, cfg Config, receipts ed25519.PublicKey, identify func([32]byte) (pay.PublicKey, bool)) *testServer {
	tb.Helper()
	static, err := noise.NewKeyPair(nil)
	require.NoError(tb, err)
	cfg.Wrap = overNoise(noise.ServerConfig{Static: static, Receipts: receipts, Identify: identify})
	ln, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	sv := &testServer{
		Server: New(cfg), address: ln.Addr().String(), served: make(chan error, 1), static: static,
		bank: testClient{ClientConfig: noise.ClientConfig{Bank: static.Public}, receipts: receipts},
	}
	go func() { sv.served <- sv.Serve(context.Background(), ln) }()
	tb.Cleanup(func() {
		sv.Kill()
		require.ErrorIs(tb, <-sv.served, ErrClosed)
	})
	return sv
}

func (sv *testServer) connect(tb testing.TB) net.Conn {
	tb.Helper()
	conn, err := (&net.Dialer{}).DialContext(tb.Context(), "tcp", sv.address)
	require.NoError(tb, err)
	return conn
}

func (sv *testServer) dial(tb testing.TB, wallet testWallet) *session {
	tb.Helper()
	return sv.client(wallet).open(sv.connect(tb))
}

func (sv *testServer) client(wallet testWallet) testClient {
	c := sv.bank
	c.Vault = wallet.Vault
	return c
}
