package simnet

import (
	"context"
	"fmt"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/link"
)

// MaxClients is how many clients a network can have, as their addresses are two
// bytes apart.
const MaxClients = 1 << 16

// Engine implements harness.Engine. The zero Engine is ready.
type Engine struct {
	// SendBuffer is how many bytes written to a connection may be without
	// acknowledgement before Write blocks; 0 is 64 MiB. That is so much because a
	// Write that waits while its caller holds a mutex can stop a bubble for good;
	// it is not unlimited because a writer that never waits never lets virtual
	// time pass.
	SendBuffer int
	// ReceiveBuffer is how many bytes a connection takes before its application
	// reads them; 0 is 4 MiB.
	ReceiveBuffer int
}

// The defaults of Engine, bytes.
const (
	defaultSendBuffer    = 64 << 20
	defaultReceiveBuffer = 4 << 20
)

// Name is "sim".
func (Engine) Name() string { return "sim" }

// Abilities implements harness.Engine: all but giving a link to a machine outside, whose
// time is real.
func (Engine) Abilities() harness.Abilities {
	return harness.CarryPackets | harness.CountPackets | harness.VirtualTime | harness.RebindClients | harness.CutPower | harness.SendCrossTraffic |
		harness.PutToxics | harness.PutToxicsOnLinks | harness.JoinHosts | harness.CarryDatagrams | harness.WatchLinks
}

// Open implements harness.Engine. What it returns is a *Network.
func (g Engine) Open(_ context.Context, c harness.NetworkConfig) (harness.Network, error) {
	return g.New(c)
}

// Network implements harness.Network. Its methods may be called from several
// goroutines, all of them in the bubble in which it was made, if it was.
type Network struct {
	agenda
	seed          uint64
	sink          harness.PacketSink    // nil is nobody
	capture       harness.PacketCapture // nil is nobody
	lose          func(harness.Packet) harness.DropReason
	sendBuffer    int
	receiveBuffer int64
	topology      harness.Topology
	server        *host
	clients       []*host
	further       []*host // those of the topology
	access        links
	others        []*links // those of the topology
	watchers      link.Watchers
	flights       []*flight // for use again

	toxics  []*poison // in force, oldest first
	stopped bool

	zeros [maxSegment]byte // what cross traffic carries
}

// New opens a network, in the bubble of the caller if it is in one. Config.Toxics
// is not looked at.
func (g Engine) New(c harness.NetworkConfig) (*Network, error) {
	if c.Clients < 0 || c.Clients > MaxClients {
		return nil, fmt.Errorf("open sim network: %d clients, have 0 to %d", c.Clients, MaxClients)
	}
	if err := c.Check(c.Clients); err != nil {
		return nil, fmt.Errorf("open sim network: %w", err)
	}
	n := &Network{seed: c.Seed, sink: c.Packets, capture: c.Capture, topology: c.Topology, sendBuffer: g.SendBuffer, receiveBuffer: int64(g.ReceiveBuffer)}
	n.access.profile, n.lose = c.Profile, c.Lose
	if n.sendBuffer <= 0 {
		n.sendBuffer = defaultSendBuffer
	}
	if n.receiveBuffer <= 0 {
		n.receiveBuffer = defaultReceiveBuffer
	}
	seeds := harness.Rand(c.Seed, harness.StreamEngine)
	n.server = newHost(n, harness.ServerName, [4]byte{10, 0, 0, 1}, seeds.Uint64())
	n.server.wake()
	n.clients = make([]*host, c.Clients)
	for i := range n.clients {
		h := newHost(n, harness.ClientName(i), [4]byte{10, 1, byte(i >> 8), byte(i)}, seeds.Uint64())
		h.client, h.order = i, uint64(i)+2
		n.clients[i] = h
	}
	for i, name := range c.Hosts {
		h := newHost(n, name, [4]byte{10, 0, 0, byte(i + 2)}, seeds.Uint64())
		h.order = MaxClients + 2 + uint64(i)
		h.wake()
		n.further = append(n.further, h)
	}
	n.join()
	start := c.Start
	if start.IsZero() {
		start = time.Now()
	}
	n.init(start)
	return n, nil
}

// Client implements harness.Network. The host costs next to nothing until it is
// used.
func (n *Network) Client(i int) harness.Host { return n.clients[i] }

// Server implements harness.Network.
func (n *Network) Server() harness.Host { return n.server }

// clientOf returns the client that has or had an address, or nil. The second byte
// counts a client's addresses.
func (n *Network) clientOf(ip [4]byte) *host {
	i := int(ip[2])<<8 | int(ip[3])
	if ip[0] != 10 || ip[1] == 0 || i >= len(n.clients) {
		return nil
	}
	return n.clients[i]
}

// hostOf returns the host that has or had an address, or nil.
func (n *Network) hostOf(ip [4]byte) *host {
	if i := int(ip[3]) - 2; ip[0] == 10 && ip[1] == 0 && ip[2] == 0 && i >= 0 && i < len(n.further) {
		return n.further[i]
	}
	if ip == n.server.ip {
		return n.server
	}
	return n.clientOf(ip)
}

// hosts returns the hosts in use, the server first.
func (n *Network) hosts() []*host {
	list := []*host{n.server}
	for _, h := range n.clients {
		if h.bearer != nil {
			list = append(list, h)
		}
	}
	return append(list, n.further...)
}

// Close implements harness.Network: every connection is reset, every listener
// closed, and packets under way are reported as stopped.
func (n *Network) Close() error {
	n.mu.Lock()
	if n.stopped {
		n.mu.Unlock()
		return nil
	}
	n.stopped = true
	n.mu.Unlock()
	n.watchers.Close()
	n.halt()

	n.mu.Lock()
	defer n.mu.Unlock()
	n.at = max(n.at, n.clock())
	for len(n.heap) > 0 {
		e := n.heap[0]
		n.drop(e)
		if e.rank == rankLink {
			e.run() // a flight, which lands as stopped
		}
	}
	for _, h := range n.hosts() {
		for _, l := range h.ports() {
			l.shut()
		}
		for _, e := range h.endpoints() {
			e.fail(errStopped)
		}
		for _, d := range h.datagrams {
			d.stop()
		}
	}
	clear(n.marked)
	n.marked = n.marked[:0]
	return nil
}
