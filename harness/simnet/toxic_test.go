package simnet_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
	"github.com/onebar/onebar/harness/simnet"
)

// oneWay is the delay of the links of these tests.
const oneWay = 10 * time.Millisecond

func toxic(kind, way string, attributes map[string]int64) harness.Fault {
	return harness.Fault{
		Action: harness.StreamToxic,
		Toxic:  &harness.Toxic{Type: kind, Stream: way, Attributes: attributes},
	}
}

// send writes p and ends the stream.
func send(c net.Conn, p []byte) error {
	if _, err := c.Write(p); err != nil {
		return err
	}
	return c.(interface{ CloseWrite() error }).CloseWrite()
}

// ends are the two ends of a connection.
type ends struct {
	t           *testing.T
	app, served net.Conn
}

// ask sends a request, and reply lets the server answer it with p and end.
func (x ends) ask() {
	x.t.Helper()
	_, err := x.app.Write([]byte("request"))
	require.NoError(x.t, err)
}

func (x ends) reply(p []byte) {
	x.t.Helper()
	x.ask()
	_, err := io.ReadFull(x.served, make([]byte, 7))
	require.NoError(x.t, err)
	require.NoError(x.t, send(x.served, p))
}

func readAll(t *testing.T, c net.Conn, want []byte) {
	t.Helper()
	got, err := io.ReadAll(c)
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, got), "%d bytes", len(got))
}

// took requires that the time since begin is d, but for nanoseconds.
func took(t *testing.T, d time.Duration, begin time.Time) {
	t.Helper()
	require.InDelta(t, d, time.Since(begin), float64(50*time.Microsecond))
}

