package packet_test

import (
	"context"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/packet"
	"github.com/onebar/onebar/harness/simnet"
)

// These tests hold packet and sim to the same contract of several hosts: a client, a
// server, and the server's bank.

const bankLink = "server-bank"

func withBank(profile harness.Profile) harness.Topology {
	return harness.Topology{Hosts: []string{"bank"}, Links: []harness.Link{{Near: "server", Far: "bank", Profile: profile}}}
}

func delayed(d time.Duration) harness.Profile {
	return harness.Profile{Up: harness.Path{Delay: d}, Down: harness.Path{Delay: d}}
}

// town is a network of three hosts under test, where the server and the bank echo.
type town struct {
	harness.Network
	t            *testing.T
	bank         harness.Host
	server, till net.Listener // of server and bank
	serving      sync.WaitGroup

	mu      sync.Mutex
	packets []harness.Packet
}

// Packet implements harness.PacketSink.
func (w *town) Packet(p harness.Packet) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.packets = append(w.packets, p)
}

func (w *town) count(match func(harness.Packet) bool) (n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.packets {
		if match(p) {
			n++
		}
	}
	return n
}

// inTown runs a test on both engines.
func inTown(t *testing.T, access, bank harness.Profile, test func(*town)) {
	t.Helper()
	t.Run("packet", func(t *testing.T) { openTown(t, packet.Engine{}, access, bank, test) })
	t.Run("sim", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { openTown(t, simnet.Engine{}, access, bank, test) })
	})
}

func openTown(t *testing.T, e harness.Engine, access, bank harness.Profile, test func(*town)) {
	t.Helper()
	w := &town{t: t}
	var err error
	w.Network, err = e.Open(t.Context(), harness.NetworkConfig{Seed: 1, Start: time.Now(), Clients: 2, Profile: access, Topology: withBank(bank), Packets: w})
	require.NoError(t, err)
	w.bank, err = w.Host("bank")
	require.NoError(t, err)
	defer w.serving.Wait()
	defer w.Close()
	w.server, w.till = w.serve(w.Server()), w.serve(w.bank)
	test(w)
}

func (w *town) serve(h harness.Host) net.Listener {
	l, err := h.Listen(w.t.Context(), "tcp", ":0")
	require.NoError(w.t, err)
	w.serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.serving.Go(func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			})
		}
	})
	return l
}

func (w *town) dial(h harness.Host, to net.Listener) net.Conn {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
	defer cancel()
	c, err := h.DialContext(ctx, "tcp", to.Addr().String())
	require.NoError(w.t, err)
	return c
}

// exchange sends a byte to an echo and returns how long it takes to come back.
func (w *town) exchange(c net.Conn) (time.Duration, error) {
	begin := time.Now()
	require.NoError(w.t, c.SetDeadline(begin.Add(10*time.Second)))
	if _, err := c.Write([]byte("x")); err != nil {
		return 0, err
	}
	_, err := io.ReadFull(c, make([]byte, 1))
	return time.Since(begin), err
}

func (w *town) ok(c net.Conn) time.Duration {
	w.t.Helper()
	took, err := w.exchange(c)
	require.NoError(w.t, err)
	return took
}

// silent requires that nothing comes back to what is sent.
func (w *town) silent(c net.Conn) {
	w.t.Helper()
	require.NoError(w.t, c.SetDeadline(time.Now().Add(200*time.Millisecond)))
	_, err := c.Write([]byte("x"))
	require.NoError(w.t, err)
	_, err = c.Read(make([]byte, 1))
	var timeout net.Error
	require.ErrorAs(w.t, err, &timeout)
	require.True(w.t, timeout.Timeout())
}

// A blackhole of the server's link to its bank leaves the clients' links alone.
func TestHostsBlackholeOfOneLink(t *testing.T) {
	inTown(t, harness.Profile{}, harness.Profile{}, func(w *town) {
		phone, order := w.dial(w.Client(0), w.server), w.dial(w.Server(), w.till)
		w.ok(phone)
		w.ok(order)
		end, err := w.Inject(harness.Fault{Action: harness.Blackhole, Link: bankLink})
		require.NoError(w.t, err)
		w.silent(order)
		w.ok(phone)
		w.ok(w.dial(w.Client(1), w.server))
		hits := end()
		require.Positive(w.t, hits)
		lost := func(p harness.Packet) bool { return p.Drop == harness.DropOutage }
		require.Equal(w.t, hits, w.count(lost))
		require.Equal(w.t, hits, w.count(func(p harness.Packet) bool { return lost(p) && p.Link == bankLink && p.Client == 0 }))
		require.NoError(w.t, order.SetDeadline(time.Now().Add(10*time.Second)))
		_, err = io.ReadFull(order, make([]byte, 1))
		require.NoError(w.t, err, "it gets through once the link is back")

		end, err = w.Inject(harness.Fault{Action: harness.Blackhole})
		require.NoError(w.t, err)
		w.silent(phone)
		w.ok(order)
		require.Positive(w.t, end())
	})
}

