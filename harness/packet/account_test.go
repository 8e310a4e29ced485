package packet

import (
	"bytes"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"github.com/onebar/onebar/harness"
)

type counts struct {
	mu      sync.Mutex
	packets []harness.Packet
}

func (l *counts) Packet(p harness.Packet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.packets = append(l.packets, p)
}

func (l *counts) sum(match func(harness.Packet) bool) (packets, bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.packets {
		if match(p) {
			packets++
			bytes += p.Size
		}
	}
	return packets, bytes
}

// numbers is the largest N of a direction, if each number up to it is there.
func (l *counts) numbers(d harness.Direction) (last int64) {
	seen := map[int64]bool{}
	for _, p := range l.packets {
		if p.Direction == d {
			seen[p.N] = true
			last = max(last, p.N)
		}
	}
	if int64(len(seen)) != last {
		return -1
	}
	return last
}

// transfer sends up bytes one way over connections connections, one after the
// other, and returns the network once the last is closed at both ends.
func transfer(t *testing.T, c harness.NetworkConfig, connections, up int) *Network {
	t.Helper()
	c.Start, c.Clients = time.Now(), 1
	n, err := New(c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.Close()) })
	l, err := n.Server().Listen(t.Context(), "tcp", ":0")
	require.NoError(t, err)
	for range connections {
		client, err := n.Client(0).DialContext(t.Context(), "tcp", l.Addr().String())
		require.NoError(t, err)
		server, err := l.Accept()
		require.NoError(t, err)
		go func(c net.Conn) {
			_, _ = c.Write(make([]byte, up))
			c.Close()
		}(client)
		got, err := io.Copy(io.Discard, server)
		require.NoError(t, err)
		require.EqualValues(t, up, got)
		require.NoError(t, server.Close())
	}
	require.Eventually(t, func() bool { return quiet(n) }, time.Minute, time.Millisecond)
	return n
}

// quiet reports whether nothing is under way and nothing more will be sent.
func quiet(n *Network) bool {
	b := n.hosts.Clients[0].Access()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.up.waiting.Load() > 0 || b.down.waiting.Load() > 0 {
		return false
	}
	for f := range b.Flows() {
		if f.Holds() {
			return false
		}
	}
	for _, h := range []*host{n.hosts.Server, n.hosts.Clients[0]} {
		for _, e := range h.stack.Endpoints() {
			if s := e.(*tcp.Endpoint).EndpointState(); s != tcp.StateListen && s != tcp.StateTimeWait {
				return false
			}
		}
	}
	return true
}

// TestAccounting compares what the sink is told with what the stacks counted
// themselves.
func TestAccounting(t *testing.T) {
	for name, path := range map[string]harness.Path{
		"perfect": {},
		"delay":   {Delay: time.Millisecond},
		"loss":    {Delay: time.Millisecond, Loss: harness.Loss{P: 0.05}},
		"rate":    {Rate: 20_000_000, Limit: 20_000},
		"copies":  {Delay: time.Millisecond, Duplicate: 0.5},
		"corrupt": {Delay: time.Millisecond, Corrupt: 0.05},
		"reorder": {Delay: time.Millisecond, Reorder: 0.05},
	} {
		t.Run(name, func(t *testing.T) {
			var l counts
			const up = 150_000
			n := transfer(t, harness.NetworkConfig{Seed: 5, Profile: harness.Profile{Up: path, Down: path}, Packets: &l}, 1, up)
			require.NoError(t, n.Close())
			for _, way := range []struct {
				d        harness.Direction
				from, to *host
			}{{harness.Up, n.hosts.Clients[0], n.hosts.Server}, {harness.Down, n.hosts.Server, n.hosts.Clients[0]}} {
				offered, _ := l.sum(func(p harness.Packet) bool { return p.Direction == way.d })
				arrived, _ := l.sum(func(p harness.Packet) bool { return p.Direction == way.d && p.Drop == harness.DropNone })
				lost, _ := l.sum(func(p harness.Packet) bool { return p.Direction == way.d && p.Drop != harness.DropNone })
				require.Equal(t, offered, arrived+lost)
				copies, _ := l.sum(func(p harness.Packet) bool { return p.Direction == way.d && p.Copy })
				require.Equal(t, path.Duplicate > 0, copies > 0)
				offered -= copies
				require.EqualValues(t, offered, l.numbers(way.d), "numbered without a gap")
				require.EqualValues(t, arrived, way.to.stack.Stats().IP.PacketsReceived.Value(), "every packet reported as arrived did")
				require.LessOrEqual(t, uint64(offered), way.from.stack.Stats().IP.PacketsSent.Value(), "the rest are acknowledgements merged")
			}
			// A packet is 52 bytes and its payload, a SYN is 60 and a reset 40
			// without any.
			fresh := func(p harness.Packet) bool {
				return p.Direction == harness.Up && !p.Retransmit && !p.Copy && p.Size > 60
			}
			packets, bytes := l.sum(fresh)
			require.LessOrEqual(t, bytes-52*packets, up, "no byte is sent for the first time twice")
			again, _ := l.sum(func(p harness.Packet) bool { return p.Retransmit })
			if again == 0 {
				require.Equal(t, up, bytes-52*packets)
			}
			if path.Loss.P > 0 || path.Corrupt > 0 {
				require.NotZero(t, again, "what is lost or broken is sent again")
			}
		})
	}
}