// TestToxics is package toxi's TestStockToxics, with exact times.
func TestToxics(t *testing.T) {
	const ms = time.Millisecond
	answer := bench.Noise(1, 100_000)
	for name, tc := range map[string]struct {
		fault harness.Fault
		check func(ends)
	}{
		"reset_peer on the request": {
			toxic("reset_peer", "upstream", nil),
			func(x ends) {
				begin := time.Now()
				x.ask()
				require.ErrorIs(x.t, bench.ReadErr(x.app), syscall.ECONNRESET)
				took(x.t, 0, begin)
				require.ErrorIs(x.t, bench.ReadErr(x.served), syscall.ECONNRESET)
				took(x.t, oneWay, begin)
			},
		},
		"reset_peer at the end of the stream": {
			toxic("reset_peer", "upstream", map[string]int64{"timeout": 500}),
			func(x ends) {
				begin := time.Now()
				require.NoError(x.t, x.app.Close())
				require.ErrorIs(x.t, bench.ReadErr(x.served), syscall.ECONNRESET)
				took(x.t, 500*ms+oneWay, begin)
			},
		},
		"reset_peer a while after the answer came": {
			toxic("reset_peer", "downstream", map[string]int64{"timeout": 40}),
			func(x ends) {
				begin := time.Now()
				x.reply(answer)
				require.ErrorIs(x.t, bench.ReadErr(x.app), syscall.ECONNRESET, "and nothing of it")
				took(x.t, 2*oneWay+40*ms, begin)
			},
		},
		"limit_data cuts inside the answer": {
			toxic("limit_data", "downstream", map[string]int64{"bytes": 4321}),
			func(x ends) {
				x.reply(answer)
				readAll(x.t, x.app, answer[:4321])
				readAll(x.t, x.served, nil) // both sides are closed in order
			},
		},
		"limit_data cuts where the answer ends": {
			toxic("limit_data", "downstream", map[string]int64{"bytes": 5}),
			func(x ends) {
				x.reply([]byte("fives"))
				readAll(x.t, x.app, []byte("fives"))
				readAll(x.t, x.served, nil)
			},
		},
		"limit_data lets a short answer through": {
			toxic("limit_data", "downstream", map[string]int64{"bytes": 6}),
			func(x ends) {
				x.reply([]byte("fives"))
				readAll(x.t, x.app, []byte("fives"))
				require.NoError(x.t, send(x.app, []byte("more")), "only a half-close")
				readAll(x.t, x.served, []byte("more"))
			},
		},
		"limit_data cuts inside the request": {
			toxic("limit_data", "upstream", map[string]int64{"bytes": 3}),
			func(x ends) {
				x.ask()
				readAll(x.t, x.served, []byte("req"))
				require.Error(x.t, bench.ReadErr(x.app), "the connection is over")
			},
		},
		"limit_data of nothing": {
			toxic("limit_data", "upstream", map[string]int64{"bytes": 0}),
			func(x ends) {
				x.ask()
				readAll(x.t, x.served, nil)
			},
		},
		"slicer": {
			toxic("slicer", "downstream", map[string]int64{"average_size": 100, "size_variation": 20, "delay": 2000}),
			func(x ends) {
				begin := time.Now()
				x.reply(answer[:1000])
				b, whole, slices := make([]byte, 1000), []byte(nil), 0
				for len(whole) < 1000 {
					n, err := x.app.Read(b)
					require.NoError(x.t, err)
					took(x.t, 2*oneWay+time.Duration(slices)*2*ms, begin)
					whole = append(whole, b[:n]...)
					require.LessOrEqual(x.t, n, 120)
					slices++
				}
				require.Equal(x.t, answer[:1000], whole)
				require.Greater(x.t, slices, 8)
				require.Less(x.t, slices, 25)
				require.ErrorIs(x.t, bench.ReadErr(x.app), io.EOF)
			},
		},
		"slicer of the request": {
			toxic("slicer", "upstream", map[string]int64{"average_size": 1}),
			func(x ends) {
				x.ask()
				for _, want := range "request" {
					b := make([]byte, 10)
					n, err := x.served.Read(b)
					require.NoError(x.t, err)
					require.Equal(x.t, string(want), string(b[:n]), "each in a packet of its own")
				}
			},
		},
		"slow_close": {
			toxic("slow_close", "downstream", map[string]int64{"delay": 60}),
			func(x ends) {
				begin := time.Now()
				x.reply([]byte("answer"))
				_, err := io.ReadFull(x.app, make([]byte, 6))
				require.NoError(x.t, err)
				took(x.t, 2*oneWay, begin)
				require.ErrorIs(x.t, bench.ReadErr(x.app), io.EOF)
				took(x.t, 2*oneWay+60*ms, begin)
			},
		},
		"slow_close of a reset": {
			toxic("slow_close", "upstream", map[string]int64{"delay": 60}),
			func(x ends) {
				begin := time.Now()
				require.NoError(x.t, x.app.(interface{ SetLinger(int) error }).SetLinger(0))
				require.NoError(x.t, x.app.Close())
				require.ErrorIs(x.t, bench.ReadErr(x.served), syscall.ECONNRESET)
				took(x.t, oneWay+60*ms, begin)
			},
		},
		"timeout swallows and then closes": {
			toxic("timeout", "downstream", map[string]int64{"timeout": 400}),
			func(x ends) {
				begin := time.Now()
				x.ask()
				_, err := x.served.Write(answer[:1000])
				require.NoError(x.t, err)
				readAll(x.t, x.app, nil)
				took(x.t, oneWay+400*ms, begin) // after the last bytes
			},
		},
		"timeout of an idle connection": {
			toxic("timeout", "upstream", map[string]int64{"timeout": 400}),
			func(x ends) {
				begin := time.Now()
				readAll(x.t, x.app, nil)
				took(x.t, 400*ms-oneWay, begin) // the server has it a delay later
				readAll(x.t, x.served, nil)
			},
		},
		"timeout for ever": {
			toxic("timeout", "upstream", nil),
			func(x ends) {
				x.ask()
				require.NoError(x.t, x.served.SetReadDeadline(time.Now().Add(time.Hour)))
				require.ErrorContains(x.t, bench.ReadErr(x.served), "timeout")
				require.NoError(x.t, x.served.SetReadDeadline(time.Time{}))
				require.NoError(x.t, send(x.app, []byte("request")))
				readAll(x.t, x.served, nil)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := open(t, simnet.Engine{}, harness.NetworkConfig{Profile: bench.Link(oneWay)})
				pair := func() ends {
					app, served := connect(t, n)
					return ends{t, app, served}
				}
				before := pair()
				end := inject(t, n, tc.fault)
				x := pair()
				require.EqualValues(t, 1, end(), "connections that got it")
				tc.check(x)
				after := pair()
				for _, x := range []ends{before, after} {
					x.reply(answer)
					readAll(t, x.app, answer) // a connection from before or after the fault
				}
			})
		})
	}
}

func TestToxicsOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := open(t, simnet.Engine{}, harness.NetworkConfig{Profile: bench.Link(oneWay)})
		var over []func() int64
		for _, f := range []harness.Fault{
			toxic("slicer", "downstream", map[string]int64{"average_size": 7}),
			toxic("limit_data", "downstream", map[string]int64{"bytes": 50}),
			toxic("limit_data", "downstream", map[string]int64{"bytes": 30}),
			toxic("slow_close", "upstream", map[string]int64{"delay": 10}),
		} {
			over = append(over, inject(t, n, f))
		}
		app, served := connect(t, n)
		_, err := served.Write(bench.Noise(1, 100_000))
		require.NoError(t, err)
		readAll(t, app, bench.Noise(1, 30))
		for _, end := range over {
			require.EqualValues(t, 1, end())
		}
	})
}

// A toxic for so many connections is for the first of them.
func TestToxicForAFewConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := open(t, simnet.Engine{}, harness.NetworkConfig{Profile: bench.Link(oneWay)})
		f := toxic("limit_data", "downstream", map[string]int64{"bytes": 3})
		f.Toxic.Connections = 2
		end := inject(t, n, f)
		for _, want := range []string{"ans", "ans", "answer", "answer"} {
			app, served := connect(t, n)
			x := ends{t, app, served}
			x.reply([]byte("answer"))
			readAll(t, x.app, []byte(want))
		}
		require.EqualValues(t, 2, end())
	})
}

func TestBadToxicIsNotInjected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := open(t, simnet.Engine{}, harness.NetworkConfig{})
		_, err := n.Inject(harness.Fault{Action: harness.StreamToxic})
		require.ErrorContains(t, err, "names none")
		_, err = n.Inject(toxic("noop", "upstream", nil))
		require.ErrorContains(t, err, `toxic type "noop"`)
	})
}

// TestToxicsAreBeforeTheLink has the other faults reach through the proxy.
func TestToxicsAreBeforeTheLink(t *testing.T) {
	inert := toxic("slow_close", "upstream", nil)
	for name, check := range map[string]func(n *simnet.Network, x ends){
		"reset": func(n *simnet.Network, x ends) {
			end := inject(x.t, n, harness.Fault{Action: harness.Reset})
			require.EqualValues(x.t, 1, end(), "the app's end within the phone does not count")
			require.ErrorIs(x.t, bench.ReadErr(x.app), syscall.ECONNRESET)
			require.ErrorIs(x.t, bench.ReadErr(x.served), syscall.ECONNRESET)
		},
		"the phone loses its power": func(n *simnet.Network, x ends) {
			end := inject(x.t, n, harness.Fault{Action: harness.Vanish, Side: harness.Client})
			require.EqualValues(x.t, 1, end())
			require.ErrorIs(x.t, bench.ReadErr(x.app), syscall.ECONNRESET)
			require.NoError(x.t, x.served.SetReadDeadline(time.Now().Add(5*time.Second)))
			require.ErrorContains(x.t, bench.ReadErr(x.served), "timeout", "nobody tells the server")
		},
		"the server loses its power": func(n *simnet.Network, x ends) {
			end := inject(x.t, n, harness.Fault{Action: harness.Vanish, Side: harness.Server})
			require.EqualValues(x.t, 1, end())
			require.NoError(x.t, x.app.SetReadDeadline(time.Now().Add(5*time.Second)))
			require.ErrorContains(x.t, bench.ReadErr(x.app), "timeout")
			require.NoError(x.t, x.app.SetReadDeadline(time.Time{}))
			require.NoError(x.t, bench.WriteErr(x.app))
			require.ErrorIs(x.t, bench.ReadErr(x.app), syscall.ECONNRESET)
		},
		"refused": func(n *simnet.Network, x ends) {
			end := inject(x.t, n, harness.Fault{Action: harness.Refuse})
			hits := inject(x.t, n, inert)
			_, err := n.Client(0).DialContext(x.t.Context(), "tcp", "10.0.0.1:80")
			require.ErrorIs(x.t, err, syscall.ECONNREFUSED)
			require.EqualValues(x.t, 1, end())
			require.Zero(x.t, hits())
		},
		"a reset after a half-close": func(_ *simnet.Network, x ends) {
			require.NoError(x.t, x.served.Close())
			readAll(x.t, x.app, nil)
			for range 2 { // the second finds out
				require.NoError(x.t, bench.WriteErr(x.app))
				time.Sleep(time.Second)
			}
			require.ErrorIs(x.t, bench.WriteErr(x.app), syscall.EPIPE)
		},
		"the network is closed": func(n *simnet.Network, x ends) {
			require.NoError(x.t, n.Close())
			require.ErrorIs(x.t, bench.ReadErr(x.app), syscall.ECONNRESET)
			require.ErrorIs(x.t, bench.ReadErr(x.served), syscall.ECONNRESET)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := open(t, simnet.Engine{}, harness.NetworkConfig{Profile: bench.Link(oneWay)})
				inject(t, n, inert)
				app, served := connect(t, n)
				check(n, ends{t, app, served})
			})
		})
	}
}

