package enginetest

import (
	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
)

// abilities are tests that an engine has the methods of the abilities that it
// publishes, and of no others.
func abilities() Tests {
	return Tests{"have their methods": func(b *bench.B) {
		var err error
		b.Net, err = b.Engine.Open(b.T.Context(), harness.NetworkConfig{Clients: 1})
		b.NoError(err)
		defer func() { b.NoError(b.Net.Close()) }()
		_, tunnels := b.Net.(harness.Tunneler)
		_, datagrams := b.Net.Client(0).(harness.PacketListener)
		_, watches := b.Net.Client(0).(harness.LinkWatcher)
		can := b.Engine.Abilities()
		b.Equal(can.Has(harness.TunnelClients), tunnels, "TunnelClients")
		b.Equal(can.Has(harness.CarryDatagrams), datagrams, "CarryDatagrams")
		b.Equal(can.Has(harness.WatchLinks), watches, "WatchLinks")
		b.False(can.Has(harness.CountPackets) && !can.Has(harness.CarryPackets), "there are packets to count")
	}}
}
