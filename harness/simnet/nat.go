package simnet

import (
	"time"

	"github.com/onebar/onebar/harness/access"
)

// datagramLife is how long a NAT remembers a flow of datagrams at least, RFC 4787
// REQ-5.
const datagramLife = 2 * time.Minute

// rebind makes the NAT before every client forget all flows, and returns how many
// of them were open.
func (n *Network) rebind(newAddress bool) (hits int64) {
	for _, b := range n.hosts.Access.Links {
		was := b.near.ip
		if newAddress {
			b.near.ip = access.Next(was)
			if b.retired == nil {
				b.retired = make(map[[4]byte]bool)
			}
			b.retired[was] = true
			delete(b.retired, b.near.ip)
		}
		for _, f := range b.flows {
			if f.client == was && !f.forgotten {
				f.forgotten = true
				if f.open(n.clock()) {
					hits++
				}
			}
		}
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
func (n *Network) vanish(g *access.Group[*bearer], hosts []*host, phones bool) func() int64 {
	list := n.hosts.Darken(hosts, 1)
	if hosts == nil {
		list = g.Links
	}
	var hits int64
	var gone []*flow
	for _, b := range list {
		for _, f := range b.flows {
			f.vanished++
			gone = append(gone, f)
			if f.open(n.clock()) {
				hits++
			}
		}
	}
	if phones {
		n.watchers.Down()
	}
	return n.ending(func() int64 {
		n.crash(hosts)
		n.hosts.Darken(hosts, -1)
		if phones {
			n.announce(n.watchers.Up())
		}
		for _, f := range gone {
			f.vanished--
		}
		return hits
	})
}

// crash takes the connections of hosts away without a word.
func (n *Network) crash(hosts []*host) {
	for _, h := range hosts {
		for _, e := range h.endpoints() {
			n.push(&event{rank: rankFault, run: func() { e.fail(errStopped) }}, n.at)
		}
	}
	n.rearm()
}
