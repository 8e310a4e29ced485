package toxi_test

import (
	"context"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
	"github.com/onebar/onebar/harness/fault"
	"github.com/onebar/onebar/harness/relay"
	"github.com/onebar/onebar/harness/toxi"
)

// plain is an engine of nothing but loopback TCP.
type plain struct{}

func (plain) Name() string                 { return "plain" }
func (plain) Abilities() harness.Abilities { return harness.CarryPackets }

func (plain) Open(_ context.Context, cfg harness.NetworkConfig) (harness.Network, error) {
	return &plainNetwork{clients: cfg.Clients}, nil
}

type plainNetwork struct {
	harness.Network
	clients   int
	mu        sync.Mutex
	listeners []net.Listener
	faults    []harness.Action
	profile   harness.Profile
}

func (n *plainNetwork) Client(int) harness.Host      { return plainHost{n} }
func (n *plainNetwork) Server() harness.Host         { return plainHost{n} }
func (n *plainNetwork) SetProfile(p harness.Profile) { n.profile = p }
func (n *plainNetwork) Inject(f harness.Fault) (func() int64, error) {
	n.faults = append(n.faults, f.Action)
	return func() int64 { return 42 }, nil
}

func (n *plainNetwork) Close() error {
	for _, l := range n.listeners {
		l.Close()
	}
	return nil
}

type plainHost struct{ net *plainNetwork }

func (plainHost) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

func (h plainHost) Listen(ctx context.Context, network, _ string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, network, "127.0.0.1:0")
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	h.net.listeners = append(h.net.listeners, l)
	return l, err
}

func TestFrontDelegates(t *testing.T) {
	e := toxi.InFrontOf(plain{})
	require.Equal(t, "plain", e.Name())
	require.Equal(t, harness.CarryPackets|harness.PutToxics, e.Abilities(), "inner's and toxics")
	events := []harness.Event{
		{Action: harness.Rebind, Line: 2},
		{Action: harness.StreamToxic, Toxic: &harness.Toxic{Type: "noop", Stream: "upstream"}, Line: 3},
	}
	err := fault.Setup{Engine: e.Name(), Can: e.Abilities()}.Refuse(harness.Scenario{Timeline: events})
	require.ErrorContains(t, err, "line 2: rebind cannot be done by the plain engine")
	require.ErrorContains(t, err, `line 3: toxic type "noop"`)

	n, err := e.Open(t.Context(), harness.NetworkConfig{})
	require.NoError(t, err)
	require.IsType(t, &plainNetwork{}, n, "without toxics it is inner's own")
	require.NoError(t, n.Close())

	r := open(t, e, harness.NetworkConfig{Toxics: true})
	end := r.Inject(harness.Fault{Action: harness.Reset})
	require.EqualValues(t, 42, end())
	r.Net.SetProfile(harness.Profile{Name: "umts"})
}

// doomed opens a connection through the front.
func doomed(t *testing.T, r *bench.B) (app, served net.Conn) {
	t.Helper()
	end := r.Inject(stream("slow_close", "upstream", nil))
	defer end()
	return r.Connect(0)
}

func TestFrontPassesEndingsOn(t *testing.T) {
	for _, side := range []string{"client", "server"} {
		t.Run(side, func(t *testing.T) {
			r := open(t, toxi.InFrontOf(plain{}), harness.NetworkConfig{Toxics: true})
			a, b := doomed(t, r)
			if side == "server" {
				a, b = b, a
			}
			require.NoError(t, bench.Finish(a, []byte("half")))
			got, err := io.ReadAll(b)
			require.NoError(t, err)
			require.Equal(t, "half", string(got))
			require.NoError(t, bench.Finish(b, []byte("other half")))
			got, err = io.ReadAll(a)
			require.NoError(t, err)
			require.Equal(t, "other half", string(got))

			a, b = doomed(t, r)
			if side == "server" {
				a, b = b, a
			}
			relay.Reset(a)
			_, err = b.Read(make([]byte, 1))
			require.ErrorIs(t, err, syscall.ECONNRESET)
		})
	}
}

func TestFrontPassesRefusalsOn(t *testing.T) {
	r := open(t, toxi.InFrontOf(plain{}), harness.NetworkConfig{Toxics: true})
	end := r.Inject(stream("slow_close", "upstream", nil))
	require.NoError(t, r.Listener.Close())
	_, err := r.Net.Client(0).DialContext(t.Context(), "tcp", r.Listener.Addr().String())
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.Zero(t, end())
}

func TestFrontClose(t *testing.T) {
	r := open(t, toxi.InFrontOf(plain{}), harness.NetworkConfig{Toxics: true})
	app, served := doomed(t, r)
	require.NoError(t, r.Net.Close())
	for _, c := range []net.Conn{app, served} {
		_, err := c.Read(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ECONNRESET)
	}
}
