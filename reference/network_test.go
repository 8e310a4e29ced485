package reference

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/onebar/onebar/harness"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// loopback is a harness.Network without impairments: TCP on this machine. Each
// connection of a client passes through wrap.
type loopback struct {
	harness.Network // no more than what is below

	wrap func(net.Conn) net.Conn // nil is none

	mu    sync.Mutex
	conns []net.Conn
}

func (l *loopback) Client(int) harness.Host { return clientHost{l} }
func (*loopback) Server() harness.Host      { return serverHost{} }
func (*loopback) SetProfile(harness.Profile) {
	panic("there is no link to set")
}

func (*loopback) Inject(harness.Fault) (func() int64, error) {
	panic("there is no link to fault")
}
func (*loopback) Close() error { return nil }

// reset ends every connection so far with a TCP reset.
func (l *loopback) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		_ = c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
	l.conns = nil
}

type clientHost struct{ net *loopback }

func (h clientHost) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	h.net.mu.Lock()
	h.net.conns = append(h.net.conns, conn)
	h.net.mu.Unlock()
	if h.net.wrap != nil {
		return h.net.wrap(conn), nil
	}
	return conn, nil
}

func (clientHost) Listen(context.Context, string, string) (net.Listener, error) {
	panic("a client does not listen")
}

type serverHost struct{}

func (serverHost) DialContext(context.Context, string, string) (net.Conn, error) {
	panic("a server does not dial")
}

func (serverHost) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	var c net.ListenConfig
	return c.Listen(ctx, network, "127.0.0.1"+address)
}

// witness is a harness.Observer that keeps everything.
type witness struct {
	mu        sync.Mutex
	told      map[string][]harness.Outcome
	attempts  []harness.Attempt
	committed map[string]int
	changed   chan struct{} // closed and replaced at each Told
}

func newWitness() *witness {
	return &witness{told: map[string][]harness.Outcome{}, committed: map[string]int{}, changed: make(chan struct{})}
}

func (w *witness) Told(t harness.Told) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told[t.Payment] = append(w.told[t.Payment], t.Outcome)
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *witness) Attempt(a harness.Attempt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.attempts = append(w.attempts, a)
}

func (w *witness) Committed(payment string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.committed[payment]++
}

func (w *witness) of(payment string) []harness.Outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]harness.Outcome(nil), w.told[payment]...)
}

// final waits until the payment has a final outcome and returns it.
func (w *witness) final(tb testing.TB, payment string) harness.Outcome {
	tb.Helper()
	deadline := time.After(time.Minute)
	for {
		w.mu.Lock()
		changed, told := w.changed, w.told[payment]
		w.mu.Unlock()
		if n := len(told); n > 0 && told[n-1].Final() {
			return told[n-1]
		}
		select {
		case <-changed:
		case <-deadline:
			require.FailNow(tb, "no final outcome", "payment %s was told %v", payment, w.of(payment))
		}
	}
}