// Two links have two profiles, and each can be changed alone.
func TestHostsProfilesOfTwoLinks(t *testing.T) {
	inTown(t, delayed(10*time.Millisecond), delayed(80*time.Millisecond), func(w *town) {
		phone, order := w.dial(w.Client(0), w.server), w.dial(w.Server(), w.till)
		near := func(want time.Duration, c net.Conn) {
			w.t.Helper()
			took := w.ok(c)
			require.GreaterOrEqual(w.t, took, want)
			require.Less(w.t, took, want+60*time.Millisecond)
		}
		near(20*time.Millisecond, phone)
		near(160*time.Millisecond, order)
		require.NoError(w.t, w.SetLinkProfile(bankLink, delayed(150*time.Millisecond)))
		near(300*time.Millisecond, order)
		near(20*time.Millisecond, phone)
		w.SetProfile(delayed(90 * time.Millisecond))
		near(180*time.Millisecond, phone)
		near(300*time.Millisecond, order)
		for link, least := range map[string]time.Duration{"": 10 * time.Millisecond, bankLink: 80 * time.Millisecond} {
			require.Zero(w.t, w.count(func(p harness.Packet) bool {
				return p.Link == link && p.Drop == harness.DropNone && p.Delay < least
			}))
			require.Positive(w.t, w.count(func(p harness.Packet) bool { return p.Link == link }))
		}
	})
}

// The bank loses its power: its connections are gone, those of the clients stay.
func TestHostsPowerOfOneHost(t *testing.T) {
	inTown(t, harness.Profile{}, harness.Profile{}, func(w *town) {
		phone, order := w.dial(w.Client(0), w.server), w.dial(w.Server(), w.till)
		w.ok(order)
		end, err := w.Inject(harness.Fault{Action: harness.Vanish, Side: "bank"})
		require.NoError(w.t, err)
		w.silent(order)
		w.ok(phone)
		require.EqualValues(w.t, 1, end())
		_, err = w.exchange(order)
		require.Error(w.t, err, "the bank has forgotten the connection")
		w.ok(phone)
		w.ok(w.dial(w.Server(), w.till))
	})
}

func TestHostsResetRefuseAndCrossTrafficOnOneLink(t *testing.T) {
	slow := harness.Path{Delay: 5 * time.Millisecond, Rate: 1_000_000}
	inTown(t, harness.Profile{}, harness.Profile{Up: slow, Down: slow}, func(w *town) {
		phone, order := w.dial(w.Client(0), w.server), w.dial(w.Server(), w.till)
		w.ok(phone)
		w.ok(order)
		end, err := w.Inject(harness.Fault{Action: harness.Reset, Link: bankLink})
		require.NoError(w.t, err)
		require.EqualValues(w.t, 1, end())
		_, err = w.exchange(order)
		require.ErrorIs(w.t, err, syscall.ECONNRESET)
		w.ok(phone)

		end, err = w.Inject(harness.Fault{Action: harness.Refuse, Link: bankLink})
		require.NoError(w.t, err)
		_, err = w.Server().DialContext(w.t.Context(), "tcp", w.till.Addr().String())
		require.ErrorIs(w.t, err, syscall.ECONNREFUSED)
		w.ok(w.dial(w.Client(1), w.server))
		require.EqualValues(w.t, 1, end())

		carried := func(p harness.Packet) bool { return p.Cross && p.Link == bankLink && p.Drop == harness.DropNone }
		end, err = w.Inject(harness.Fault{Action: harness.CrossTraffic, Link: bankLink, Direction: harness.Down})
		require.NoError(w.t, err)
		for begin := time.Now(); w.count(carried) <= 10 && time.Since(begin) < 10*time.Second; {
			time.Sleep(10 * time.Millisecond)
		}
		require.Greater(w.t, end(), int64(10))
		require.Zero(w.t, w.count(func(p harness.Packet) bool { return p.Cross && p.Link == "" }))
	})
}

// A host without a link is out of reach at once; what does not exist is named.
func TestHostsThatAreNotThere(t *testing.T) {
	inTown(t, harness.Profile{}, harness.Profile{}, func(w *town) {
		_, err := w.Client(0).DialContext(w.t.Context(), "tcp", w.till.Addr().String())
		require.ErrorIs(w.t, err, syscall.EHOSTUNREACH)
		require.ErrorContains(w.t, err, "no link joins client0 and bank")
		_, err = w.Client(0).DialContext(w.t.Context(), "udp", w.till.Addr().String())
		require.ErrorIs(w.t, err, syscall.EHOSTUNREACH)
		_, err = w.Host("bnak")
		require.EqualError(w.t, err, `there is no host "bnak": expected server, a client or one of the network's topology: bank`)
		require.EqualError(w.t, w.SetLinkProfile("client0-bank", harness.Profile{}), `set the profile of a link: there is no link "client0-bank": expected one of the network's topology: server-bank`)
		_, err = w.Inject(harness.Fault{Action: harness.Rebind, Link: bankLink})
		require.EqualError(w.t, err, "inject rebind on server-bank: no NAT is on a link between hosts: only access links have one")
		_, err = w.Inject(harness.Fault{Action: harness.Blackhole, Link: "bank-server"})
		require.ErrorContains(w.t, err, `there is no link "bank-server"`)
		h, err := w.Host("client1")
		require.NoError(w.t, err)
		require.Same(w.t, w.Client(1), h)
	})
}
