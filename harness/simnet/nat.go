package simnet

import (
	"github.com/onebar/onebar/harness/access"
)

// rebind makes the NAT of access links forget all flows, and returns how many of them
// were open.
func (n *Network) rebind(g *access.Group, newAddress bool) (hits int64, err error) {
	for _, l := range n.hosts.Links(g) {
		was := l.Near.ip
		if newAddress {
			l.Near.ip = access.Next(was)
		}
		hits += l.Forget(was, l.Near.ip, n.loop.Clock())
	}
	return hits, nil
}

// vanish keeps the packets of every flow there is on links from arriving until the end.
// If hosts are given, they have no power meanwhile: the links are all those that end at
// one of them, no packet of them arrives at all, and at the end the hosts' connections
// are gone without a word.
func (n *Network) vanish(g *access.Group, hosts []*host) func() int64 {
	list := n.cutPower(hosts, 1)
	if hosts == nil {
		list = n.hosts.Links(g)
	}
	var hits int64
	var ends []func()
	for _, l := range list {
		end, open := l.Vanish(n.loop.Clock())
		ends = append(ends, end)
		hits += open
	}
	return func() int64 {
		n.crash(hosts)
		n.cutPower(hosts, -1)
		for _, end := range ends {
			end()
		}
		return hits
	}
}

// cutPower adds to the number of faults that keep every packet from and to hosts from
// arriving, and returns the links in use that end at them.
func (n *Network) cutPower(hosts []*host, by int) []*hostLink {
	list := n.hosts.CutPower(hosts, by)
	for _, l := range list {
		l.UpdatePower()
	}
	return list
}

// crash takes the connections of hosts away without a word.
func (n *Network) crash(hosts []*host) {
	for _, h := range hosts {
		for _, e := range h.endpoints() {
			n.loop.Push(&access.Event{Rank: rankFault, Run: func() { e.TCP.Fail(errStopped) }}, n.loop.At())
		}
	}
	n.loop.Rearm()
}
