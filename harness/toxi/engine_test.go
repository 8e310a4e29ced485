package toxi_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/relay"
	"github.com/onebar/onebar/harness/toxi"
)

// Trap 1 of toxiproxy: a dropped chunk is no packet loss. It is refused.
func TestLossIsRefused(t *testing.T) {
	lossy := harness.Path{Loss: harness.Loss{P: 0.05}}
	bursty := harness.Path{Loss: harness.Loss{GE: &harness.GEModel{P: 0.01, R: 0.5, LossBad: 1}}}
	toxic := func(tx *harness.Toxic) harness.Event {
		return harness.Event{Action: harness.StreamToxic, Toxic: tx, Line: 9}
	}
	for name, tc := range map[string]struct {
		scenario harness.Scenario
		want     []string // empty is supported
	}{
		"no loss": {scenario: harness.Scenario{Link: both(harness.Path{Delay: time.Second, Rate: 18_000, Limit: 1})}},
		"the scenario's link": {
			harness.Scenario{Link: harness.Profile{Up: lossy}},
			[]string{"the scenario's link: loss of 5% up", "no packets to lose", "--engine packet"},
		},
		"every line": {
			harness.Scenario{Timeline: []harness.Event{
				{Action: harness.SetLink, Line: 12, Link: &harness.Profile{Down: bursty}},
				{Action: harness.SetLink, Line: 15, Link: &harness.Profile{Up: lossy}},
			}},
			[]string{"line 12: loss of 1.96% down", "line 15: loss of 5% up"},
		},
		"both ways": {harness.Scenario{Link: both(lossy)}, []string{"loss of 5% up and loss of 5% down"}},
		"no line": {
			harness.Scenario{Timeline: []harness.Event{{Action: harness.SetLink, Link: &harness.Profile{Up: lossy}}}},
			[]string{"event 1 of the timeline: loss"},
		},
		"a bad toxic": {
			harness.Scenario{Timeline: []harness.Event{toxic(&harness.Toxic{Type: "latency", Stream: "upstream"})}},
			[]string{`line 9: toxic type "latency"`},
		},
		"no toxic": {harness.Scenario{Timeline: []harness.Event{toxic(nil)}}, []string{"line 9: it names no toxic"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := toxi.Engine{}.Supports(tc.scenario)
			if tc.want == nil {
				require.NoError(t, err)
			}
			for _, w := range tc.want {
				require.ErrorContains(t, err, w)
			}
		})
	}
	_, err := toxi.Engine{}.Open(t.Context(), harness.NetworkConfig{Profile: both(lossy)})
	require.ErrorContains(t, err, "no packets to lose")
}

// Trap 2: changing a link live must lose no byte and never panic. Every kind of
// change, all the time, on 32 busy connections.
func TestLiveChangesLoseNothing(t *testing.T) {
	const conns, size = 32, 256 << 10
	r := open(t, toxi.Engine{}, harness.NetworkConfig{Clients: 8})
	var traffic sync.WaitGroup
	for i := range conns {
		app, served := r.dial(i % 8)
		up, down := noise(uint64(i), size), noise(uint64(i+conns), size)
		for _, way := range []struct {
			from, to *net.TCPConn
			data     []byte
		}{{app, served, up}, {served, app, down}} {
			traffic.Go(func() {
				if err := send(way.from, way.data); err != nil {
					t.Errorf("send: %v", err)
				}
			})
			traffic.Go(func() {
				got, err := io.ReadAll(way.to)
				if err != nil || !bytes.Equal(got, way.data) {
					t.Errorf("received %d of %d bytes, equal %v: %v", len(got), size, bytes.Equal(got, way.data), err)
				}
			})
		}
	}
	busy := make(chan struct{})
	go func() {
		traffic.Wait()
		close(busy)
	}()
	for i := 0; ; i++ {
		select {
		case <-busy:
			require.Greater(t, i, 50, "changes under traffic")
			return
		default:
		}
		r.SetProfile(both(harness.Path{
			Delay:  time.Duration(i%7) * 3 * time.Millisecond,
			Jitter: time.Duration(i%3) * 2 * time.Millisecond,
			Rate:   int64(1+i%9) * 4_000_000,
		}))
		if i%4 == 0 {
			end := r.inject(harness.Fault{Action: harness.Blackhole, Direction: harness.Direction(i / 4 % 3)})
			time.Sleep(time.Millisecond)
			end()
		}
		time.Sleep(time.Millisecond)
	}
}

