package packet_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
)

// gate holds the first packet up until it is opened, as if whoever sent it got no
// processor.
type gate struct {
	bench.Log
	reached chan struct{}
	opened  chan struct{}
}

func (g *gate) Packet(p harness.Packet) {
	if p.Direction == harness.Up && p.N == 1 {
		close(g.reached)
		<-g.opened
	}
	g.Log.Packet(p)
}

// A link that delays nothing keeps the order, even if who sends first is the last
// to get a processor.
func TestOrderWithoutDelay(t *testing.T) {
	g := &gate{reached: make(chan struct{}), opened: make(chan struct{})}
	n := open(t, harness.NetworkConfig{Packets: g})
	server := listenPacket(t, n.Server(), ":0")
	to := server.LocalAddr().String()
	first, second := dialUDP(t, n.Client(0), to), dialUDP(t, n.Client(0), to)
	sent := make(chan error)
	go func() {
		_, err := first.Write([]byte("first"))
		sent <- err
	}()
	<-g.reached
	_, err := second.Write([]byte("second"))
	require.NoError(t, err)
	close(g.opened)
	require.NoError(t, <-sent)

	b := make([]byte, 16)
	for _, want := range []string{"first", "second"} {
		size, _, err := server.ReadFrom(b)
		require.NoError(t, err)
		require.Equal(t, want, string(b[:size]))
	}
	for i, p := range g.All(bench.Any) {
		require.EqualValues(t, i+1, p.N)
	}
}
