// Package linuxtcp makes up for where gVisor's TCP differs from Linux's and has no setting.
// It does so on the link: a packet of gVisor leaves, and is heard, with the timing that it
// would have between two hosts with Linux.
//
//   - Acknowledgements are delayed as Linux delays them, up to 40 ms, which gVisor does not;
//     but none at the beginning of a connection, after a repetition, for a hole, and for
//     more than a full segment. See [Flow.Hold] and access.Acks.
//   - SYNs sent again get a timestamp of their own, and a segment that comes again is
//     acknowledged with its new timestamp. See [Flow.Mend].
//   - Time-outs and tail loss probes come when Linux's do. gVisor derives them from the
//     round trips it measures by timestamps; at its arrival a packet gets the timestamp that
//     leads to Linux's. See [Flow.Hear].
//
// A [Flow] is a connection as the link sees it. It is arithmetic, and not safe for
// concurrent use: the link of package packet calls it under its lock.
package linuxtcp

import (
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/packet/segment"
)

// Flow is one connection as the link sees it: what its two ends have sent, and what the
// link makes up for in the TCP of each. Make one with NewFlow. The order of calls for a
// segment of direction d is: Mend, Hold, Offer if it is not held, Hear when it arrives.
type Flow struct {
	access.Flow
	up, down half
}

// NewFlow returns a connection of which no packet has been seen.
func NewFlow(t access.Tuple) *Flow {
	f := &Flow{Flow: access.Flow{Tuple: t}}
	f.up.Half, f.down.Half = &f.Up, &f.Down
	return f
}

func (f *Flow) half(d harness.Direction) *half {
	if d == harness.Up {
		return &f.up
	}
	return &f.down
}

// half is what one end of a flow has sent, and what the link makes up for in its TCP.
type half struct {
	*access.Half
	syn     synStamps
	hears   bool       // it has got a timestamp
	recent  uint32     // the one it would echo, were it Linux
	rtt     access.RTT // what Linux would think of its round trips
	told    told       // what it thinks
	sampled uint32     // the highest acknowledgement it has had, if rtt has begun

	// The delayed acknowledgement of Linux, which gVisor lacks: it acknowledges every
	// wake-up of the receiver at once, which would carry twice the packets on the
	// downlink and falsify the energy figure.
	acks   access.Acks
	acking bool   // it has acknowledged something
	acked  uint32 // the highest acknowledgement offered to the link

	held    *stack.PacketBuffer // an acknowledgement that waits, nil if none
	heldSeg segment.Segment
	due     time.Duration // when held must go
	armed   bool          // Due is going to be called
}

// Hold keeps a segment of direction d back if it is an acknowledgement that its sender
// would delay, were it Linux. It takes over p then. If due is not 0, the caller calls Due
// at that offset.
func (f *Flow) Hold(d harness.Direction, s segment.Segment, p *stack.PacketBuffer, now time.Duration) (held bool, due time.Duration) {
	h := f.half(d)
	if !h.delays(s, f.half(access.Opposite(d))) {
		return false, 0
	}
	h.hold(p, s, now)
	if h.armed {
		return true, 0
	}
	h.armed = true
	return true, h.due
}

// Due takes the acknowledgement that the sender of direction d has held for long enough,
// nil if there is none. If again is not 0, the caller calls Due again at that offset.
func (f *Flow) Due(d harness.Direction, now time.Duration) (s segment.Segment, p *stack.PacketBuffer, again time.Duration) {
	h := f.half(d)
	if h.held != nil && h.due > now {
		return s, nil, h.due
	}
	s, p = h.heldSeg, h.held
	h.armed, h.held = false, nil
	if p != nil {
		h.acks.Late()
	}
	return s, p, 0
}

// Holds reports whether an acknowledgement is held back.
func (f *Flow) Holds() bool { return f.up.held != nil || f.down.held != nil }

// Release drops the acknowledgements that are held back.
func (f *Flow) Release() {
	f.up.release()
	f.down.release()
}

// Offer takes note of a segment about to be offered to the link in direction d. It is
// called before the link observes the segment. An acknowledgement that is held back is
// dropped, since a segment of TCP says as much.
func (f *Flow) Offer(d harness.Direction, s segment.Segment, now time.Duration) {
	h := f.half(d)
	if s.Flags != 0 { // TCP
		h.release()
	}
	h.noteAck(s, f.half(access.Opposite(d)), now)
}

// noteAck takes the acknowledgement of a segment about to be offered to the link. The
// peer is the other half.
func (h *half) noteAck(s segment.Segment, peer *half, now time.Duration) {
	if !s.Flags.Has(access.Ack) {
		return
	}
	switch {
	case !h.acking || access.After(s.Ack, h.acked):
		h.acking, h.acked = true, s.Ack
		if peer.Largest > 0 {
			h.acks.Acked(now)
		}
	case s.PureAck() && s.Seq == h.High: // it has got something twice
		h.acks.Repeated()
	}
	if s.Payload > 0 {
		h.acks.Sent(now)
	}
}

// delays reports whether the host that sends s would, were it Linux, wait with
// it for something to send it along with. The peer is the other half.
func (h *half) delays(s segment.Segment, peer *half) bool {
	const plainHeader = header.TCPMinimumSize + 12 // with timestamps; longer has SACK blocks
	switch {
	case !s.PureAck() || !h.acking || !h.Started:
		return false
	case s.Seq != h.High: // a keepalive or window probe
		return false
	case !access.After(s.Ack, h.acked), h.held != nil && !access.After(s.Ack, h.heldSeg.Ack): // a duplicate or a window update
		return false
	case s.Header > plainHeader: // reports a hole
		return false
	}
	return h.acks.Waits(int64(s.Ack-h.acked), peer.Largest, peer.Fin && s.Ack == peer.High, h.Fin)
}

// hold keeps the acknowledgement p back. It takes over p, and drops the one held
// before, which p makes superfluous.
func (h *half) hold(p *stack.PacketBuffer, s segment.Segment, now time.Duration) {
	if h.held == nil {
		h.due = now + access.AckDelay
	} else {
		h.held.DecRef()
	}
	h.held, h.heldSeg = p, s
}

// release drops the acknowledgement held.
func (h *half) release() {
	if h.held != nil {
		h.held.DecRef()
		h.held = nil
	}
}
