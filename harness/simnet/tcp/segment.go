package tcp

import (
	"time"

	"github.com/onebar/onebar/harness/access"
)

// The sizes of headers in bytes, as Linux and gVisor send them with timestamps.
const (
	Header     = 20 // without options
	stampSize  = 12 // the timestamps option, padded
	synOptions = 20 // MSS, SACK permitted, timestamps, window scale
	sackHead   = 4  // the SACK option without its blocks, padded
	sackBlock  = 8
	mostSACK   = 3 // blocks beside timestamps, RFC 2018
)

const (
	// OfferedMSS is the MSS option of a SYN, bytes: RFC 9293 section 3.7.1.
	OfferedMSS = access.MTU - access.IPHeader - Header
	// MaxSegment is the most bytes of data in a segment: the timestamps take their share of
	// OfferedMSS.
	MaxSegment = OfferedMSS - stampSize
	// leastSegment is the smallest that ICMP can make MaxSegment, RFC 9293 section 3.7.1.
	leastSegment = 536
)

const (
	syn = access.Syn
	ack = access.Ack
	fin = access.Fin
	rst = access.Rst
)

// Span is the sequence numbers from Begin to before End.
type Span struct{ Begin, End int64 }

// Segment is a TCP segment. Sequence numbers count from 0, the SYN's, and do not
// wrap.
type Segment struct {
	Flags    access.Flags
	Seq, Ack int64
	Window   int64          // bytes
	Stamp    time.Duration  // the sender's timestamp: when it was sent
	Echo     time.Duration  // the peer's timestamp, of a segment with Ack
	SACK     [mostSACK]Span // the first SACKs of them are in use
	SACKs    int
	Data     []byte // not to be changed
}

// Size is how many bytes the segment has with its header.
func (s *Segment) Size() int {
	switch {
	case s.Flags.Has(rst):
		return Header
	case s.Flags.Has(syn):
		return Header + synOptions
	}
	n := Header + stampSize + len(s.Data)
	if s.SACKs > 0 {
		n += sackHead + s.SACKs*sackBlock
	}
	return n
}

// Link is what a link reads in the segment.
func (s *Segment) Link() access.Segment {
	return access.Segment{Flags: s.Flags, Seq: uint32(s.Seq), Ack: uint32(s.Ack), Payload: len(s.Data)}
}

// End is the sequence number after the segment.
func (s *Segment) End() int64 { return s.Seq + int64(s.Link().Length()) }

// Opens reports whether the segment asks for a connection.
func (s *Segment) Opens() bool { return s.Link().Opens() }

// Refusal is the reset that answers a segment of no connection.
func (s *Segment) Refusal() Segment {
	return Segment{Flags: rst | ack, Seq: s.Ack, Ack: s.End()}
}
