package linuxtcp

import (
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/packet/segment"
)

// gVisor measures round trips by the timestamps that come back, and by nothing
// else. Three things about them are mended on the way.
//
// What a SYN says. gVisor sends a SYN again with the timestamp of the first one, so that the
// echo makes the time-outs a part of the first round-trip sample: after two lost SYNs on a
// 300 ms link, the first loss of data then costs 7 s. Linux stamps each SYN anew, and pays
// 0.5 s. The link stamps them as Linux does.
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

// synStamps remembers the timestamps of one side's SYNs.
type synStamps struct {
	at          time.Duration // of the first
	first, last uint32        // TSval
}

// Mend gives a segment of direction d, which its host sends, the timestamps it would have
// from Linux, and reports whether they are others than before.
func (f *Flow) Mend(d harness.Direction, s *segment.Segment, now time.Duration) (changed bool) {
	if !s.Stamped {
		return false
	}
	mine := f.half(d)
	switch opens := s.Flags.Has(access.Syn); {
	case opens && !mine.Started:
		mine.syn = synStamps{now, s.Stamp, s.Stamp}
	case opens:
		mine.syn.last = mine.syn.first + uint32((now-mine.syn.at)/time.Millisecond)
		s.Stamp = mine.syn.last
		if s.Flags.Has(access.Ack) {
			s.Echo = f.half(access.Opposite(d)).syn.last
		}
		return true
	case mine.stale(*s):
		s.Echo = mine.recent
		return true
	}
	return false
}

// stale reports whether Linux would echo a later timestamp than s does, which
// h's host sends.
func (h *half) stale(s segment.Segment) bool {
	return s.Stamped && h.hears && s.Flags.Has(access.Ack) && access.After(h.recent, s.Echo)
}

// Hear takes note of a segment of direction d that arrives intact now. If ok, the host must
// get it with another echo.
func (f *Flow) Hear(d harness.Direction, s segment.Segment, now time.Duration) (echo uint32, ok bool) {
	h := f.half(access.Opposite(d))
	h.hear(s)
	return h.echoFor(s, now)
}

// hear notes the timestamp of a segment that arrives at h's host.
func (h *half) hear(s segment.Segment) {
	if !s.Stamped || !h.acking || access.After(s.Seq, h.acked) || access.After(h.acked, s.Seq+s.Length()) {
		return
	}
	if !h.hears || access.After(s.Stamp, h.recent) {
		h.hears, h.recent = true, s.Stamp
	}
}

// echoFor takes the round trip that segment s ends, which arrives at h's host now,
// and returns the timestamp that tells the host another one, if it has to.
func (h *half) echoFor(s segment.Segment, now time.Duration) (echo uint32, ok bool) {
	if !h.Started || !s.Flags.Has(access.Ack) || h.rtt.Mean > 0 && !access.After(s.Ack, h.sampled) {
		return 0, false
	}
	packets := 1
	if h.Largest > 0 {
		packets = max(1, (int(h.High-h.sampled)+h.Largest-1)/h.Largest)
	}
	first, clean := h.rtt.Mean == 0, !access.After(h.Repeated, h.sampled)
	h.sampled = s.Ack
	since := now - h.syn.at
	sample := since - time.Duration(s.Echo-h.syn.first)*time.Millisecond
	if sample < 0 {
		return 0, false
	}
	h.rtt.Sample(sample, s.Ack, h.High)
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
