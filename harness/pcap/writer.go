package pcap

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// Writer writes a capture of raw IP packets with nanoseconds: little-endian pcap
// of link type 101. It does not buffer: hand it a bufio.Writer. It is not safe
// for use by several goroutines.
type Writer struct {
	w   io.Writer
	buf []byte
}

// NewWriter writes the head of a capture to w, which the caller owns.
func NewWriter(w io.Writer) (*Writer, error) {
	head := make([]byte, classicHeadSize)
	binary.LittleEndian.PutUint32(head, 0xa1b23c4d)
	binary.LittleEndian.PutUint16(head[4:], 2)
	binary.LittleEndian.PutUint16(head[6:], 4)
	binary.LittleEndian.PutUint32(head[16:], MaxPacket)
	binary.LittleEndian.PutUint32(head[20:], uint32(Raw))
	if _, err := w.Write(head); err != nil {
		return nil, fmt.Errorf("write capture: %w", err)
	}
	return &Writer{w: w}, nil
}

// Write writes one packet that was seen at t. Packet is the IP packet from its
// header on; it may be cut short, in which case wire is its full length.
func (p *Writer) Write(t time.Time, packet []byte, wire int) error {
	if len(packet) > wire || wire > MaxPacket {
		return fmt.Errorf("write capture: a packet of %d bytes with %d on the wire; at most %d are possible, and no fewer than are written", len(packet), wire, MaxPacket)
	}
	ns := t.UnixNano()
	if ns < 0 || ns/1e9 > 1<<32-1 {
		return fmt.Errorf("write capture: the time %v does not fit the format, which counts seconds from 1970 to 2106", t)
	}
	p.buf = binary.LittleEndian.AppendUint32(p.buf[:0], uint32(ns/1e9))
	p.buf = binary.LittleEndian.AppendUint32(p.buf, uint32(ns%1e9))
	p.buf = binary.LittleEndian.AppendUint32(p.buf, uint32(len(packet)))
	p.buf = binary.LittleEndian.AppendUint32(p.buf, uint32(wire))
	p.buf = append(p.buf, packet...)
	if _, err := p.w.Write(p.buf); err != nil {
		return fmt.Errorf("write capture: %w", err)
	}
	return nil
}
