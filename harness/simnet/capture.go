package simnet

import (
	"math/rand/v2"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/simnet/wire"
)

// capture shows a packet that is being offered to whoever records them. Packets get bytes
// only then.
func (l *hostLink) capture(d harness.Direction, f *flow, fl *flight) {
	if l.n.capture != nil && l.Group.Name == "" {
		l.n.capture.Capture(l.n.loop.At(), l.Near.Client, d, l.n.encode(d, f, fl))
	}
}

func (n *Network) encode(d harness.Direction, f *flow, fl *flight) []byte {
	m, p := fl.message, wire.Packet{From: fl.from, To: fl.to}
	switch {
	case m == nil:
		p.ID = uint16(f.Half(d).Ordinal)
		return p.TCP(&fl.seg, n.firstSequence(d, f), n.firstSequence(access.Opposite(d), f))
	case m.kind == unreachable:
		return p.PortUnreachable(m.quote)
	case m.kind == tooBig:
		return p.FragmentationNeeded(m.mtu, m.quote)
	case m.missing == nil:
		return p.UDP(m.data)
	}
	p.ID = m.id
	return p.Fragment(m.data, fl.offset)
}

// firstSequence is the sequence number of the SYN that goes in direction d.
func (n *Network) firstSequence(d harness.Direction, f *flow) uint32 {
	return rand.New(rand.NewPCG(n.seed^uint64(harness.StreamEngine), uint64(f.link.ID(d).Client)<<32+f.ID<<2+uint64(d))).Uint32()
}
