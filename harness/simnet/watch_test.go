package simnet_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/simnet"
)

// told is a call of a watcher.
type told struct {
	client int
	at     time.Duration
}

// watch has every client of n watch its link, the last one first.
func watch(n *simnet.Network, clients int, list *[]told, stops *[]func()) {
	start := time.Now()
	for i := clients - 1; i >= 0; i-- {
		*stops = append(*stops, n.Client(i).(harness.LinkWatcher).WatchLink(func() {
			*list = append(*list, told{i, time.Since(start)})
		}))
	}
}

// TestWatchLink has a fault of a second, beside or without another one, and looks at
// when two phones were told that their link is up.
func TestWatchLink(t *testing.T) {
	const s = time.Second
	hole := harness.Fault{Action: harness.Blackhole}
	up := harness.Fault{Action: harness.Blackhole, Direction: harness.Up}
	down := harness.Fault{Action: harness.Blackhole, Direction: harness.Down}
	power := harness.Fault{Action: harness.Vanish, Side: harness.Client}
	for name, tc := range map[string]struct {
		first, second *harness.Fault // second begins half a second later, and each lasts a second
		want          []time.Duration
	}{
		"blackhole":                       {&hole, nil, []time.Duration{s}},
		"blackhole up":                    {&up, nil, []time.Duration{s}},
		"blackhole down":                  {&down, nil, []time.Duration{s}},
		"the last of two blackholes":      {&up, &down, []time.Duration{s + s/2}},
		"a phone without power":           {&power, nil, []time.Duration{s}},
		"no power, and a blackhole":       {&power, &hole, []time.Duration{s + s/2}},
		"a new address":                   {&harness.Fault{Action: harness.Rebind, NewAddress: true}, nil, []time.Duration{0}},
		"a new address in a blackhole":    {&hole, &harness.Fault{Action: harness.Rebind, NewAddress: true}, []time.Duration{s}},
		"a NAT that forgets":              {&harness.Fault{Action: harness.Rebind}, nil, nil},
		"a server without power":          {&harness.Fault{Action: harness.Vanish, Side: harness.Server}, nil, nil},
		"flows that vanish":               {&harness.Fault{Action: harness.Vanish}, nil, nil},
		"a server that refuses":           {&harness.Fault{Action: harness.Refuse}, nil, nil},
		"resets":                          {&harness.Fault{Action: harness.Reset}, nil, nil},
		"a blackhole in a server's crash": {&harness.Fault{Action: harness.Vanish, Side: harness.Server}, &hole, []time.Duration{s + s/2}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := open(t, simnet.Engine{}, harness.NetworkConfig{Clients: 2})
				var list []told
				var stops []func()
				watch(n, 2, &list, &stops)
				start := time.Now()
				var running sync.WaitGroup
				for i, f := range []*harness.Fault{tc.first, tc.second} {
					if f == nil {
						continue
					}
					running.Go(func() {
						time.Sleep(time.Duration(i) * s / 2)
						end := inject(t, n, *f)
						time.Sleep(s)
						end()
					})
				}
				n.SetProfile(symmetric(harness.Path{Loss: harness.Loss{P: 1}}))
				time.Sleep(3 * s)
				n.SetProfile(harness.Profile{})
				running.Wait()
				time.Sleep(s)
				var want []told
				for _, at := range tc.want {
					want = append(want, told{0, at}, told{1, at})
				}
				require.Len(t, list, len(want))
				for i := range want {
					require.Equal(t, want[i].client, list[i].client)
					require.GreaterOrEqual(t, list[i].at, want[i].at)
					require.Less(t, list[i].at-want[i].at, time.Microsecond)
					require.True(t, i == 0 || list[i].at > list[i-1].at, "each at an instant of its own")
				}
				require.Less(t, time.Since(start), 10*s)
			})
		})
	}
}

func TestWatchLinkStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := open(t, simnet.Engine{}, harness.NetworkConfig{Clients: 2})
		var list []told
		var stops []func()
		watch(n, 2, &list, &stops)
		server := n.Server().(harness.LinkWatcher).WatchLink(func() { t.Error("the server has no access link") })
		defer server()
		stops[0]() // of client 1
		end := inject(t, n, harness.Fault{Action: harness.Blackhole})
		time.Sleep(time.Second)
		require.Empty(t, list)
		end()
		synctest.Wait()
		time.Sleep(time.Microsecond)
		require.Len(t, list, 1)
		require.Equal(t, 0, list[0].client)

		end = inject(t, n, harness.Fault{Action: harness.Blackhole})
		end()
		again := inject(t, n, harness.Fault{Action: harness.Blackhole}) // at the same instant
		time.Sleep(time.Second)
		require.Len(t, list, 1, "it was down again before anybody was told")
		stops[1]()
		again()
		time.Sleep(time.Second)
		require.Len(t, list, 1)
	})
}

// What watchers wake sends the same packets in each run of a seed.
func TestWatchLinkRepeats(t *testing.T) {
	run := func(t *testing.T) string {
		t.Helper()
		var l tape
		synctest.Test(t, func(t *testing.T) {
			const clients = 8
			n := open(t, simnet.Engine{}, harness.NetworkConfig{Seed: 5, Clients: clients, Packets: &l, Profile: symmetric(harness.Path{Delay: 50 * time.Millisecond})})
			addr := echo(t, n)
			var running sync.WaitGroup
			for i := range clients {
				woken := make(chan struct{}, 1)
				stop := n.Client(i).(harness.LinkWatcher).WatchLink(func() { woken <- struct{}{} })
				running.Go(func() {
					defer stop()
					<-woken
					c, err := n.Client(i).DialContext(context.Background(), "tcp", addr)
					if err != nil {
						t.Error(err)
						return
					}
					defer c.Close()
					exchange(t, c, 1000)
				})
			}
			end := inject(t, n, harness.Fault{Action: harness.Blackhole})
			time.Sleep(time.Minute)
			require.Empty(t, l.packets, "nobody has sent anything")
			end()
			running.Wait()
		})
		return fmt.Sprintf("%+v", l.packets)
	}
	want := run(t)
	require.NotEmpty(t, want)
	for range 5 {
		require.Equal(t, want, run(t))
	}
}