// Trap 4: go get …@latest is a version of 2022.
func TestToxiproxyIsPinned(t *testing.T) {
	text, err := os.ReadFile("../../go.mod")
	require.NoError(t, err)
	found := regexp.MustCompile(`github\.com/Shopify/toxiproxy(?:/v\d+)? (v\S+)`).FindAllStringSubmatch(string(text), -1)
	require.Len(t, found, 1)
	require.Equal(t, "v2.12.0", found[0][1], "the traps this package avoids were verified against v2.12.0: verify them again")
}

func TestRateOnSockets(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	r := open(t, toxi.Engine{}, harness.NetworkConfig{})
	app, served := r.dial(0)
	r.SetProfile(both(harness.Path{Rate: 18_000}))
	start := time.Now()
	go func() { _ = send(app, make([]byte, 2700)) }() // 1.2 s
	got, err := io.ReadAll(served)
	require.NoError(t, err)
	require.Len(t, got, 2700)
	took := time.Since(start)
	require.Greater(t, took, 1190*time.Millisecond)
	require.Less(t, took, 3*time.Second)
	for _, p := range r.packets.packets(harness.Up) {
		require.LessOrEqual(t, p.Size, 1448)
		require.Equal(t, 1, p.Flow)
	}
}

func TestDelayOnSockets(t *testing.T) {
	r := open(t, toxi.Engine{}, harness.NetworkConfig{
		Profile: harness.Profile{Up: harness.Path{Delay: 30 * time.Millisecond}, Down: harness.Path{Delay: 50 * time.Millisecond}},
	})
	start := time.Now()
	app, served := r.dial(0)
	require.GreaterOrEqual(t, time.Since(start), 80*time.Millisecond, "a dial takes a round trip")
	go func() { _, _ = io.Copy(served, served) }()
	start = time.Now()
	_, err := app.Write([]byte("ping"))
	require.NoError(t, err)
	_, err = io.ReadFull(app, make([]byte, 4))
	require.NoError(t, err)
	took := time.Since(start)
	require.GreaterOrEqual(t, took, 80*time.Millisecond)
	for d, want := range map[harness.Direction]time.Duration{harness.Up: 30 * time.Millisecond, harness.Down: 50 * time.Millisecond} {
		list := r.packets.packets(d)
		require.Len(t, list, 1)
		require.Equal(t, 4, list[0].Size)
		require.Equal(t, want, (list[0].Delay - list[0].Late).Round(time.Millisecond), "as asked but for what is reported late")
	}
}

func TestOneWayBlackhole(t *testing.T) {
	r := open(t, toxi.Engine{}, harness.NetworkConfig{})
	app, served := r.dial(0)
	end := r.inject(harness.Fault{Action: harness.Blackhole, Direction: harness.Down})
	request, answer := noise(1, 100_000), noise(2, 100_000)
	require.NoError(t, send(app, request))
	got, err := io.ReadAll(served)
	require.NoError(t, err)
	require.True(t, bytes.Equal(request, got), "up is open, data and end")
	require.NoError(t, send(served, answer))
	require.NoError(t, app.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	_, err = app.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded, "neither data nor end")
	require.NoError(t, app.SetReadDeadline(time.Now().Add(patience)))
	require.Positive(t, end())
	got, err = io.ReadAll(app)
	require.NoError(t, err)
	require.True(t, bytes.Equal(answer, got), "all of it, in order")
	require.NotEmpty(t, r.packets.packets(harness.Down))
}

