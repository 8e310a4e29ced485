package packet

import (
	"errors"
	"fmt"

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
	switch f.Action {
	case harness.Blackhole:
		return n.blackhole(f.Direction), nil
	case harness.Reset:
		hits := n.reset()
		return func() int64 { return hits }, nil
	case harness.Refuse:
		before := n.refused.Load()
		n.refusing.Add(1)
		return func() int64 {
			n.refusing.Add(-1)
			return n.refused.Load() - before
		}, nil
	case harness.Rebind:
		hits, err := n.rebind(f.NewAddress)
		if err != nil {
			return nil, err
		}
		if f.NewAddress {
			announce(n.watchers.Moved())
		}
		return func() int64 { return hits }, nil
	case harness.Vanish:
		return n.vanish(f.Side), nil
	case harness.CrossTraffic:
		return n.crossTraffic(f.Direction)
	case harness.StreamToxic:
		return nil, errors.New("inject toxic: the packet network has no streams; put toxiproxy in front of it (package toxi)")
	default:
		return nil, fmt.Errorf("inject %v: it is not a fault of a network", f.Action)
	}
}

// blackhole begins an outage in direction d, or both ways if it is unknown.
func (n *Network) blackhole(d harness.Direction) (end func() int64) {
	up, down := d != harness.Down, d != harness.Up
	lost := func() (packets int64) {
		if up {
			packets += n.lost[0].Load()
		}
		if down {
			packets += n.lost[1].Load()
		}
		return packets
	}
	before := lost()
	n.watchers.Down()
	n.outage(up, down, 1)
	return func() int64 {
		n.outage(up, down, -1)
		announce(n.watchers.Up())
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
func (n *Network) outage(up, down bool, by int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if up {
		n.outages[0] += by
	}
	if down {
		n.outages[1] += by
	}
	for _, h := range n.clients {
		if b := h.bearer.Load(); b != nil {
			b.block(n.outages[0] > 0, n.outages[1] > 0)
		}
	}
}

// reset aborts both ends of every open connection, and returns how many there
// were. Each end also sends its reset over the link.
func (n *Network) reset() int64 {
	n.mu.Lock()
	hosts := []*host{n.server}
	for _, h := range n.clients {
		if h.bearer.Load() != nil {
			hosts = append(hosts, h)
		}
	}
	n.mu.Unlock()
	open := make(map[connection]bool)
	for _, h := range hosts {
		for _, e := range h.stack.RegisteredEndpoints() {
			ep, ok := e.(*tcp.Endpoint)
			if !ok || !carries(ep.EndpointState()) {
				continue
			}
			info, ok := ep.Info().(*stack.TransportEndpointInfo)
			if ok {
				open[connectionOf(info.ID)] = true
			}
			ep.Abort()
		}
	}
	return int64(len(open))
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
