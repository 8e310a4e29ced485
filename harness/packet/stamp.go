package packet

import (
	"encoding/binary"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
)

// gVisor sends a SYN again with the timestamp of the first one, so that the echo
// makes the time-outs a part of the first round-trip sample: after two lost SYNs
// on a 300 ms link, the first loss of data then costs 7 s. Linux stamps each SYN
// anew, and pays 0.5 s. The link stamps them as Linux does.

// synStamps remembers the timestamps of one side's SYNs.
type synStamps struct {
	at          time.Duration // of the first
	first, last uint32        // TSval
}

// restamp gives a SYN or SYN-ACK of direction d the timestamps it would have
// from Linux. It changes the bytes of raw, an IP packet.
func (f *flow) restamp(d harness.Direction, s segment, raw header.IPv4, now time.Duration) {
	option := timestamps(header.TCP(raw.Payload()).Options())
	if option == nil {
		return
	}
	mine := f.half(d)
	if !mine.Started {
		first := binary.BigEndian.Uint32(option)
		mine.syn = synStamps{now, first, first}
		return
	}
	mine.syn.last = mine.syn.first + uint32((now-mine.syn.at)/time.Millisecond)
	binary.BigEndian.PutUint32(option, mine.syn.last)
	if s.flags.Contains(header.TCPFlagAck) {
		binary.BigEndian.PutUint32(option[4:], f.half(access.Opposite(d)).syn.last)
	}
	seal(raw)
}

// timestamps returns the eight bytes of the timestamps option among the options
// of a TCP header, TSval and TSecr of RFC 7323, or nil.
func timestamps(o []byte) []byte {
	for len(o) > 0 && o[0] != header.TCPOptionEOL {
		switch {
		case o[0] == header.TCPOptionNOP:
			o = o[1:]
		case len(o) < 2 || o[1] < 2 || int(o[1]) > len(o):
			return nil
		case o[0] == header.TCPOptionTS && o[1] == header.TCPOptionTSLength:
			return o[2:header.TCPOptionTSLength]
		default:
			o = o[o[1]:]
		}
	}
	return nil
}

// readStamps takes the timestamps from a TCP header.
func (s *segment) readStamps(t header.TCP) {
	if o := timestamps(t.Options()); o != nil {
		s.stamped, s.stamp, s.echo = true, binary.BigEndian.Uint32(o), binary.BigEndian.Uint32(o[4:])
	}
}

// seal sets the TCP checksum of a packet.
func seal(ip header.IPv4) {
	t := header.TCP(ip.Payload())
	t.SetChecksum(0)
	sum := header.PseudoHeaderChecksum(header.TCPProtocolNumber, ip.SourceAddress(), ip.DestinationAddress(), uint16(len(t)))
	sum = checksum.Checksum(t.Payload(), sum)
	t.SetChecksum(^t.CalculateChecksum(sum))
}
