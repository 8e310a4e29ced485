package simnet

import (
	"context"
	"fmt"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/link"
	"github.com/onebar/onebar/harness/simnet/events"
	"github.com/onebar/onebar/harness/simnet/socket"
)

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
		harness.PutToxics | harness.PutToxicsOnLinks | harness.JoinHosts | harness.CarryDatagrams | harness.WatchLinks | harness.ChooseClients
}

// Open implements harness.Engine. What it returns is a *Network.
func (g Engine) Open(_ context.Context, c harness.NetworkConfig) (harness.Network, error) {
	return g.New(c)
}

// Network implements harness.Network. Its methods may be called from several
// goroutines, all of them in the bubble in which it was made, if it was.
type Network struct {
	loop          events.Loop // its lock protects the network
	seed          uint64
	sink          harness.PacketSink    // nil is nobody
	capture       harness.PacketCapture // nil is nobody
	lose          func(harness.Packet) harness.DropReason
	sendBuffer    int
	receiveBuffer int
	hosts         *access.Network[*host, *hostLink]
	watchers      link.Watchers
	flights       []*flight // for use again

	toxics  []*toxicInForce // in force, oldest first
	stopped bool
}

// New opens a network, in the bubble of the caller if it is in one. Config.Toxics
// is not looked at.
func (g Engine) New(c harness.NetworkConfig) (*Network, error) {
	n := &Network{seed: c.Seed, sink: c.Packets, capture: c.Capture, lose: c.Lose, sendBuffer: g.SendBuffer, receiveBuffer: g.ReceiveBuffer}
	var err error
	if n.hosts, err = access.New(c, n.newHost); err != nil {
		return nil, fmt.Errorf("open sim network: %w", err)
	}
	if n.sendBuffer <= 0 {
		n.sendBuffer = defaultSendBuffer
	}
	if n.receiveBuffer <= 0 {
		n.receiveBuffer = defaultReceiveBuffer
	}
	n.join()
	start := c.Start
	if start.IsZero() {
		start = time.Now()
	}
	n.loop.Start(start)
	return n, nil
}

// Client implements harness.Network. The host costs next to nothing until it is
// used.
func (n *Network) Client(i int) harness.Host { return n.hosts.Clients[i] }

// Server implements harness.Network.
func (n *Network) Server() harness.Host { return n.hosts.Server }

// Host implements harness.Network.
func (n *Network) Host(name string) (harness.Host, error) {
	h, err := n.hosts.Host(name)
	if err != nil {
		return nil, err
	}
	return h, nil
}

func (n *Network) join() {
	for i, g := range n.hosts.Others {
		near, far := n.hosts.Ends(i)
		n.hosts.Add(g, newHostLink(g, near, far))
		near.wake()
		far.wake()
	}
}

// SetProfile implements harness.Network.
func (n *Network) SetProfile(p harness.Profile) {
	_ = n.SetLinkProfile("", p) // there are access links
}

// SetLinkProfile implements harness.Network.
func (n *Network) SetLinkProfile(link string, p harness.Profile) error {
	n.loop.Lock()
	defer n.loop.Unlock()
	g, err := n.hosts.Group(link)
	if err != nil {
		return fmt.Errorf("set the profile of a link: %w", err)
	}
	g.Profile = p
	if client, _ := n.hosts.Phones(g); client >= 0 {
		n.hosts.Clients[client].wake()
	}
	for _, l := range n.hosts.Links(g) {
		l.Set(p)
	}
	return nil
}

// used returns the hosts in use, the server first.
func (n *Network) used() []*host {
	list := []*host{n.hosts.Server}
	for _, h := range n.hosts.Clients {
		if h.Access() != nil {
			list = append(list, h)
		}
	}
	return append(list, n.hosts.Further...)
}

// Close implements harness.Network: every connection is reset, every listener
// closed, and packets under way are reported as stopped.
func (n *Network) Close() error {
	n.loop.Lock()
	if n.stopped {
		n.loop.Unlock()
		return nil
	}
	n.stopped = true
	n.loop.Unlock()
	n.watchers.Close()
	n.loop.Stop()

	n.loop.Lock()
	defer n.loop.Unlock()
	for e := n.loop.Pop(); e != nil; e = n.loop.Pop() {
		if e.Rank == rankLink {
			e.Run() // a flight, which lands as stopped
		}
	}
	for _, h := range n.used() {
		for _, l := range sorted(h.listeners, func(l *socket.Listener) uint64 { return uint64(l.Local.Port) }) {
			l.Shut()
		}
		for _, e := range h.endpoints() {
			e.TCP.Fail(errStopped)
		}
		for _, d := range h.udp {
			d.Shut()
		}
	}
	return nil
}
