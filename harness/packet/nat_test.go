package packet_test

import (
	"context"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/packet"
)

// silent requires that nothing comes back on c for a while.
func silent(t *testing.T, c net.Conn) {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(300*time.Millisecond)))
	_, err := c.Read(make([]byte, 1))
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout(), err)
}

func forgotten(p harness.Packet) bool { return p.Drop == harness.DropNAT }

// accepting is a listener of the server that hands its connections to the test.
func accepting(t *testing.T, n *packet.Network) net.Listener {
	t.Helper()
	l, err := n.Server().Listen(t.Context(), "tcp", ":0")
	require.NoError(t, err)
	return l
}

func TestRebind(t *testing.T) {
	for name, newAddress := range map[string]bool{"same address": false, "new address": true} {
		t.Run(name, func(t *testing.T) {
			var l log
			n := open(t, harness.NetworkConfig{Clients: 3, Packets: &l})
			ln := accepting(t, n)
			join := func(client int) (c, s net.Conn) {
				c = dial(t, n.Client(client), ln.Addr().String())
				s, err := ln.Accept()
				require.NoError(t, err)
				t.Cleanup(func() { s.Close() })
				return c, s
			}
			oldClient, oldServer := join(0)
			join(1)
			over, overServer := join(1) // ended before: not a hit
			require.NoError(t, over.Close())
			_, err := overServer.Read(make([]byte, 1))
			require.ErrorIs(t, err, io.EOF)
			require.NoError(t, overServer.Close())
			require.Eventually(t, func() bool { // both FINs have crossed
				return l.count(func(p harness.Packet) bool { return p.Client == 1 && p.Flow == 2 }) >= 6
			}, patience, time.Millisecond)

			end, err := n.Inject(harness.Fault{Action: harness.Rebind, NewAddress: newAddress})
			require.NoError(t, err)
			require.EqualValues(t, 2, end())

			_, err = oldClient.Write([]byte("lost"))
			require.NoError(t, err)
			_, err = oldServer.Write([]byte("lost"))
			require.NoError(t, err)
			silent(t, oldClient)
			silent(t, oldServer)

			newClient, newServer := join(0)
			go func() { _, _ = io.Copy(newServer, newServer) }()
			exchange(t, newClient, 1000)
			was, is := oldServer.RemoteAddr().(*net.TCPAddr).IP, newServer.RemoteAddr().(*net.TCPAddr).IP
			require.Equal(t, newAddress, !was.Equal(is), "the server sees %v, then %v", was, is)
			require.Equal(t, newClient.LocalAddr().String(), newServer.RemoteAddr().String())

			for _, d := range []harness.Direction{harness.Up, harness.Down} {
				require.NotZero(t, l.count(func(p harness.Packet) bool { return forgotten(p) && p.Direction == d }))
			}
			require.Zero(t, l.count(func(p harness.Packet) bool { return forgotten(p) != (p.Client == 0 && p.Flow == 1) && forgotten(p) }),
				"packets of the old flow alone are lost, and keep its number")
			require.NotZero(t, l.count(func(p harness.Packet) bool { return p.Client == 0 && p.Flow == 2 }))
		})
	}
}

// first is closed by the first packet offered to a link.
type first struct {
	once sync.Once
	seen chan struct{}
}

func (f *first) Capture(time.Duration, int, harness.Direction, []byte) {
	f.once.Do(func() { close(f.seen) })
}

// TestRebindDuringHandshake forgets a flow while its SYN is under way. The answer
// is lost; the next SYN is a new flow to the NAT.
func TestRebindDuringHandshake(t *testing.T) {
	if testing.Short() {
		t.Skip("a SYN lost takes a second")
	}
	var l log
	syn := &first{seen: make(chan struct{})}
	n := open(t, harness.NetworkConfig{
		Profile: symmetric(harness.Path{Delay: 300 * time.Millisecond}), Packets: &l, Capture: syn,
	})
	addr := echo(t, n)
	dialed := make(chan net.Conn, 1)
	go func() {
		c, _ := n.Client(0).DialContext(t.Context(), "tcp", addr)
		dialed <- c
	}()
	<-syn.seen
	end, err := n.Inject(harness.Fault{Action: harness.Rebind})
	require.NoError(t, err)
	require.Zero(t, end(), "it is not open yet")
	c := <-dialed
	require.NotNil(t, c)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	require.Equal(t, 1, l.count(forgotten))
	exchange(t, c, 100)
	require.Zero(t, l.count(func(p harness.Packet) bool { return p.Flow != 1 }))
}

func TestManyAddresses(t *testing.T) {
	n := open(t, harness.NetworkConfig{})
	addr := echo(t, n)
	c := dial(t, n.Client(0), addr)
	for range 300 { // more than there are
		end, err := n.Inject(harness.Fault{Action: harness.Rebind, NewAddress: true})
		require.NoError(t, err)
		end()
	}
	silentWrite(t, c)
	exchange(t, dial(t, n.Client(0), addr), 100)
}

func silentWrite(t *testing.T, c net.Conn) {
	t.Helper()
	_, err := c.Write([]byte("x"))
	require.NoError(t, err)
	silent(t, c)
}

func TestVanish(t *testing.T) {
	var l log
	n := open(t, harness.NetworkConfig{Packets: &l})
	addr := echo(t, n)
	c := dial(t, n.Client(0), addr)
	exchange(t, c, 10)
	end, err := n.Inject(harness.Fault{Action: harness.Vanish})
	require.NoError(t, err)
	silentWrite(t, c)
	exchange(t, dial(t, n.Client(0), addr), 100) // a new one works meanwhile
	require.EqualValues(t, 1, end())
	require.NoError(t, c.SetReadDeadline(time.Now().Add(patience)))
	_, err = io.ReadFull(c, make([]byte, 1))
	require.NoError(t, err, "both ends know the connection still")
	require.NotZero(t, l.count(forgotten))
}

// TestPowerLoss is a crash with vanish: each side in turn loses its power without
// a word, and comes back without knowing the connection.
func TestPowerLoss(t *testing.T) {
	for _, side := range []harness.Side{harness.Server, harness.Client} {
		for name, crash := range map[string]func(net.Conn){
			"reset":      func(c net.Conn) { _ = c.(interface{ SetLinger(int) error }).SetLinger(0); c.Close() },
			"close":      func(c net.Conn) { c.Close() },
			"not closed": func(net.Conn) {},
		} {
			t.Run(side.String()+" "+name, func(t *testing.T) {
				n := open(t, harness.NetworkConfig{Packets: &log{}})
				ln := accepting(t, n)
				victim := dial(t, n.Client(0), ln.Addr().String())
				survivor, err := ln.Accept()
				require.NoError(t, err)
				t.Cleanup(func() { survivor.Close() })
				if side == harness.Server {
					victim, survivor = survivor, victim
				}
				end, err := n.Inject(harness.Fault{Action: harness.Vanish, Side: side})
				require.NoError(t, err)
				crash(victim)
				if side == harness.Server {
					ln.Close()
				}
				silentWrite(t, survivor)
				if side == harness.Server { // a machine without power refuses nothing
					ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
					defer cancel()
					_, err := n.Client(0).DialContext(ctx, "tcp", ln.Addr().String())
					require.ErrorIs(t, err, ctx.Err())
				}
				require.EqualValues(t, 1, end())
				require.NoError(t, survivor.SetReadDeadline(time.Now().Add(patience)))
				_, err = survivor.Read(make([]byte, 1))
				require.ErrorIs(t, err, syscall.ECONNRESET, "the host answers what is sent again with a reset")
			})
		}
	}
}