func TestResetIsHeldByABlackhole(t *testing.T) {
	r := open(t, toxi.Engine{}, harness.NetworkConfig{})
	app, served := r.dial(0)
	end := r.inject(harness.Fault{Action: harness.Blackhole})
	relay.Reset(app)
	require.NoError(t, served.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	_, err := served.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, served.SetReadDeadline(time.Now().Add(patience)))
	require.EqualValues(t, 1, end())
	_, err = served.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func TestDialDuringABlackhole(t *testing.T) {
	r := open(t, toxi.Engine{}, harness.NetworkConfig{})
	end := r.inject(harness.Fault{Action: harness.Blackhole, Direction: harness.Up})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err := r.Client(0).DialContext(ctx, "tcp", r.listener.Addr().String())
	require.ErrorIs(t, err, context.DeadlineExceeded)
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout())
	require.EqualValues(t, 1, end())
}

func TestRefuse(t *testing.T) {
	r := open(t, toxi.Engine{}, harness.NetworkConfig{})
	app, served := r.dial(0)
	end := r.inject(harness.Fault{Action: harness.Refuse})
	again := r.inject(harness.Fault{Action: harness.Refuse})
	dial := func() error {
		c, err := r.Client(0).DialContext(t.Context(), "tcp", r.listener.Addr().String())
		if err == nil {
			c.Close()
		}
		return err
	}
	require.ErrorIs(t, dial(), syscall.ECONNREFUSED)
	_, err := app.Write([]byte("x"))
	require.NoError(t, err)
	_, err = io.ReadFull(served, make([]byte, 1))
	require.NoError(t, err, "open connections go on")
	require.EqualValues(t, 1, end())
	require.ErrorIs(t, dial(), syscall.ECONNREFUSED, "until the last has ended")
	require.EqualValues(t, 2, again())
	require.NoError(t, dial())
}

func TestDeadServerRefuses(t *testing.T) {
	r := open(t, toxi.Engine{}, harness.NetworkConfig{})
	address := r.listener.Addr().String()
	require.NoError(t, r.listener.Close())
	_, err := r.Client(0).DialContext(t.Context(), "tcp", address)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.ErrorContains(t, err, address)
}

func TestResetFault(t *testing.T) {
	r := open(t, toxi.Engine{}, harness.NetworkConfig{Clients: 3})
	var ends []*net.TCPConn
	for i := range 3 {
		app, served := r.dial(i)
		ends = append(ends, app, served)
	}
	end := r.inject(harness.Fault{Action: harness.Reset})
	for _, c := range ends {
		_, err := c.Read(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ECONNRESET)
	}
	require.EqualValues(t, 3, end())
	r.dial(0) // new connections are served
}

func TestEndingsAreToldApart(t *testing.T) {
	for name, tc := range map[string]struct {
		end  func(c *net.TCPConn)
		want error
	}{
		"close": {func(c *net.TCPConn) { c.Close() }, io.ErrUnexpectedEOF},
		"reset": {func(c *net.TCPConn) { relay.Reset(c) }, syscall.ECONNRESET},
	} {
		for _, side := range []string{"client", "server"} {
			t.Run(name+" by the "+side, func(t *testing.T) {
				r := open(t, toxi.Engine{}, harness.NetworkConfig{Profile: both(harness.Path{Delay: time.Millisecond})})
				a, b := r.dial(0)
				if side == "server" {
					a, b = b, a
				}
				_, err := a.Write([]byte("last words"))
				require.NoError(t, err)
				tc.end(a)
				got := make([]byte, 100)
				n, err := io.ReadFull(b, got)
				require.ErrorIs(t, err, tc.want)
				require.Equal(t, "last words", string(got[:n]), "what was sent before comes first")
			})
		}
	}
}

