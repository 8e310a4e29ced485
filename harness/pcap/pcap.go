// Package pcap reads and writes packet captures: the classic pcap format, with
// microseconds or nanoseconds and in either byte order, and pcapng.
//
// A [Reader] yields packets one by one in constant memory, with the offset of
// each in the file, so that a mistake can be found with a hex editor.
// [Packet.Decode] finds the IP packet in it for the link types a phone or a
// router captures: Ethernet, raw IP, Linux cooked (versions 1 and 2), BSD
// loopback. A [Writer] writes nanosecond pcap with raw IP packets, which tshark
// and Wireshark read.
//
// It imports the standard library only. The formats are those of
// draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng; the link types are in
// draft-ietf-opsawg-pcaplinktype.
package pcap

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// MaxPacket bounds the bytes captured of one packet: tcpdump's own limit. A file
// that claims more is damaged.
const MaxPacket = 262144

// bufferSize holds a packet of MaxPacket with the header of its block.
const bufferSize = MaxPacket + 4096

// Packet is one captured packet.
type Packet struct {
	Time     time.Duration // since the Unix epoch
	Timed    bool          // false for a pcapng simple packet block, which has no time
	LinkType LinkType
	Wire     int    // bytes on the wire, with the link header; Data may be less
	Data     []byte // what was captured; valid until the next call of Next
	Offset   int64  // of its record or block in the file
}

// Error says what is wrong with a capture, and where.
type Error struct {
	Offset int64 // bytes from the start of the file
	Text   string
}

// Error returns "byte N: text".
func (e *Error) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.Text) }

// Reader reads the packets of one capture.
type Reader struct {
	in     *bufio.Reader
	offset int64 // of the next byte of in
	order  binary.ByteOrder
	ng     bool

	// Classic pcap.
	link LinkType
	unit time.Duration // of the fraction of a second

	// Pcapng.
	interfaces []iface
}

// NewReader reads the head of a capture. The caller owns r. An error that is
// not one of r is an *[Error].
func NewReader(r io.Reader) (*Reader, error) {
	p := &Reader{in: bufio.NewReaderSize(r, bufferSize)}
	head, err := p.peek(4)
	if err != nil {
		return nil, p.wrap(err, "the file is empty or too short for a capture")
	}
	switch binary.LittleEndian.Uint32(head) {
	case 0xa1b2c3d4:
		p.order, p.unit = binary.LittleEndian, time.Microsecond
	case 0xd4c3b2a1:
		p.order, p.unit = binary.BigEndian, time.Microsecond
	case 0xa1b23c4d:
		p.order, p.unit = binary.LittleEndian, time.Nanosecond
	case 0x4d3cb2a1:
		p.order, p.unit = binary.BigEndian, time.Nanosecond
	case sectionHeader:
		p.ng = true
		return p, nil
	default:
		return nil, p.errorf("begins with %x: neither pcap nor pcapng", head)
	}
	return p, p.classicHead()
}

// Next returns the next packet, and io.EOF after the last. An error that is not
// one of the underlying reader is an *[Error].
func (p *Reader) Next() (Packet, error) {
	if p.ng {
		return p.nextNG()
	}
	return p.nextClassic()
}

const (
	classicHeadSize = 24
	recordHeadSize  = 16
)

func (p *Reader) classicHead() error {
	head, err := p.peek(classicHeadSize)
	if err != nil {
		return p.wrap(err, "the file ends inside its header")
	}
	if major := p.order.Uint16(head[4:]); major != 2 {
		return p.errorf("pcap version %d; only version 2 is known", major)
	}
	// The upper bits tell the length of a frame check sequence.
	p.link = LinkType(p.order.Uint32(head[20:]) & 0xffff)
	if !p.link.known() {
		return p.errorf("%s", p.link.complaint())
	}
	p.skip(classicHeadSize)
	return nil
}

func (p *Reader) nextClassic() (Packet, error) {
	head, err := p.peek(recordHeadSize)
	if errors.Is(err, io.EOF) && len(head) == 0 {
		return Packet{}, io.EOF
	}
	if err != nil {
		return Packet{}, p.wrap(err, "the file ends inside the header of a packet: the capture was cut")
	}
	seconds, fraction := p.order.Uint32(head), p.order.Uint32(head[4:])
	captured, wire := p.order.Uint32(head[8:]), p.order.Uint32(head[12:])
	if err := p.plausible(captured, wire); err != nil {
		return Packet{}, err
	}
	if time.Duration(fraction)*p.unit >= time.Second {
		return Packet{}, p.errorf("a packet has the time %d s and %d fractions of a second, a whole second or more: the file is damaged", seconds, fraction)
	}
	record, err := p.peek(recordHeadSize + int(captured))
	if err != nil {
		return Packet{}, p.wrap(err, fmt.Sprintf("the file ends inside a packet of %d bytes: the capture was cut", captured))
	}
	pk := Packet{
		Time: time.Duration(seconds)*time.Second + time.Duration(fraction)*p.unit, Timed: true,
		LinkType: p.link, Wire: int(wire), Data: record[recordHeadSize:], Offset: p.offset,
	}
	p.skip(len(record))
	return pk, nil
}

func (p *Reader) plausible(captured, wire uint32) error {
	if captured > MaxPacket {
		return p.errorf("a packet with %d bytes captured; at most %d are possible: the file is damaged", captured, MaxPacket)
	}
	if wire > 1<<24 {
		return p.errorf("a packet of %d bytes on the wire: the file is damaged", wire)
	}
	if captured > wire {
		return p.errorf("a packet with %d bytes captured of %d on the wire: the file is damaged", captured, wire)
	}
	return nil
}

// peek returns the next n bytes, which stay valid until the next read. At the
// end of the file it returns what is left with io.EOF.
func (p *Reader) peek(n int) ([]byte, error) { return p.in.Peek(n) }

// skip moves past bytes that were peeked.
func (p *Reader) skip(n int) {
	m, _ := p.in.Discard(n) // cannot fail within what was peeked
	p.offset += int64(m)
}

// discard moves past bytes that need not be in the buffer.
func (p *Reader) discard(n int) error {
	m, err := p.in.Discard(n)
	p.offset += int64(m)
	return err
}

func (p *Reader) errorf(format string, args ...any) error {
	return &Error{p.offset, fmt.Sprintf(format, args...)}
}

// wrap turns the end of the file into an Error with a text.
func (p *Reader) wrap(err error, text string) error {
	if errors.Is(err, io.EOF) {
		return &Error{p.offset, text}
	}
	return fmt.Errorf("byte %d: %w", p.offset, err)
}
