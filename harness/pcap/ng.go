package pcap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"time"
)

// Block types of pcapng. Others are passed over.
const (
	sectionHeader    = 0x0a0d0d0a
	interfaceBlock   = 1
	simplePacket     = 3
	enhancedPacket   = 6
	byteOrderMagic   = 0x1a2b3c4d
	maxBlock         = 1 << 26 // bytes of a block we pass over
	maxInterfaces    = 1 << 12
	blockOverhead    = 12 // type, length, length again
	enhancedHeadSize = 28 // up to the data
	simpleHeadSize   = 12
)

// iface is a capture interface of the present section.
type iface struct {
	link   LinkType
	snap   uint32
	perSec uint64 // ticks of a second
	offset int64  // seconds to be added
}

// nextNG skips blocks until it finds a packet.
func (p *Reader) nextNG() (Packet, error) {
	for {
		head, err := p.peek(8)
		if errors.Is(err, io.EOF) && len(head) == 0 {
			return Packet{}, io.EOF
		}
		if err != nil {
			return Packet{}, p.wrap(err, "the file ends inside the header of a block: the capture was cut")
		}
		if binary.LittleEndian.Uint32(head) == sectionHeader {
			if err := p.section(); err != nil {
				return Packet{}, err
			}
			continue
		}
		kind, length := p.order.Uint32(head), p.order.Uint32(head[4:])
		if length < blockOverhead || length%4 != 0 || length > maxBlock {
			return Packet{}, p.errorf("a block of type %d that is %d bytes long: the file is damaged", kind, length)
		}
		switch kind {
		case interfaceBlock:
			err = p.describeInterface(int(length))
		case enhancedPacket:
			return p.enhanced(int(length))
		case simplePacket:
			return p.simple(int(length))
		default:
			err = p.endBlock(int(length))
		}
		if err != nil {
			return Packet{}, err
		}
	}
}

// section reads a section header block: a new byte order and no interfaces.
func (p *Reader) section() error {
	head, err := p.peek(16)
	if err != nil {
		return p.wrap(err, "the file ends inside a section header: the capture was cut")
	}
	switch uint32(byteOrderMagic) {
	case binary.LittleEndian.Uint32(head[8:]):
		p.order = binary.LittleEndian
	case binary.BigEndian.Uint32(head[8:]):
		p.order = binary.BigEndian
	default:
		return p.errorf("a section header with the byte order mark %x: the file is damaged", head[8:12])
	}
	if major := p.order.Uint16(head[12:]); major != 1 {
		return p.errorf("pcapng version %d; only version 1 is known", major)
	}
	length := p.order.Uint32(head[4:])
	if length < 28 || length%4 != 0 || length > maxBlock {
		return p.errorf("a section header that is %d bytes long: the file is damaged", length)
	}
	p.interfaces = p.interfaces[:0]
	return p.endBlock(int(length))
}

// endBlock skips the rest of a block that is length bytes long and whose first byte is
// next. It checks that the block ends with its length.
func (p *Reader) endBlock(length int) error {
	start := p.offset
	if err := p.discard(length - 4); err != nil {
		return p.wrap(err, fmt.Sprintf("the file ends inside a block of %d bytes that began at byte %d: the capture was cut", length, start))
	}
	tail, err := p.peek(4)
	if err != nil {
		return p.wrap(err, fmt.Sprintf("the file ends inside a block of %d bytes that began at byte %d: the capture was cut", length, start))
	}
	if again := p.order.Uint32(tail); int(again) != length {
		return p.errorf("a block of %d bytes ends with the length %d: the file is damaged", length, again)
	}
	p.skip(4)
	return nil
}

func (p *Reader) describeInterface(length int) error {
	if length < 20 || length > bufferSize {
		return p.errorf("an interface description that is %d bytes long: the file is damaged", length)
	}
	b, err := p.peek(length)
	if err != nil {
		return p.wrap(err, "the file ends inside an interface description: the capture was cut")
	}
	if len(p.interfaces) == maxInterfaces {
		return p.errorf("more than %d interfaces: the file is damaged", maxInterfaces)
	}
	i := iface{link: LinkType(p.order.Uint16(b[8:])), snap: p.order.Uint32(b[12:]), perSec: 1e6}
	for options := b[16 : length-4]; len(options) >= 4; {
		code, size := p.order.Uint16(options), int(p.order.Uint16(options[2:]))
		padded := 4 + (size+3)/4*4
		if code == 0 {
			break
		}
		if padded > len(options) {
			return p.errorf("an option of %d bytes does not fit its interface description: the file is damaged", size)
		}
		if err := p.option(&i, code, options[4:4+size]); err != nil {
			return err
		}
		options = options[padded:]
	}
	p.interfaces = append(p.interfaces, i)
	return p.endBlock(length)
}