func TestAnswerToAClosedClientResetsTheServer(t *testing.T) {
	r := open(t, toxi.Engine{}, harness.NetworkConfig{})
	app, served := r.dial(0)
	require.NoError(t, app.Close())
	_, err := served.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	require.Eventually(t, func() bool {
		_, err := served.Write([]byte("answer"))
		return err != nil
	}, patience, time.Millisecond)
}

func TestCloseEndsEverything(t *testing.T) {
	r := open(t, toxi.Engine{}, harness.NetworkConfig{Clients: 2, Profile: both(harness.Path{Delay: time.Hour})})
	r.SetProfile(harness.Profile{})
	app, served := r.dial(0)
	r.SetProfile(both(harness.Path{Delay: time.Hour}))
	_, err := app.Write([]byte("never arrives"))
	require.NoError(t, err)
	dialed := make(chan error, 1)
	go func() {
		_, err := r.Client(1).DialContext(context.Background(), "tcp", r.listener.Addr().String())
		dialed <- err
	}()
	time.Sleep(10 * time.Millisecond)
	require.NoError(t, r.Close())
	require.ErrorIs(t, <-dialed, net.ErrClosed)
	for _, c := range []net.Conn{app, served} {
		_, err := c.Read(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ECONNRESET)
	}
	_, err = r.listener.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = r.Client(0).DialContext(t.Context(), "tcp", r.listener.Addr().String())
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = r.Server().Listen(t.Context(), "tcp", ":0")
	require.ErrorIs(t, err, net.ErrClosed)
	require.NoError(t, r.Close(), "a second Close")
	lost := r.packets.packets(harness.Up)
	require.Len(t, lost, 1)
	require.Equal(t, harness.DropStopped, lost[0].Drop)
}

func TestHostsTakeWhatPackageNetTakes(t *testing.T) {
	r := open(t, toxi.Engine{}, harness.NetworkConfig{})
	for _, host := range []harness.Host{r.Client(0), r.Server()} {
		for _, bad := range [][2]string{{"udp", ":0"}, {"tcp", "8.8.8.8:0"}, {"tcp", "nonsense"}, {"tcp", ":99999"}} {
			_, err := host.Listen(t.Context(), bad[0], bad[1])
			require.Error(t, err, "%v", bad)
		}
		l, err := host.Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		c, err := r.Server().DialContext(t.Context(), "tcp", l.Addr().String())
		require.NoError(t, err)
		require.NoError(t, c.Close())
	}
	_, err := r.Client(0).DialContext(t.Context(), "udp", r.listener.Addr().String())
	require.ErrorContains(t, err, "unknown network udp")
	_, err = r.Inject(harness.Fault{Action: harness.Crash})
	require.ErrorContains(t, err, "inject crash")
}

func TestAThousandClients(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	const clients = 1000
	r := open(t, toxi.Engine{}, harness.NetworkConfig{Clients: clients, Profile: both(harness.Path{Delay: 20 * time.Millisecond, Rate: 1_000_000})})
	go func() {
		for {
			c, err := r.listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			text := fmt.Sprintf("payment %d", i)
			c, err := r.Client(i).DialContext(t.Context(), "tcp", r.listener.Addr().String())
			if err == nil {
				defer c.Close()
				err = send(c.(*net.TCPConn), []byte(text))
			}
			if err != nil {
				t.Errorf("client %d: %v", i, err)
				return
			}
			got, err := io.ReadAll(c)
			if err != nil || string(got) != text {
				t.Errorf("client %d got %q: %v", i, got, err)
			}
		})
	}
	all.Wait()
	require.NoError(t, r.Close())
	seen := map[int]bool{}
	for _, p := range r.packets.packets(harness.Up) {
		seen[p.Client] = true
	}
	require.Len(t, seen, clients)
	require.False(t, strings.Contains(r.listener.Addr().String(), "0.0.0.0"))
}
