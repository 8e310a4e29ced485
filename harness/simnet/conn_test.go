package simnet_test

import (
	"context"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/simnet"
)

// pair returns both ends of a connection over a link of 10 ms each way.
func pair(t *testing.T, g simnet.Engine, c harness.NetworkConfig) (n *simnet.Network, client, server net.Conn) {
	t.Helper()
	if c.Profile == (harness.Profile{}) {
		c.Profile = delay(10 * time.Millisecond)
	}
	n = open(t, g, c)
	client, server = connect(t, n)
	return n, client, server
}

// connect dials the server and returns both ends.
func connect(t *testing.T, n *simnet.Network) (client, server net.Conn) {
	t.Helper()
	l, err := n.Server().Listen(t.Context(), "tcp", ":0")
	require.NoError(t, err)
	client = dial(t, n.Client(0), l.Addr().String())
	server, err = l.Accept()
	require.NoError(t, err)
	return client, server
}

func readErr(c net.Conn) error {
	_, err := c.Read(make([]byte, 1))
	return err
}

func writeErr(c net.Conn) error {
	_, err := c.Write([]byte("x"))
	return err
}

// TestConn is what package packet's connections do, too; and all but the addresses
// is the same through a toxic that does nothing.
func TestConn(t *testing.T) {
	inert := harness.Fault{Action: harness.StreamToxic, Toxic: &harness.Toxic{Type: "slow_close", Stream: "upstream"}}
	for name, check := range map[string]func(r *require.Assertions, client, server net.Conn){
		"addresses": func(r *require.Assertions, client, server net.Conn) {
			r.Equal(client.LocalAddr().String(), server.RemoteAddr().String())
			r.Equal(client.RemoteAddr().String(), server.LocalAddr().String())
			r.Equal("tcp", client.LocalAddr().Network())
			r.True(strings.HasPrefix(client.LocalAddr().String(), "10.1.0.0:"))
			r.True(strings.HasPrefix(client.RemoteAddr().String(), "10.0.0.1:"))
		},
		"half close": func(r *require.Assertions, client, server net.Conn) {
			r.NoError(client.(interface{ CloseWrite() error }).CloseWrite())
			r.ErrorIs(readErr(server), io.EOF)
			r.ErrorIs(writeErr(client), syscall.EPIPE)
			_, err := server.Write([]byte("still here"))
			r.NoError(err)
			r.NoError(server.Close())
			got, err := io.ReadAll(client)
			r.NoError(err)
			r.Equal("still here", string(got))
		},
		"linger 0 is a reset": func(r *require.Assertions, client, server net.Conn) {
			r.NoError(client.(interface{ SetLinger(int) error }).SetLinger(0))
			r.NoError(client.Close())
			r.ErrorIs(readErr(server), syscall.ECONNRESET)
			r.ErrorIs(writeErr(server), syscall.ECONNRESET)
		},
		"close with unread data is a reset": func(r *require.Assertions, client, server net.Conn) {
			_, err := client.Write([]byte("nobody reads this"))
			r.NoError(err)
			r.NoError(readErr(server))
			r.NoError(server.Close())
			r.ErrorIs(readErr(client), syscall.ECONNRESET)
		},
		"data after close is answered with a reset": func(r *require.Assertions, client, server net.Conn) {
			r.NoError(server.Close())
			r.ErrorIs(readErr(client), io.EOF)
			r.NoError(writeErr(client))
			time.Sleep(time.Second)
			r.ErrorIs(writeErr(client), syscall.EPIPE)
		},
		"what came before a reset can be read": func(r *require.Assertions, client, server net.Conn) {
			r.NoError(writeErr(client))
			time.Sleep(time.Second)
			r.NoError(client.(interface{ SetLinger(int) error }).SetLinger(0))
			r.NoError(client.Close())
			time.Sleep(time.Second)
			r.NoError(readErr(server))
			r.ErrorIs(readErr(server), syscall.ECONNRESET)
		},
		"closed": func(r *require.Assertions, client, _ net.Conn) {
			blocked := make(chan error, 1)
			go func() { blocked <- readErr(client) }()
			synctest.Wait()
			r.NoError(client.Close())
			r.ErrorIs(<-blocked, net.ErrClosed)
			r.ErrorIs(readErr(client), net.ErrClosed)
			r.ErrorIs(writeErr(client), net.ErrClosed)
			r.ErrorIs(client.SetDeadline(time.Now()), net.ErrClosed)
			r.ErrorIs(client.Close(), net.ErrClosed)
		},
		"deadlines": func(r *require.Assertions, client, server net.Conn) {
			blocked := make(chan error, 1)
			go func() { blocked <- readErr(client) }()
			synctest.Wait()
			r.NoError(client.SetReadDeadline(time.Unix(1, 0)), "also while a Read waits")
			r.ErrorIs(<-blocked, os.ErrDeadlineExceeded)
			r.ErrorIs(readErr(client), os.ErrDeadlineExceeded, "until it is moved")
			begin := time.Now()
			r.NoError(client.SetReadDeadline(begin.Add(10 * time.Minute)))
			go func() { blocked <- readErr(client) }()
			time.Sleep(time.Second)
			r.NoError(client.SetReadDeadline(begin.Add(2 * time.Second)))
			r.ErrorIs(<-blocked, os.ErrDeadlineExceeded)
			r.InDelta(2*time.Second, time.Since(begin), float64(time.Microsecond))
			r.NoError(client.SetReadDeadline(time.Time{}))
			r.NoError(writeErr(server))
			r.NoError(readErr(client))
			r.NoError(client.SetWriteDeadline(begin))
			r.ErrorIs(writeErr(client), os.ErrDeadlineExceeded)
		},
		"many readers and writers": func(r *require.Assertions, client, server net.Conn) {
			const each, size = 8, 100_000
			var all sync.WaitGroup
			for range each {
				all.Go(func() {
					n, err := client.Write(make([]byte, size))
					r.NoError(err)
					r.Equal(size, n)
				})
				all.Go(func() {
					_, err := io.ReadFull(server, make([]byte, size))
					r.NoError(err)
				})
			}
			all.Wait()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, client, server := pair(t, simnet.Engine{}, harness.NetworkConfig{})
				check(require.New(t), client, server)
			})
		})
		t.Run(name+" through a toxic", func(t *testing.T) {
			if name == "addresses" || name == "data after close is answered with a reset" {
				t.Skip("the server sees the proxy's port; a proxy learns of a reset after a FIN when it next writes")
			}
			synctest.Test(t, func(t *testing.T) {
				n := open(t, simnet.Engine{}, harness.NetworkConfig{Profile: delay(10 * time.Millisecond)})
				inject(t, n, inert)
				client, server := connect(t, n)
				check(require.New(t), client, server)
			})
		})
	}
}

func TestClosedListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := open(t, simnet.Engine{}, harness.NetworkConfig{Profile: delay(10 * time.Millisecond)})
		l, err := n.Server().Listen(t.Context(), "tcp", ":0")
		require.NoError(t, err)
		waiting := dial(t, n.Client(0), l.Addr().String())
		_, err = l.Accept()
		require.NoError(t, err)
		never := dial(t, n.Client(0), l.Addr().String())
		time.Sleep(time.Second)
		require.NoError(t, l.Close())
		require.ErrorIs(t, readErr(never), syscall.ECONNRESET, "a connection nobody accepted is reset")
		require.NoError(t, writeErr(waiting), "one that was lives on")
		_, err = l.Accept()
		require.ErrorIs(t, err, net.ErrClosed)
		require.ErrorIs(t, l.Close(), net.ErrClosed)
		again, err := n.Server().Listen(t.Context(), "tcp", l.Addr().String())
		require.NoError(t, err, "the port is free again")
		require.NoError(t, again.Close())
	})
}

func TestDialErrors(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tc := range map[string]struct {
		ctx              context.Context
		network, address string
		want             error
	}{
		"nobody listens":       {t.Context(), "tcp", "10.0.0.1:9", syscall.ECONNREFUSED},
		"no such host":         {t.Context(), "tcp", "10.0.0.2:80", syscall.EHOSTUNREACH},
		"no such client":       {t.Context(), "tcp", "10.1.0.1:80", syscall.EHOSTUNREACH},
		"the real network":     {t.Context(), "tcp", "127.0.0.1:80", syscall.EHOSTUNREACH},
		"cancelled":            {cancelled, "tcp", "10.0.0.1:9", context.Canceled},
		"an unknown transport": {t.Context(), "unix", "10.0.0.1:9", net.UnknownNetworkError("unix")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := open(t, simnet.Engine{}, harness.NetworkConfig{})
				_, err := n.Client(0).DialContext(tc.ctx, tc.network, tc.address)
				require.ErrorIs(t, err, tc.want)
				var op *net.OpError
				require.ErrorAs(t, err, &op)
				require.Equal(t, "dial", op.Op)
				_, err = n.Client(0).DialContext(t.Context(), "tcp", "bank:80")
				require.ErrorContains(t, err, "in numbers")
			})
		})
	}
}

func TestDialIntoSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l tape
		n := open(t, simnet.Engine{}, harness.NetworkConfig{Profile: symmetric(loss(1)), Packets: &l})
		begin := time.Now()
		_, err := n.Client(0).DialContext(t.Context(), "tcp", "10.0.0.1:80")
		require.ErrorIs(t, err, syscall.ETIMEDOUT)
		require.InDelta(t, 127, time.Since(begin).Seconds(), 8, "Linux's tcp_syn_retries")
		require.Equal(t, 7, l.count(func(p harness.Packet) bool { return p.Size == 60 }))
		require.Equal(t, 6, l.count(retransmitted))

		begin = time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err = n.Client(0).DialContext(ctx, "tcp", "10.0.0.1:80")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 5*time.Second, time.Since(begin))
	})
}

func TestListenErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := open(t, simnet.Engine{}, harness.NetworkConfig{})
		l, err := n.Server().Listen(t.Context(), "tcp", ":0")
		require.NoError(t, err)
		_, err = n.Server().Listen(t.Context(), "tcp", l.Addr().String())
		require.ErrorIs(t, err, syscall.EADDRINUSE)
		_, err = n.Client(0).Listen(t.Context(), "tcp", l.Addr().String())
		require.ErrorIs(t, err, syscall.EADDRNOTAVAIL)
		_, err = n.Server().Listen(t.Context(), "tcp", "80")
		require.ErrorContains(t, err, "80")
	})
}

func TestAnyHostMayListen(t *testing.T) {
	for name, pick := range map[string]func(n *simnet.Network) (from, to harness.Host){
		"server to client": func(n *simnet.Network) (from, to harness.Host) { return n.Server(), n.Client(1) },
		"itself":           func(n *simnet.Network) (from, to harness.Host) { return n.Server(), n.Server() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				from, to := pick(open(t, simnet.Engine{}, harness.NetworkConfig{Clients: 2}))
				l, err := to.Listen(t.Context(), "tcp", ":0")
				require.NoError(t, err)
				out := dial(t, from, l.Addr().String())
				in, err := l.Accept()
				require.NoError(t, err)
				require.NoError(t, writeErr(out))
				require.NoError(t, readErr(in))
				require.NoError(t, in.Close())
				require.ErrorIs(t, readErr(out), io.EOF)
			})
		})
	}
}

// TestSlowReader has the window close, be probed, and open again.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l tape
		_, client, server := pair(t, simnet.Engine{SendBuffer: 100_000, ReceiveBuffer: 50_000}, harness.NetworkConfig{Packets: &l})
		require.NoError(t, server.(interface{ SetKeepAlive(bool) error }).SetKeepAlive(false))
		require.NoError(t, client.SetWriteDeadline(time.Now().Add(time.Minute)))
		n, err := client.Write(make([]byte, 1_000_000))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, 150_000, n, "both buffers are full")
		require.NoError(t, client.SetWriteDeadline(time.Time{}))
		before := l.count(func(harness.Packet) bool { return true })
		time.Sleep(10 * time.Minute)
		probes := l.count(func(harness.Packet) bool { return true }) - before
		require.Greater(t, probes, 2)
		require.Less(t, probes, 40, "probes back off")
		go func() {
			_, err := client.Write(make([]byte, 1_000_000-n))
			require.NoError(t, err)
			require.NoError(t, client.Close())
		}()
		begin := time.Now()
		got, err := io.ReadAll(server)
		require.NoError(t, err)
		require.Len(t, got, 1_000_000)
		require.Less(t, time.Since(begin), 5*time.Second, "the reader says that there is room")
		require.Zero(t, l.count(retransmitted))
	})
}