// TestToxicsHoldBack has a writer wait when nobody reads, and loses nothing.
func TestToxicsHoldBack(t *testing.T) {
	for _, way := range []string{"upstream", "downstream"} {
		t.Run(way, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := simnet.Engine{SendBuffer: 200_000, ReceiveBuffer: 100_000}
				n := open(t, g, harness.NetworkConfig{Profile: bench.Link(oneWay)})
				inject(t, n, toxic("slow_close", way, nil))
				from, to := connect(t, n)
				if way == "downstream" {
					from, to = to, from
				}
				all := bench.Noise(1, 2_000_000)
				sent := make(chan error, 1)
				go func() { sent <- send(from, all) }()
				time.Sleep(time.Hour)
				require.Empty(t, sent, "it still writes")
				readAll(t, to, all)
				require.NoError(t, <-sent)
			})
		})
	}
}

// throughToxics has clients that start at one instant exchange through toxics that cut
// their connections, and returns the log of the packets.
func throughToxics(t *testing.T, seed uint64) string {
	t.Helper()
	const clients = 8
	var l bench.Log
	synctest.Test(t, func(t *testing.T) {
		path := harness.Path{Delay: 50 * time.Millisecond, Jitter: 20 * time.Millisecond, Rate: 240_000, Loss: harness.Loss{P: 0.02}}
		n := open(t, simnet.Engine{}, harness.NetworkConfig{Seed: seed, Clients: clients, Profile: bench.Both(path), Packets: &l})
		for _, f := range []harness.Fault{
			toxic("slicer", "upstream", map[string]int64{"average_size": 90, "size_variation": 40, "delay": 700}),
			toxic("limit_data", "downstream", map[string]int64{"bytes": 5000}),
			toxic("slow_close", "upstream", map[string]int64{"delay": 100}),
		} {
			inject(t, n, f)
		}
		addr := echo(t, n)
		var all sync.WaitGroup
		for i := range clients {
			all.Go(func() {
				for range 3 {
					c, err := n.Client(i).DialContext(context.Background(), "tcp", addr)
					if err != nil {
						continue
					}
					b := make([]byte, 700)
					for range 10 {
						if _, err = c.Write(b); err == nil {
							_, err = io.ReadFull(c, b)
						}
						if err != nil {
							break
						}
					}
					c.Close()
				}
			})
		}
		all.Wait()
	})
	return fmt.Sprintf("%+v", l.All(bench.Any))
}

func TestSameSeedSamePacketsThroughToxics(t *testing.T) {
	for seed := range uint64(2) {
		want := throughToxics(t, seed)
		require.NotEqual(t, want, throughToxics(t, seed+100))
		for round := range 10 {
			before := runtime.GOMAXPROCS(1 + round%2)
			got := throughToxics(t, seed)
			runtime.GOMAXPROCS(before)
			require.True(t, want == got, "seed %d, round %d", seed, round)
		}
	}
}
