package toxi_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/packet"
	"github.com/onebar/onebar/harness/toxi"
)

// Each phone is told once that its link is up, at the end of the last blackhole, until
// it stops watching or the network ends.
func TestWatchLink(t *testing.T) {
	for name, e := range map[string]harness.Engine{"toxiproxy": toxi.Engine{}, "in front of another engine": toxi.InFrontOf(packet.Engine{})} {
		t.Run(name, func(t *testing.T) {
			r := open(t, e, harness.NetworkConfig{Clients: 2, Toxics: true})
			var told []int
			var stops []func()
			for _, i := range []int{1, 0} {
				w, ok := r.Client(i).(harness.LinkWatcher)
				require.True(t, ok)
				stops = append(stops, w.WatchLink(func() { told = append(told, i) }))
			}
			up := r.inject(harness.Fault{Action: harness.Blackhole, Direction: harness.Up})
			down := r.inject(harness.Fault{Action: harness.Blackhole, Direction: harness.Down})
			r.SetProfile(harness.Profile{})
			up()
			require.Empty(t, told)
			down()
			require.Equal(t, []int{0, 1}, told)
			for _, f := range []harness.Fault{{Action: harness.Refuse}, {Action: harness.Reset}, stream("slow_close", "upstream", nil)} {
				r.inject(f)()
			}
			require.Equal(t, []int{0, 1}, told)

			end := r.inject(harness.Fault{Action: harness.Blackhole})
			stops[1]()
			end()
			require.Equal(t, []int{0, 1, 1}, told)
			end = r.inject(harness.Fault{Action: harness.Blackhole})
			require.NoError(t, r.Close())
			end()
			require.Equal(t, []int{0, 1, 1}, told)
		})
	}
}

// A front claims no more than the engine behind it.
func TestFrontOfAnEngineThatDoesNotWatch(t *testing.T) {
	r := open(t, toxi.InFrontOf(plain{}), harness.NetworkConfig{Toxics: true})
	_, ok := r.Client(0).(harness.LinkWatcher)
	require.False(t, ok)
}
