package proxy_test

import (
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/packet"
	"github.com/onebar/onebar/harness/proxy"
	"github.com/onebar/onebar/harness/toxi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo is an upstream that answers with what it gets.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); c.Close() }()
		}
	}()
	return l.Addr().String()
}

func start(t *testing.T, c proxy.Config) *proxy.Proxy {
	t.Helper()
	c.Listen = "127.0.0.1:0"
	p, err := proxy.Start(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

func dial(t *testing.T, p *proxy.Proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// ask writes a byte, waits for its echo, and returns how long that took.
func ask(t *testing.T, c net.Conn) time.Duration {
	t.Helper()
	began := time.Now()
	_, err := c.Write([]byte{1})
	require.NoError(t, err)
	_, err = io.ReadFull(c, make([]byte, 1))
	require.NoError(t, err)
	return time.Since(began)
}

func delayed(d time.Duration) harness.Profile {
	return harness.Profile{Up: harness.Path{Delay: d}, Down: harness.Path{Delay: d}}
}

// What connects crosses the link, on either engine, and its delay can be changed
// while it is open.
func TestProxyCrossesTheLink(t *testing.T) {
	for name, engine := range map[string]harness.Engine{"packet": packet.Engine{}, "toxiproxy": toxi.Engine{}} {
		t.Run(name, func(t *testing.T) {
			p := start(t, proxy.Config{Engine: engine, Upstream: echo(t), Profile: delayed(60 * time.Millisecond)})
			c := dial(t, p)
			require.GreaterOrEqual(t, ask(t, c), 120*time.Millisecond)
			p.SetProfile(delayed(0))
			ask(t, c)
			began := p.Figures()
			for range 10 {
				ask(t, c)
			}
			f := p.Figures()
			require.Less(t, f.Up.Delay-began.Up.Delay, 10*60*time.Millisecond, "the new profile is in force")
			require.EqualValues(t, 1, f.Open)
			require.EqualValues(t, 1, f.Opened)
			require.Positive(t, f.Up.Packets)
			require.Positive(t, f.Down.Bytes)
			c.Close()
			require.Eventually(t, func() bool { return p.Figures().Open == 0 }, 5*time.Second, time.Millisecond)
		})
	}
}

// A dead upstream is a reset for the phone, and its reason is told.
func TestDeadUpstream(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	dead := l.Addr().String()
	require.NoError(t, l.Close())
	p := start(t, proxy.Config{Engine: packet.Engine{}, Upstream: dead})
	c, err := net.Dial("tcp", p.Addr())
	if err == nil { // or the reset comes before the dial has returned
		defer c.Close()
		_, err = c.Read(make([]byte, 1))
	}
	require.ErrorIs(t, err, syscall.ECONNRESET)
	f := p.Figures()
	require.EqualValues(t, 1, f.Failed)
	require.ErrorIs(t, f.Error, syscall.ECONNREFUSED)
}

// A reset fault reaches the phone as a reset, and a blackhole loses packets.
func TestFaults(t *testing.T) {
	p := start(t, proxy.Config{Engine: packet.Engine{}, Upstream: echo(t)})
	c := dial(t, p)
	ask(t, c)
	dark, err := p.Inject(harness.Fault{Action: harness.Blackhole})
	require.NoError(t, err)
	_, err = c.Write([]byte{1})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return p.Figures().Up.Lost > 0 }, 10*time.Second, time.Millisecond)
	require.Positive(t, dark())
	reset, err := p.Inject(harness.Fault{Action: harness.Reset})
	require.NoError(t, err)
	require.EqualValues(t, 1, reset())
	require.Eventually(t, func() bool {
		_, err := c.Read(make([]byte, 1))
		return err != nil
	}, 10*time.Second, time.Millisecond)
}

func TestPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, err = proxy.Start(t.Context(), proxy.Config{Engine: packet.Engine{}, Listen: l.Addr().String(), Upstream: "127.0.0.1:1"})
	require.ErrorIs(t, err, syscall.EADDRINUSE)
}
