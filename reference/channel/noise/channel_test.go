package noise

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/onebar/onebar/reference/channel/channeltest"
	"github.com/onebar/onebar/reference/pay"
)

// TestChannel holds the sessions of this package to the contract of channels.
func TestChannel(t *testing.T) {
	channeltest.Test(t, func(t *testing.T, s pay.Service) channeltest.System {
		t.Helper()
		b := newBench(t)
		bank := &inMemoryBank{bench: b, service: s}
		t.Cleanup(func() {
			bank.cut()
			bank.wg.Wait()
		})
		return channeltest.System{
			Dialer: &Dialer{ClientConfig: b.client(), Address: "bank:1", Net: bank.dial},
			Vault:  b.wallet, Bank: b.receiptKey(), Cut: bank.cut,
		}
	})
}

// inMemoryBank serves a service over in-memory connections, without the limits of a
// real server.
type inMemoryBank struct {
	*bench

	service pay.Service
	wg      sync.WaitGroup

	mu    sync.Mutex
	conns []*ServerConn
}

func (b *inMemoryBank) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	here, there := net.Pipe()
	c := Server(there, b.server())
	b.mu.Lock()
	b.conns = append(b.conns, c)
	b.mu.Unlock()
	b.wg.Go(func() { b.serveConn(c) })
	return here, nil
}

func (b *inMemoryBank) serveConn(c *ServerConn) {
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
				a = &pay.Answer{Result: pay.Refused, Reason: pay.Busy, At: testTime}
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
