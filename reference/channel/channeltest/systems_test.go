package channeltest

import (
	"context"
	"crypto/ed25519"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/onebar/onebar/reference/channel/noise"
	"github.com/onebar/onebar/reference/channel/server"
	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/vault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestNoise is of the sessions of package noise over connections in memory, without the
// limits of a real server.
func TestNoise(t *testing.T) { testChannel(t, inMemory) }

// TestNoiseOverTCP is of Noise over TCP and the bank's server.
func TestNoiseOverTCP(t *testing.T) { testChannel(t, overTCP) }

// noiseSystem returns a wallet and the two configurations of Noise. The caller adds Cut and
// how the wallet dials.
func noiseSystem(t *testing.T) (system, noise.ClientConfig, noise.ServerConfig) {
	t.Helper()
	wallet, err := vault.New(nil)
	require.NoError(t, err)
	static, err := noise.NewKeyPair(nil)
	require.NoError(t, err)
	receipts, _, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	identify := func(transport [32]byte) (pay.PublicKey, bool) {
		c := wallet.Certificate()
		return c.Identity, transport == c.Transport
	}
	return system{vault: wallet, bank: receipts}, noise.ClientConfig{Vault: wallet, Bank: static.Public},
		noise.ServerConfig{Static: static, Receipts: receipts, Identify: identify}
}

func overTCP(t *testing.T, s pay.Service) system {
	t.Helper()
	sys, client, bank := noiseSystem(t)
	var mu sync.Mutex
	var conns []net.Conn // of the bank's end
	sv := server.New(server.Config{Service: s, Wrap: func(c net.Conn) server.Conn {
		mu.Lock()
		defer mu.Unlock()
		conns = append(conns, c)
		return noise.Server(c, bank)
	}})
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- sv.Serve(context.Background(), ln) }()
	t.Cleanup(func() {
		sv.Kill()
		require.ErrorIs(t, <-served, server.ErrClosed)
	})
	sys.dialer = &noise.Dialer{ClientConfig: client, Address: ln.Addr().String(), Net: new(net.Dialer).DialContext}
	sys.cut = func() { // resets every connection, without a word to either end
		mu.Lock()
		defer mu.Unlock()
		for _, c := range conns {
			_ = c.(*net.TCPConn).SetLinger(0) // it may be closed
			c.Close()
		}
		conns = nil
	}
	return sys
}

func inMemory(t *testing.T, s pay.Service) system {
	t.Helper()
	sys, client, config := noiseSystem(t)
	bank := &inMemoryBank{config: config, service: s}
	sys.dialer = &noise.Dialer{ClientConfig: client, Address: "bank:1", Net: bank.dial}
	sys.cut = bank.cut
	t.Cleanup(func() {
		bank.cut()
		bank.wg.Wait()
	})
	return sys
}

// inMemoryBank serves a service over in-memory connections.
type inMemoryBank struct {
	config  noise.ServerConfig
	service pay.Service
	wg      sync.WaitGroup

	mu    sync.Mutex
	conns []*noise.ServerConn
}

func (b *inMemoryBank) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	here, there := net.Pipe()
	c := noise.Server(there, b.config)
	b.mu.Lock()
	b.conns = append(b.conns, c)
	b.mu.Unlock()
	b.wg.Go(func() { b.serveConn(c) })
	return here, nil
}

func (b *inMemoryBank) serveConn(c *noise.ServerConn) {
	ctx, cancel := context.WithCancel(context.Background())
	var answering sync.WaitGroup
	defer answering.Wait()
	defer cancel()
	defer c.Close()
	for {
		in, err := c.Receive()
		if err != nil {
			return
		}
		wait := b.service.Submit(c.Payer(), in.Request)
		answering.Go(func() {
			a, err := wait(ctx)
			if err != nil {
				a = &pay.Answer{Result: pay.Refused, Reason: pay.Busy, At: time.Now().UnixMilli()}
			}
			_ = c.Send(in.Number, a) // the wallet may be gone
		})
	}
}

// cut ends every connection.
func (b *inMemoryBank) cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.conns {
		c.Close()
	}
	b.conns = nil
}
