package packet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/log"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/link"
	"github.com/onebar/onebar/harness/packet/timerqueue"
)

// Engine implements harness.Engine. The zero Engine is ready.
type Engine struct{}

// Name is "packet".
func (Engine) Name() string { return "packet" }

// Abilities implements harness.Engine. No event can begin at a packet: in real time
// the n-th packet is another one in each run. Stream toxics need toxiproxy in front of
// the network, see package toxi.
func (Engine) Abilities() harness.Abilities {
	return harness.CarryPackets | harness.RebindClients | harness.CutPower | harness.SendCrossTraffic | harness.JoinHosts |
		harness.CarryDatagrams | harness.TunnelClients | harness.WatchLinks | harness.ChooseClients
}

// Open implements harness.Engine. What it returns is a *Network. It turns
// gVisor's process-wide logging off.
func (Engine) Open(_ context.Context, c harness.NetworkConfig) (harness.Network, error) {
	return New(c)
}

// Network implements harness.Network.
type Network struct {
	seed  uint64
	start time.Time
	sink  harness.PacketSink // nil is nobody
	queue *timerqueue.Queue
	cross cross

	hosts    *access.Network[*host, *hostLink]
	watchers link.Watchers

	capture harness.PacketCapture // nil is nobody
	alive   context.Context       // ends with the network
	end     context.CancelFunc    // of alive

	stopped atomic.Bool // the stacks have ended, packets under way are lost

	// life is read-locked while a host makes something that Close has to end,
	// so that Close misses nothing.
	life   sync.RWMutex
	closed bool

	mu      sync.Mutex // of links and hosts, and of splices
	splices []io.Closer
}

// New opens a network. Config.Toxics is not looked at.
func New(c harness.NetworkConfig) (*Network, error) {
	n := &Network{seed: c.Seed, start: c.Start, sink: c.Packets, capture: c.Capture}
	var err error
	if n.hosts, err = access.New(c, n.newHost); err != nil {
		return nil, fmt.Errorf("open packet network: %w", err)
	}
	log.SetTarget(&log.MultiEmitter{}) // none: it would warn of packets that the scenario made strange
	n.alive, n.end = context.WithCancel(context.Background())
	if n.start.IsZero() {
		n.start = time.Now()
	}
	if err := errors.Join(n.hosts.Server.ready(), n.join()); err != nil {
		return nil, err
	}
	if n.queue, err = timerqueue.New(n.now); err != nil {
		return nil, err
	}
	return n, nil
}

func (n *Network) newHost(a *access.Host[*hostLink]) *host {
	h := &host{Host: a, n: n}
	h.addr.Store(netip.AddrFrom4(a.First))
	return h
}

func (n *Network) now() time.Duration { return time.Since(n.start) }

// Client implements harness.Network. The host costs next to nothing until it
// is used.
func (n *Network) Client(i int) harness.Host { return n.hosts.Clients[i] }

// Server implements harness.Network.
func (n *Network) Server() harness.Host { return n.hosts.Server }

// land ends a flight: the packet arrives at the host it is for, or is counted
// as lost.
func (n *Network) land(fl *flight) {
	r := &fl.report
	if r.Drop == harness.DropNone && n.stopped.Load() {
		r.Drop = harness.DropStopped
	}
	if r.Drop == harness.DropNone {
		now := n.now()
		r.Delay, r.Late = now-r.At, now-fl.arrive
	}
	fl.link.Count(r)
	if n.sink != nil {
		n.sink.Packet(*r)
	}
	switch {
	case r.Drop != harness.DropNone:
		fl.pkt.DecRef()
	case fl.seg.Opens() && fl.link.Refuses():
		fl.pkt.DecRef()
		if fl.link.refuse(fl) {
			fl.link.Refused()
		}
	default:
		fl.way.to.receive(fl)
	}
}

// Close implements harness.Network: every connection is reset, every listener
// and splice closed, and packets under way are reported as stopped.
func (n *Network) Close() error {
	n.life.Lock()
	if n.closed {
		n.life.Unlock()
		return nil
	}
	n.closed = true
	n.life.Unlock()
	n.watchers.Close()
	n.end()

	var err error
	n.mu.Lock()
	splices := n.splices
	n.splices = nil
	n.mu.Unlock()
	for _, s := range splices {
		err = errors.Join(err, s.Close())
	}
	for _, h := range n.hosts.Clients {
		if t := h.tunnel.Load(); t != nil {
			err = errors.Join(err, t.close())
		}
	}
	// gVisor's order: abort the endpoints, end the stacks, then the link. Clients first
	// say that they are gone.
	hosts := n.used(n.everyHost())
	for _, h := range hosts {
		h.stack.Abort()
	}
	n.stopped.Store(true)
	for _, h := range hosts {
		h.stack.Close()
	}
	n.queue.Close()
	n.mu.Lock()
	list := n.hosts.Touching(hosts)
	n.mu.Unlock()
	for _, b := range list {
		b.locked(b.release)
	}
	n.cross.running.Wait()
	return err
}
