package toxi

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
)

const timeout = 20 * time.Second

// newNetwork returns a network with one client, and a dial to a server that
// hands out what it accepts.
func newNetwork(t *testing.T) (n *network, dial func() (app, served net.Conn)) {
	t.Helper()
	opened, err := Engine{}.Open(t.Context(), harness.NetworkConfig{Clients: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, opened.Close()) })
	l, err := opened.Server().Listen(t.Context(), "tcp", ":0")
	require.NoError(t, err)
	return opened.(*network), func() (app, served net.Conn) {
		app, err := opened.Client(0).DialContext(t.Context(), "tcp", l.Addr().String())
		require.NoError(t, err)
		served, err = l.Accept()
		require.NoError(t, err)
		for _, c := range []net.Conn{app, served} {
			t.Cleanup(func() { c.Close() })
			require.NoError(t, c.SetDeadline(time.Now().Add(timeout)))
		}
		return app, served
	}
}

// A connection that was cut by a toxic leaves nothing behind, though its client
// goes on writing: toxiproxy alone would leave the chain waiting for ever.
func TestCutConnectionLeavesNothing(t *testing.T) {
	for name, tx := range map[string]harness.Toxic{
		"limit_data":            {Type: "limit_data", Stream: "upstream", Attributes: map[string]int64{"bytes": 10}},
		"limit_data downstream": {Type: "limit_data", Stream: "downstream", Attributes: map[string]int64{"bytes": 10}},
		"reset_peer":            {Type: "reset_peer", Stream: "upstream"},
		"reset_peer downstream": {Type: "reset_peer", Stream: "downstream"},
		"timeout":               {Type: "timeout", Stream: "upstream", Attributes: map[string]int64{"timeout": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			n, dial := newNetwork(t)
			_, err := n.Inject(harness.Fault{Action: harness.StreamToxic, Toxic: &tx})
			require.NoError(t, err)
			_, err = n.Inject(harness.Fault{Action: harness.StreamToxic, Toxic: &harness.Toxic{
				Type: "slicer", Stream: tx.Stream, Attributes: map[string]int64{"average_size": 5},
			}})
			require.NoError(t, err)
			app, served := dial()
			require.Len(t, n.proxies.open(), 1)
			if tx.Type == "timeout" { // its clock starts again with each chunk
				_, err = app.Write([]byte("swallowed"))
				require.NoError(t, err)
			} else {
				go func() { _, _ = app.Write(make([]byte, 32<<20)) }()
				go func() { _, _ = served.Write(make([]byte, 32<<20)) }()
			}
			require.Eventually(t, func() bool { return len(n.proxies.open()) == 0 }, timeout, time.Millisecond)
		})
	}
}

func TestEndedConnectionIsForgotten(t *testing.T) {
	n, dial := newNetwork(t)
	app, served := dial()
	require.NoError(t, app.Close())
	_, err := io.ReadAll(served)
	require.NoError(t, err)
	require.Len(t, n.proxies.open(), 1, "the server has not ended")
	require.NoError(t, served.Close())
	require.Eventually(t, func() bool { return len(n.proxies.open()) == 0 }, timeout, time.Millisecond)
}

func TestCloseWithAReaderThatDoesNotRead(t *testing.T) {
	n, dial := newNetwork(t)
	app, _ := dial()
	wrote := make(chan error, 1)
	go func() {
		_, err := app.Write(make([]byte, 64<<20))
		wrote <- err
	}()
	time.Sleep(20 * time.Millisecond) // the more is stuck the better; any is enough
	require.NoError(t, n.Close())
	require.Error(t, <-wrote)
}

// Nobody gets on a payer's link by dialing the loopback port behind it.
func TestStrangerIsNotServed(t *testing.T) {
	n, dial := newNetwork(t)
	var d net.Dialer
	stranger, err := d.DialContext(t.Context(), "tcp", n.proxies.listener.Addr().String())
	require.NoError(t, err)
	defer stranger.Close()
	app, served := dial()
	_, err = app.Write([]byte("x"))
	require.NoError(t, err)
	_, err = io.ReadFull(served, make([]byte, 1))
	require.NoError(t, err)
	require.NoError(t, stranger.SetReadDeadline(time.Now().Add(timeout)))
	_, err = stranger.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}