func TestFlowsAreNumbered(t *testing.T) {
	var l counts
	n := transfer(t, harness.NetworkConfig{Packets: &l}, 3, 1000)
	require.NoError(t, n.Close())
	last := 0
	for _, p := range l.packets {
		require.Positive(t, p.Flow)
		require.LessOrEqual(t, p.Flow, last+1, "in order of appearance")
		last = max(last, p.Flow)
	}
	require.Equal(t, 3, last)
}

// TestSameSeedSameDecisions runs a sequential transfer twice. Which packets
// there are depends on the clock; what happens to the n-th of a flow does not.
func TestSameSeedSameDecisions(t *testing.T) {
	run := func(seed uint64) map[harness.Direction][]harness.DropReason {
		var l counts
		path := harness.Path{Delay: time.Millisecond, Loss: harness.Loss{P: 0.15}}
		n := transfer(t, harness.NetworkConfig{Seed: seed, Profile: harness.Profile{Up: path, Down: path}, Packets: &l}, 1, 60_000)
		require.NoError(t, n.Close())
		got := map[harness.Direction][]harness.DropReason{}
		offered := append([]harness.Packet(nil), l.packets...)
		// Packets are reported when their fate is known; put them in the order
		// in which they were offered.
		slices.SortStableFunc(offered, func(a, b harness.Packet) int { return int(a.At - b.At) })
		for _, p := range offered {
			if p.Drop != harness.DropStopped {
				got[p.Direction] = append(got[p.Direction], p.Drop)
			}
		}
		return got
	}
	a, b, other := run(1), run(1), run(2)
	for _, d := range []harness.Direction{harness.Up, harness.Down} {
		common := min(len(a[d]), len(b[d]))
		require.Greater(t, common, 10)
		require.Equal(t, a[d][:common], b[d][:common])
	}
	common := min(len(a[harness.Up]), len(other[harness.Up]))
	require.NotEqual(t, a[harness.Up][:common], other[harness.Up][:common])
}

// TestCorruptDatagrams has every datagram arrive with a flipped bit. Where the
// sender made no checksum, RFC 768 allows that, most reach the reader.
func TestCorruptDatagrams(t *testing.T) {
	for name, unchecked := range map[string]bool{"with a checksum": false, "without": true} {
		t.Run(name, func(t *testing.T) {
			path := harness.Path{Corrupt: 1}
			n, err := New(harness.NetworkConfig{Clients: 1, Profile: harness.Profile{Up: path}})
			require.NoError(t, err)
			defer n.Close()
			server, err := n.hosts.Server.ListenPacket(t.Context(), "udp", ":0")
			require.NoError(t, err)
			c, err := n.hosts.Clients[0].DialContext(t.Context(), "udp", server.LocalAddr().String())
			require.NoError(t, err)
			for _, e := range n.hosts.Clients[0].stack.Endpoints() {
				e.(tcpip.Endpoint).SocketOptions().SetNoChecksum(unchecked)
			}
			const sent = 200
			for range sent {
				_, err := c.Write(make([]byte, 1000))
				require.NoError(t, err)
			}
			require.NoError(t, server.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
			arrived, broken := 0, 0
			for b := make([]byte, 2000); ; {
				k, _, err := server.ReadFrom(b)
				if err != nil {
					break
				}
				arrived++
				broken += k - bytes.Count(b[:k], []byte{0})
			}
			if !unchecked {
				require.Zero(t, arrived)
				return
			}
			require.Greater(t, arrived, sent/2)
			require.Greater(t, broken, sent/2)
			require.LessOrEqual(t, broken, arrived, "one bit of each")
		})
	}
}
