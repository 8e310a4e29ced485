package packet_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
)

// TestWatchLink has two phones told that their link is up, in order, by the time
// that the end of the fault returns.
func TestWatchLink(t *testing.T) {
	hole := harness.Fault{Action: harness.Blackhole}
	up := harness.Fault{Action: harness.Blackhole, Direction: harness.Up}
	down := harness.Fault{Action: harness.Blackhole, Direction: harness.Down}
	moved := harness.Fault{Action: harness.Rebind, NewAddress: true}
	for name, tc := range map[string]struct {
		faults []harness.Fault // all begin, then end in order
		began  []int           // told at the beginning of the last one
		ended  [][]int         // told by the end of each
	}{
		"blackhole":                    {[]harness.Fault{hole}, nil, [][]int{{0, 1}}},
		"the last of two blackholes":   {[]harness.Fault{up, down}, nil, [][]int{nil, {0, 1}}},
		"a phone without power":        {[]harness.Fault{{Action: harness.Vanish, Side: harness.Client}}, nil, [][]int{{0, 1}}},
		"a new address":                {[]harness.Fault{moved}, []int{0, 1}, [][]int{nil}},
		"a new address in a blackhole": {[]harness.Fault{hole, moved}, nil, [][]int{{0, 1}, nil}},
		"a NAT that forgets":           {[]harness.Fault{{Action: harness.Rebind}}, nil, [][]int{nil}},
		"a server without power":       {[]harness.Fault{{Action: harness.Vanish, Side: harness.Server}}, nil, [][]int{nil}},
		"a server that refuses":        {[]harness.Fault{{Action: harness.Refuse}}, nil, [][]int{nil}},
		"resets":                       {[]harness.Fault{{Action: harness.Reset}}, nil, [][]int{nil}},
	} {
		t.Run(name, func(t *testing.T) {
			n := open(t, harness.NetworkConfig{Clients: 2})
			exchange(t, dial(t, n.Client(0), echo(t, n)), 10)
			var told []int
			for _, i := range []int{1, 0} {
				defer n.Client(i).(harness.LinkWatcher).WatchLink(func() { told = append(told, i) })()
			}
			n.Server().(harness.LinkWatcher).WatchLink(func() { t.Error("the server has no access link") })()
			var ends []func() int64
			for _, f := range tc.faults {
				end, err := n.Inject(f)
				require.NoError(t, err)
				ends = append(ends, end)
			}
			require.Equal(t, tc.began, told)
			n.SetProfile(symmetric(harness.Path{Loss: harness.Loss{P: 1}}))
			n.SetProfile(harness.Profile{})
			for i, end := range ends {
				told = nil
				end()
				require.Equal(t, tc.ended[i], told, "at the end of fault %d", i)
			}
		})
	}
}

func TestWatchLinkStops(t *testing.T) {
	n := open(t, harness.NetworkConfig{Clients: 2})
	var told []int
	watch := func(i int) (stop func()) {
		return n.Client(i).(harness.LinkWatcher).WatchLink(func() { told = append(told, i) })
	}
	stop := watch(0)
	watch(1)
	end, err := n.Inject(harness.Fault{Action: harness.Blackhole})
	require.NoError(t, err)
	stop()
	end()
	require.Equal(t, []int{1}, told)
	end, err = n.Inject(harness.Fault{Action: harness.Blackhole})
	require.NoError(t, err)
	require.NoError(t, n.Close())
	end()
	require.Equal(t, []int{1}, told, "the network was closed")
}
