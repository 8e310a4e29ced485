package simnet

import "github.com/onebar/onebar/harness/access"

// rebind makes the NAT before every client forget all flows, and returns how many
// of them were open.
func (n *Network) rebind(newAddress bool) (hits int64) {
	for _, b := range n.hosts.Links(n.hosts.Access) {
		was := b.Near.ip
		if newAddress {
			b.Near.ip = access.Next(was)
		}
		hits += b.Forget(was, b.Near.ip, n.clock())
	}
	if newAddress {
		n.announce(n.watchers.Moved())
	}
	return hits
}

// vanish keeps the packets of every flow there is on links from arriving until the end.
// If hosts are given, they have no power meanwhile: the links are all those that end at
// one of them, no packet of them arrives at all, and at the end the hosts' connections
// are gone without a word.
func (n *Network) vanish(g *access.Group, hosts []*host, phones bool) func() int64 {
	list := n.darken(hosts, 1)
	if hosts == nil {
		list = n.hosts.Links(g)
	}
	var hits int64
	var ends []func()
	for _, b := range list {
		end, open := b.Vanish(n.clock())
		ends = append(ends, end)
		hits += open
	}
	if phones {
		n.watchers.Down()
	}
	return n.ending(func() int64 {
		n.crash(hosts)
		n.darken(hosts, -1)
		if phones {
			n.announce(n.watchers.Up())
		}
		for _, end := range ends {
			end()
		}
		return hits
	})
}

// darken adds to the number of faults that keep every packet from and to hosts from
// arriving, and returns the links in use that end at them.
func (n *Network) darken(hosts []*host, by int) []*bearer {
	list := n.hosts.Darken(hosts, by)
	for _, b := range list {
		b.Darken()
	}
	return list
}

// crash takes the connections of hosts away without a word.
func (n *Network) crash(hosts []*host) {
	for _, h := range hosts {
		for _, e := range h.endpoints() {
			n.events.Push(&event{Rank: rankFault, Run: func() { e.fail(errStopped) }}, n.at)
		}
	}
	n.rearm()
}
