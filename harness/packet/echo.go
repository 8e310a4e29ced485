package packet

import (
	"encoding/binary"
	"time"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
)

// gVisor measures round trips by the timestamps that come back, and by nothing
// else. Two things about them are mended on the way.
//
// What a host echoes. A segment that comes again because its acknowledgement was
// lost brings a new timestamp. Linux echoes it (net/ipv4/tcp_input.c,
// tcp_replace_ts_recent, called for whatever ends at or after the last
// acknowledgement); gVisor throws the segment away first and echoes the old one,
// so that the time-outs become a part of the round trip, and the next time-outs
// are seconds long. The packet leaves with the echo Linux would send.
//
// What a host hears. Linux probes for a lost tail after min(2·srtt + 200 ms, RTO)
// if one packet is in flight, with RTO = srtt + max(200 ms, 4·var): after 500 ms
// on a steady link of 300 ms. gVisor's probe does not heed the time-out, so it
// goes after 800 ms; and its time-out has no such floor, so that on a link with a
// steady queue it comes down to the round trip itself. So the link keeps Linux's
// estimator for each end of a connection, and tells gVisor, in place of the true
// round trips, those that bring its time-out to Linux's and its probe near. The
// packet on the link, and so in a capture, has the true echo.

// probeMargin is what a probe for one of several packets in flight, sent after
// twice the mean, leaves to a delayed acknowledgement: access.AckDelay and some.
const probeMargin = 60 * time.Millisecond

// mend gives a packet of segment s, about to be offered to the link, the
// timestamps it would have from Linux. It takes over p, the packet in bytes.
func (f *flow) mend(d harness.Direction, s *segment, p buffer.Buffer, now time.Duration) buffer.Buffer {
	opens := s.flags.Contains(header.TCPFlagSyn)
	if !opens && !f.half(d).stale(*s) {
		return p
	}
	raw := p.Flatten()
	p.Release()
	if opens {
		f.restamp(d, *s, raw, now)
	} else {
		setEcho(raw, f.half(d).recent)
	}
	s.readStamps(header.IPv4(raw).Payload())
	return buffer.MakeWithData(raw)
}

func setEcho(raw header.IPv4, echo uint32) {
	if option := timestamps(header.TCP(raw.Payload()).Options()); option != nil {
		binary.BigEndian.PutUint32(option[4:], echo)
		seal(raw)
	}
}

// stale reports whether Linux would echo a later timestamp than s does, which
// h's host sends.
func (h *half) stale(s segment) bool {
	return s.stamped && h.hears && s.flags.Contains(header.TCPFlagAck) && access.After(h.recent, s.echo)
}

// hear notes the timestamp of a segment that arrives at h's host.
func (h *half) hear(s segment) {
	if !s.stamped || !h.acking || access.After(s.seq, h.acked) || access.After(h.acked, s.seq+s.tcp().Length()) {
		return
	}
	if !h.hears || access.After(s.stamp, h.recent) {
		h.hears, h.recent = true, s.stamp
	}
}

// hear is told of a packet that arrives, and returns it as the stack is to see
// it. It takes over fl.pkt.
func (l *hostLink) hear(fl *flight) *stack.PacketBuffer {
	s := fl.seg
	if !s.stamped || fl.report.Corrupt {
		return fl.pkt
	}
	l.mu.Lock()
	h := fl.flow.half(access.Opposite(fl.way.dir))
	h.hear(s)
	echo, ok := h.echoFor(s, l.n.now())
	l.mu.Unlock()
	if !ok {
		return fl.pkt
	}
	payload := fl.pkt.ToBuffer()
	raw := header.IPv4(payload.Flatten())
	payload.Release()
	fl.pkt.DecRef()
	setEcho(raw, echo)
	return stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(raw)})
}

// echoFor takes the round trip that segment s ends, which arrives at h's host now,
// and returns the timestamp that tells the host another one, if it has to.
func (h *half) echoFor(s segment, now time.Duration) (echo uint32, ok bool) {
	if !h.Started || !s.flags.Contains(header.TCPFlagAck) || h.rtt.Mean > 0 && !access.After(s.ack, h.sampled) {
		return 0, false
	}
	packets := 1
	if h.Largest > 0 {
		packets = max(1, (int(h.High-h.sampled)+h.Largest-1)/h.Largest)
	}
	first, clean := h.rtt.Mean == 0, !access.After(h.Repeated, h.sampled)
	h.sampled = s.ack
	since := now - h.syn.at
	sample := since - time.Duration(s.echo-h.syn.first)*time.Millisecond
	if sample < 0 {
		return 0, false
	}
	h.rtt.Sample(sample, s.ack, h.High)
	if first || h.rtt.Mean <= probeMargin {
		h.told.add(sample.Seconds(), packets)
		return 0, false
	}
	tell := h.told.choose(&h.rtt, packets)
	if !clean { // an echo from before a retransmission makes it look needless: RFC 3522
		tell = min(tell, sample.Seconds())
	}
	h.told.add(tell, packets)
	return h.syn.first + uint32((since-time.Duration(tell*float64(time.Second)))/time.Millisecond), true
}
