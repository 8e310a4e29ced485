package toxi_test

import (
	"bytes"
	"io"
	"net"
	"os"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
	"github.com/onebar/onebar/harness/fault"
	"github.com/onebar/onebar/harness/toxi"
)

// Trap 1 of toxiproxy: a dropped chunk is no packet loss. It is refused.
func TestLossIsRefused(t *testing.T) {
	lossy := harness.Path{Loss: harness.Loss{P: 0.05}}
	bursty := harness.Path{Loss: harness.Loss{GE: &harness.GEModel{P: 0.01, R: 0.5, LossBad: 1}}}
	toxic := func(tx *harness.Toxic) harness.Event {
		return harness.Event{Action: harness.StreamToxic, Toxic: tx, Line: 9}
	}
	setup := fault.Setup{Engine: toxi.Engine{}.Name(), Can: toxi.Engine{}.Abilities()}
	for name, tc := range map[string]struct {
		scenario harness.Scenario
		want     []string // empty is supported
	}{
		"no loss": {scenario: harness.Scenario{Link: bench.Both(harness.Path{Delay: time.Second, Rate: 18_000, Limit: 1})}},
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
		"both ways": {harness.Scenario{Link: bench.Both(lossy)}, []string{"loss of 5% up and loss of 5% down"}},
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
			err := setup.Refuse(tc.scenario)
			if tc.want == nil {
				require.NoError(t, err)
			}
			for _, w := range tc.want {
				require.ErrorContains(t, err, w)
			}
		})
	}
	_, err := toxi.Engine{}.Open(t.Context(), harness.NetworkConfig{Profile: bench.Both(lossy)})
	require.ErrorContains(t, err, "no packets to lose")
}

// Trap 2: changing a link live must lose no byte and never panic. Every kind of
// change, all the time, on 32 busy connections.
func TestLiveChangesLoseNothing(t *testing.T) {
	const conns, size = 32, 256 << 10
	r := open(t, toxi.Engine{}, harness.NetworkConfig{Clients: 8})
	var traffic sync.WaitGroup
	for i := range conns {
		app, served := r.Connect(i % 8)
		up, down := bench.Noise(uint64(i), size), bench.Noise(uint64(i+conns), size)
		for _, way := range []struct {
			from, to net.Conn
			data     []byte
		}{{app, served, up}, {served, app, down}} {
			traffic.Go(func() {
				if err := bench.Finish(way.from, way.data); err != nil {
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
		r.Net.SetProfile(bench.Both(harness.Path{
			Delay:  time.Duration(i%7) * 3 * time.Millisecond,
			Jitter: time.Duration(i%3) * 2 * time.Millisecond,
			Rate:   int64(1+i%9) * 4_000_000,
		}))
		if i%4 == 0 {
			end := r.Inject(harness.Fault{Action: harness.Blackhole, Direction: harness.Direction(i / 4 % 3)})
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
	app, served := r.Connect(0)
	r.Net.SetProfile(bench.Both(harness.Path{Rate: 18_000}))
	start := time.Now()
	go func() { _ = bench.Finish(app, make([]byte, 2700)) }() // 1.2 s
	got, err := io.ReadAll(served)
	require.NoError(t, err)
	require.Len(t, got, 2700)
	took := time.Since(start)
	require.Greater(t, took, 1190*time.Millisecond)
	require.Less(t, took, 3*time.Second)
	for _, p := range r.Packets.All(bench.Dir(harness.Up)) {
		require.LessOrEqual(t, p.Size, 1448)
		require.Equal(t, 1, p.Flow)
	}
}

func TestHostsTakeWhatPackageNetTakes(t *testing.T) {
	r := open(t, toxi.Engine{}, harness.NetworkConfig{})
	for _, host := range []harness.Host{r.Net.Client(0), r.Net.Server()} {
		for _, bad := range [][2]string{{"udp", ":0"}, {"tcp", "8.8.8.8:0"}, {"tcp", "nonsense"}, {"tcp", ":99999"}} {
			_, err := host.Listen(t.Context(), bad[0], bad[1])
			require.Error(t, err, "%v", bad)
		}
		l, err := host.Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		c, err := r.Net.Server().DialContext(t.Context(), "tcp", l.Addr().String())
		require.NoError(t, err)
		require.NoError(t, c.Close())
	}
	_, err := r.Net.Client(0).DialContext(t.Context(), "udp", r.Listener.Addr().String())
	require.ErrorContains(t, err, "unknown network udp")
	_, err = r.Net.Inject(harness.Fault{Action: harness.Crash})
	require.ErrorContains(t, err, "inject crash")
}