func (p *Reader) option(i *iface, code uint16, v []byte) error {
	const resolution, timeOffset = 9, 14
	switch {
	case code == resolution && len(v) == 1 && v[0]&0x80 != 0:
		if v[0]&0x7f > 63 {
			return p.errorf("a time resolution of 2^-%d s; at most 2^-63 is known", v[0]&0x7f)
		}
		i.perSec = 1 << (v[0] & 0x7f)
	case code == resolution && len(v) == 1:
		if v[0] > 18 {
			return p.errorf("a time resolution of 10^-%d s; at most 10^-18 is known", v[0])
		}
		i.perSec = uint64(math.Pow10(int(v[0])))
	case code == timeOffset && len(v) == 8:
		i.offset = int64(p.order.Uint64(v))
	}
	return nil
}

// at turns the ticks of an interface into the time since the epoch.
func (i iface) at(ticks uint64) (time.Duration, bool) {
	seconds := int64(ticks / i.perSec)
	hi, lo := bits.Mul64(ticks%i.perSec, uint64(time.Second))
	fraction, _ := bits.Div64(hi, lo, i.perSec)
	const most = int64(math.MaxInt64/time.Second) - 1
	if ticks/i.perSec > uint64(most) || i.offset > most || i.offset < -most {
		return 0, false
	}
	if seconds += i.offset; seconds > most || seconds < 0 {
		return 0, false
	}
	return time.Duration(seconds)*time.Second + time.Duration(fraction), true
}

// interfaceOf returns the interface of a packet, if it can be read.
func (p *Reader) interfaceOf(id uint32) (iface, error) {
	if int64(id) >= int64(len(p.interfaces)) {
		return iface{}, p.errorf("a packet of interface %d; %d were described before it: the file is damaged", id, len(p.interfaces))
	}
	i := p.interfaces[id]
	if !i.link.known() {
		return iface{}, p.errorf("%s", i.link.complaint())
	}
	return i, nil
}

func (p *Reader) enhanced(length int) (Packet, error) {
	head, err := p.peek(enhancedHeadSize)
	if err != nil {
		return Packet{}, p.wrap(err, "the file ends inside the header of a packet: the capture was cut")
	}
	i, err := p.interfaceOf(p.order.Uint32(head[8:]))
	if err != nil {
		return Packet{}, err
	}
	ticks := uint64(p.order.Uint32(head[12:]))<<32 | uint64(p.order.Uint32(head[16:]))
	captured, wire := p.order.Uint32(head[20:]), p.order.Uint32(head[24:])
	at, ok := i.at(ticks)
	if !ok {
		return Packet{}, p.errorf("a packet with a time of %d ticks, which is not after 1970 and before 2262: the file is damaged", ticks)
	}
	pk := Packet{Time: at, Timed: true, LinkType: i.link, Wire: int(wire)}
	return p.data(pk, length, enhancedHeadSize, captured, wire)
}

// simple reads a simple packet block, which belongs to the first interface.
func (p *Reader) simple(length int) (Packet, error) {
	head, err := p.peek(simpleHeadSize)
	if err != nil {
		return Packet{}, p.wrap(err, "the file ends inside the header of a packet: the capture was cut")
	}
	i, err := p.interfaceOf(0)
	if err != nil {
		return Packet{}, err
	}
	wire := p.order.Uint32(head[8:])
	captured := wire
	if i.snap > 0 {
		captured = min(captured, i.snap)
	}
	return p.data(Packet{LinkType: i.link, Wire: int(wire)}, length, simpleHeadSize, captured, wire)
}

// data returns the bytes of a packet in its block and skips the block. The bytes stay
// valid until the next packet is read: until then the buffer is not filled again.
func (p *Reader) data(pk Packet, length, head int, captured, wire uint32) (Packet, error) {
	if err := p.plausible(captured, wire); err != nil {
		return Packet{}, err
	}
	if head+int(captured)+4 > length {
		return Packet{}, p.errorf("a packet with %d bytes captured in a block of %d: the file is damaged", captured, length)
	}
	if length > bufferSize {
		return Packet{}, p.errorf("a packet block of %d bytes; at most %d are possible: the file is damaged", length, bufferSize)
	}
	block, err := p.peek(length)
	if err != nil {
		return Packet{}, p.wrap(err, fmt.Sprintf("the file ends inside a block of %d bytes: the capture was cut", length))
	}
	pk.Data, pk.Offset = block[head:head+int(captured)], p.offset
	return pk, p.endBlock(length)
}
