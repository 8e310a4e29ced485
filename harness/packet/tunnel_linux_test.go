package packet

import (
	"context"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
)

// outside is a kernel in a client's place.
func outside(t *testing.T, c harness.NetworkConfig) (n *Network, dial func() (net.Conn, error), server net.Listener) {
	t.Helper()
	c.Clients, c.Start = 1, time.Now()
	n, err := New(c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.Close()) })
	s := newSpace(t, "addr add 10.1.0.0/32 dev tun0", "route add 10.0.0.1/32 dev tun0")
	t.Cleanup(func() { s.file.Close() })
	got, err := n.Tunnel(0, s.tun)
	require.NoError(t, err)
	require.Equal(t, harness.Tunnel{Client: netip.MustParseAddr("10.1.0.0"), Server: netip.MustParseAddr("10.0.0.1"), MTU: 1500}, got)
	server, err = n.Server().Listen(t.Context(), "tcp", ":7")
	require.NoError(t, err)
	t.Cleanup(func() { server.Close() })
	return n, func() (conn net.Conn, err error) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			if err = s.enter(); err == nil {
				d := net.Dialer{KeepAlive: -1}
				conn, err = d.DialContext(context.Background(), "tcp4", "10.0.0.1:7")
			}
		}()
		<-done
		return conn, err
	}, server
}

// reports keeps what a sink is told.
type reports struct {
	mu  sync.Mutex
	all []harness.Packet
}

func (r *reports) Packet(p harness.Packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, p)
}

func (r *reports) count(is func(harness.Packet) bool) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.all {
		if is(p) {
			n++
		}
	}
	return n
}

// A kernel's packets meet the link, both ways: its delay, its loss, its outages.
func TestTunnelMeetsTheLink(t *testing.T) {
	var l reports
	path := harness.Path{Delay: 20 * time.Millisecond, Loss: harness.Loss{P: 0.1}}
	n, dial, server := outside(t, harness.NetworkConfig{Seed: 3, Profile: harness.Profile{Up: path, Down: path}, Packets: &l})
	go func() {
		for {
			c, err := server.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); c.Close() }()
		}
	}()
	began := time.Now()
	c, err := dial()
	require.NoError(t, err)
	defer c.Close()
	require.GreaterOrEqual(t, time.Since(began), 40*time.Millisecond, "a handshake takes a round trip")
	for range 20 {
		_, err = c.Write(make([]byte, 3000))
		require.NoError(t, err)
		_, err = io.ReadFull(c, make([]byte, 3000))
		require.NoError(t, err)
	}
	for _, d := range []harness.Direction{harness.Up, harness.Down} {
		require.Positive(t, l.count(func(p harness.Packet) bool { return p.Direction == d && p.Drop == harness.DropLoss }), "%v", d)
		require.Positive(t, l.count(func(p harness.Packet) bool { return p.Direction == d && p.Retransmit }), "%v", d)
		require.Zero(t, l.count(func(p harness.Packet) bool { return p.Size > 1500 || p.Flow != 1 }))
	}

	dark, err := n.Inject(harness.Fault{Action: harness.Blackhole})
	require.NoError(t, err)
	_, err = c.Write([]byte{1})
	require.NoError(t, err)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(300*time.Millisecond)))
	_, err = c.Read(make([]byte, 1))
	require.Error(t, err)
	require.Positive(t, dark())

	reset, err := n.Inject(harness.Fault{Action: harness.Reset})
	require.NoError(t, err)
	require.EqualValues(t, 1, reset())
	require.NoError(t, c.SetReadDeadline(time.Time{}))
	require.Eventually(t, func() bool {
		_, err = c.Write([]byte{1})
		return err != nil
	}, 20*time.Second, 10*time.Millisecond, "its kernel has got the reset, or gets one in answer")
}

// Nobody listens: the kernel is refused as it would be by a real host.
func TestTunnelIsRefused(t *testing.T) {
	_, dial, server := outside(t, harness.NetworkConfig{})
	require.NoError(t, server.Close())
	_, err := dial()
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

// pipe is a device that gives what is put into it.
type pipe struct {
	in     chan []byte
	closed chan struct{}
}

func (p pipe) Read(b []byte) (int, error) {
	select {
	case raw := <-p.in:
		return copy(b, raw), nil
	case <-p.closed:
		return 0, io.EOF
	}
}
func (p pipe) Write(b []byte) (int, error) { return len(b), nil }
func (p pipe) Close() error                { close(p.closed); return nil }

// What is no packet for the server is nobody's.
func FuzzTunnel(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x45, 0, 0, 20, 0, 0, 0, 0, 64, 6, 0, 0, 10, 1, 0, 0, 10, 0, 0, 1})
	f.Add([]byte{0x60, 0, 0, 0})
	f.Add(append([]byte{0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 1, 0, 0, 10, 0, 0, 1, 0, 9, 0, 7}, make([]byte, 16)...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		n, err := New(harness.NetworkConfig{Clients: 1})
		require.NoError(t, err)
		device := pipe{make(chan []byte), make(chan struct{})}
		_, err = n.Tunnel(0, device)
		require.NoError(t, err)
		device.in <- raw
		again := pipe{make(chan []byte), make(chan struct{})}
		_, err = n.Tunnel(0, again)
		require.NoError(t, err)
		<-device.closed
		again.in <- raw
		require.NoError(t, n.Close())
	})
}
