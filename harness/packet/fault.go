package packet

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"github.com/onebar/onebar/harness"
)

// Inject implements harness.Network. What its function counts:
//
//   - Blackhole: the packets lost in an outage of its direction while it lasted;
//   - Reset: the connections that were open; both ends are reset before Inject
//     returns;
//   - Refuse: the connections refused;
//   - Rebind: the flows forgotten that were open;
//   - Vanish: the flows that were open. Packets of older flows do not arrive until
//     the end. If Fault.Side names a side, its machines have no power meanwhile: no
//     packet at all arrives, and at the end their connections are gone;
//   - CrossTraffic: the packets of cross traffic that arrived meanwhile, in either
//     direction, acknowledgements with them.
//
// Refuse and Reset are of TCP connections only.
//
// StreamToxic is refused: a link carries packets, the streams are toxiproxy's.
func (n *Network) Inject(f harness.Fault) (end func() int64, err error) {
	n.life.RLock()
	closed := n.closed
	n.life.RUnlock()
	if closed {
		return nil, fmt.Errorf("inject %v: the network is closed", f.Action)
	}
	if end, err = n.begin(f); err != nil {
		return nil, err
	}
	return sync.OnceValue(end), nil
}

// begin begins a fault. Its end must be called once.
func (n *Network) begin(f harness.Fault) (end func() int64, err error) {
	l, err := n.named(f.Link)
	if err != nil {
		return nil, fmt.Errorf("inject %v: %w", f.Action, err)
	}
	switch f.Action {
	case harness.Blackhole:
		return n.blackhole(l, f.Direction), nil
	case harness.Reset:
		hits := n.reset(l)
		return func() int64 { return hits }, nil
	case harness.Refuse:
		before := l.refused.Load()
		l.refusing.Add(1)
		return func() int64 {
			l.refusing.Add(-1)
			return l.refused.Load() - before
		}, nil
	case harness.Rebind:
		if f.Link != "" {
			return nil, fmt.Errorf("inject rebind on %s: no NAT is on a link between hosts: only access links have one", f.Link)
		}
		hits, err := n.rebind(f.NewAddress)
		if err != nil {
			return nil, err
		}
		if f.NewAddress {
			announce(n.watchers.Moved())
		}
		return func() int64 { return hits }, nil
	case harness.Vanish:
		return n.vanish(l, f.Side)
	case harness.CrossTraffic:
		return n.crossTraffic(l, f.Direction)
	case harness.StreamToxic:
		return nil, errors.New("inject toxic: the packet network has no streams; put toxiproxy in front of it (package toxi)")
	default:
		return nil, fmt.Errorf("inject %v: it is not a fault of a network", f.Action)
	}
}

// blackhole begins an outage of links in direction d, or both ways if it is unknown.
// Phones are told of one of their access links.
func (n *Network) blackhole(l *links, d harness.Direction) (end func() int64) {
	up, down := d != harness.Down, d != harness.Up
	lost := func() (packets int64) {
		if up {
			packets += l.lost[0].Load()
		}
		if down {
			packets += l.lost[1].Load()
		}
		return packets
	}
	before := lost()
	if l == &n.access {
		n.watchers.Down()
	}
	n.outage(l, up, down, 1)
	return func() int64 {
		n.outage(l, up, down, -1)
		if l == &n.access {
			announce(n.watchers.Up())
		}
		return lost() - before
	}
}

// announce makes the calls of Network.watchers.
func announce(calls []func()) {
	for _, call := range calls {
		call()
	}
}

// outage adds to the number of outages in force.
func (n *Network) outage(l *links, up, down bool, by int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if up {
		l.outages[0] += by
	}
	if down {
		l.outages[1] += by
	}
	for _, b := range n.bearers(l) {
		b.block(l.outages[0] > 0, l.outages[1] > 0)
	}
}

// reset aborts both ends of every open connection over links, and returns how many
// there were. Each end also sends its reset over the link. Connections within a host go
// with the access links.
func (n *Network) reset(l *links) int64 {
	hosts := n.used(n.everyHost())
	slices.Reverse(hosts) // the server first
	open := make(map[connection]bool)
	for _, h := range hosts {
		for _, e := range h.stack.RegisteredEndpoints() {
			ep, ok := e.(*tcp.Endpoint)
			if !ok || !carries(ep.EndpointState()) {
				continue
			}
			info, ok := ep.Info().(*stack.TransportEndpointInfo)
			if !ok || h.linksTo(info.ID) != l {
				continue
			}
			open[connectionOf(info.ID)] = true
			ep.Abort()
		}
	}
	return int64(len(open))
}

// linksTo are those that a connection of the host goes over; within the host it is the
// access links.
func (h *host) linksTo(id stack.TransportEndpointID) *links {
	if b, _ := h.bearerTo(h.n.hostOf(netip.AddrFrom4(id.RemoteAddress.As4()))); b != nil {
		return b.links
	}
	return &h.n.access
}

// connection names a connection, the same seen from either end.
type connection struct{ a, b string }

func connectionOf(id stack.TransportEndpointID) connection {
	a := fmt.Sprint(id.LocalAddress, id.LocalPort)
	b := fmt.Sprint(id.RemoteAddress, id.RemotePort)
	return connection{min(a, b), max(a, b)}
}

// carries reports whether an endpoint in state s is an end of an open
// connection: one of its applications may still send or receive.
func carries(s tcp.EndpointState) bool {
	switch s {
	case tcp.StateEstablished, tcp.StateSynRecv, tcp.StateCloseWait, tcp.StateFinWait1, tcp.StateFinWait2:
		return true
	default:
		return false
	}
}
