package toxi_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/onebar/onebar/harness"
)

// patience bounds what must happen; it is never waited out by a passing test.
const patience = 20 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sink keeps the packets it is told of.
type sink struct {
	mu   sync.Mutex
	list []harness.Packet
}

func (s *sink) Packet(p harness.Packet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, p)
}

// packets returns those of direction d so far, in the order they were told.
func (s *sink) packets(d harness.Direction) []harness.Packet {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []harness.Packet
	for _, p := range s.list {
		if p.Direction == d {
			out = append(out, p)
		}
	}
	return out
}

// rig is a network with a server that hands out what it accepts.
type rig struct {
	tb testing.TB
	harness.Network
	packets  *sink
	listener net.Listener
}

func open(tb testing.TB, e harness.Engine, cfg harness.NetworkConfig) *rig {
	tb.Helper()
	r := &rig{tb: tb, packets: &sink{}}
	cfg.Start, cfg.Packets, cfg.Clients = time.Now(), r.packets, max(cfg.Clients, 1)
	var err error
	r.Network, err = e.Open(tb.Context(), cfg)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, r.Close()) })
	r.listener, err = r.Server().Listen(tb.Context(), "tcp", ":0")
	require.NoError(tb, err)
	return r
}

// dial connects client i, and returns both ends.
func (r *rig) dial(i int) (app, served *net.TCPConn) {
	r.tb.Helper()
	ctx, cancel := context.WithTimeout(r.tb.Context(), patience)
	defer cancel()
	a, err := r.Client(i).DialContext(ctx, "tcp", r.listener.Addr().String())
	require.NoError(r.tb, err)
	s, err := r.listener.Accept()
	require.NoError(r.tb, err)
	for _, c := range []net.Conn{a, s} {
		require.NoError(r.tb, c.SetDeadline(time.Now().Add(patience)))
		r.tb.Cleanup(func() { c.Close() })
	}
	return a.(*net.TCPConn), s.(*net.TCPConn)
}

func (r *rig) inject(f harness.Fault) (end func() int64) {
	r.tb.Helper()
	end, err := r.Inject(f)
	require.NoError(r.tb, err)
	return end
}

func both(p harness.Path) harness.Profile { return harness.Profile{Up: p, Down: p} }

func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(b)
	return b
}

// send writes p and half-closes.
func send(c *net.TCPConn, p []byte) error {
	_, err := c.Write(p)
	return errors.Join(err, c.CloseWrite())
}
