package simnet

import (
	"time"

	"github.com/onebar/onebar/harness"
)

// datagramLife is how long a NAT remembers a flow of datagrams at least, RFC 4787
// REQ-5.
const datagramLife = 2 * time.Minute

// rebind makes the NAT before every client forget all flows, and returns how many
// of them were open.
func (n *Network) rebind(newAddress bool) (hits int64) {
	for _, b := range n.bearers() {
		was := b.client.ip
		if newAddress {
			b.client.ip[1] = was[1]%255 + 1 // 10.1 to 10.255, see clientOf
			if b.retired == nil {
				b.retired = make(map[[4]byte]bool)
			}
			b.retired[was] = true
			delete(b.retired, b.client.ip)
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

// vanish keeps the packets of every flow there is from arriving until the end. If
// a side is named, its machines have no power meanwhile: no packet arrives at all,
// and at the end their connections are gone without a word.
func (n *Network) vanish(side harness.Side) func() int64 {
	dark := 0
	if side != harness.SideUnknown {
		dark = 1
	}
	var hits int64
	var gone []*flow
	for _, b := range n.bearers() {
		for _, f := range b.flows {
			f.vanished++
			gone = append(gone, f)
			if f.open(n.clock()) {
				hits++
			}
		}
	}
	n.dark += dark
	if side == harness.Client {
		n.watchers.Down()
	}
	return n.ending(func() int64 {
		n.crash(side)
		n.dark -= dark
		if side == harness.Client {
			n.announce(n.watchers.Up())
		}
		for _, f := range gone {
			f.vanished--
		}
		return hits
	})
}

// crash takes the connections of a side away without a word.
func (n *Network) crash(side harness.Side) {
	for _, h := range n.hosts() {
		if side == harness.Server && h == n.server || side == harness.Client && h != n.server {
			for _, e := range h.endpoints() {
				n.push(&event{rank: rankFault, run: func() { e.fail(errStopped) }}, n.at)
			}
		}
	}
	n.rearm()
}