func TestKeepAlive(t *testing.T) {
	for name, on := range map[string]bool{"on": true, "off": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l tape
				n, client, server := pair(t, simnet.Engine{}, harness.NetworkConfig{Packets: &l})
				for _, c := range []net.Conn{client, server} {
					require.NoError(t, c.(interface{ SetKeepAlive(bool) error }).SetKeepAlive(on))
				}
				before := l.count(func(harness.Packet) bool { return true })
				time.Sleep(10 * time.Minute)
				if !on {
					require.Equal(t, before, l.count(func(harness.Packet) bool { return true }))
					return
				}
				require.NotEqual(t, before, l.count(func(harness.Packet) bool { return true }))
				require.Zero(t, l.count(retransmitted))
				require.NoError(t, writeErr(client), "it lives")
				time.Sleep(time.Second)
				_, err := n.Inject(harness.Fault{Action: harness.Blackhole})
				require.NoError(t, err)
				begin := time.Now()
				require.NoError(t, readErr(server))
				require.ErrorIs(t, readErr(server), syscall.ETIMEDOUT)
				require.InDelta(t, 150, time.Since(begin).Seconds(), 5, "15 s, and nine probes")
			})
		})
	}
}

// TestNobodyAnswers waits until TCP gives up.
func TestNobodyAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, client, _ := pair(t, simnet.Engine{}, harness.NetworkConfig{})
		_, err := n.Inject(harness.Fault{Action: harness.Blackhole})
		require.NoError(t, err)
		begin := time.Now()
		require.NoError(t, writeErr(client))
		require.ErrorIs(t, readErr(client), syscall.ETIMEDOUT)
		require.InDelta(t, 925, time.Since(begin).Seconds(), 130, "Linux's tcp_retries2")
	})
}

// TestPortsAreUsedAgain makes more connections than there are ephemeral ports.
func TestPortsAreUsedAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	synctest.Test(t, func(t *testing.T) {
		n := open(t, simnet.Engine{}, harness.NetworkConfig{})
		addr := serve(t, n, func(c net.Conn) { _ = readErr(c) })
		for range 30_000 {
			c, err := n.Client(0).DialContext(t.Context(), "tcp", addr)
			require.NoError(t, err)
			require.NoError(t, c.Close())
			time.Sleep(10 * time.Millisecond)
		}
	})
}

func TestCloseEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, client, server := pair(t, simnet.Engine{}, harness.NetworkConfig{})
		got := make(chan error, 3)
		go func() { got <- readErr(client) }()
		go func() { got <- readErr(server) }()
		go func() {
			_, err := n.Client(0).DialContext(context.Background(), "tcp", "10.0.0.1:1")
			got <- err
		}()
		synctest.Wait()
		require.NoError(t, n.Close())
		for range 3 {
			require.Error(t, <-got)
		}
		require.NoError(t, n.Close())
		require.Error(t, writeErr(client))
		require.NoError(t, client.Close())
		_, err := n.Client(0).DialContext(t.Context(), "tcp", "10.0.0.1:1")
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = n.Inject(harness.Fault{Action: harness.Reset})
		require.Error(t, err)
	})
}

// TestRealTime is the same outside a bubble.
func TestRealTime(t *testing.T) {
	n := open(t, simnet.Engine{}, harness.NetworkConfig{Profile: delay(5 * time.Millisecond)})
	c := dial(t, n.Client(0), echo(t, n))
	for range 3 {
		took := exchange(t, c, 20_000)
		require.GreaterOrEqual(t, took, 10*time.Millisecond)
		require.Less(t, took, 5*time.Second)
	}
	require.NoError(t, n.Close())
}
