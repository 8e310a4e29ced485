package simnet

import (
	"net"
	"net/netip"
	"time"

	"github.com/onebar/onebar/harness/access"
)

// addr is an IPv4 address and a port.
type addr struct {
	ip   [4]byte
	port uint16
}

// addrOf is what an address that was read, or was none, is here.
func addrOf(a netip.AddrPort, err error) (addr, error) {
	if err != nil {
		return addr{}, err
	}
	return addr{a.Addr().As4(), a.Port()}, nil
}

func (a addr) tcp() *net.TCPAddr {
	return &net.TCPAddr{IP: net.IPv4(a.ip[0], a.ip[1], a.ip[2], a.ip[3]).To4(), Port: int(a.port)}
}

func (a addr) udp() *net.UDPAddr { return (*net.UDPAddr)(a.tcp()) }

func (a addr) String() string { return netip.AddrPortFrom(netip.AddrFrom4(a.ip), a.port).String() }

// The sizes of headers in bytes, as Linux and gVisor send them with timestamps.
const (
	ipHeader   = 20
	udpHeader  = 8
	icmpHeader = 8
	tcpHeader  = 20
	stampSize  = 12 // the timestamps option, padded
	synOptions = 20 // MSS, SACK permitted, timestamps, window scale
	sackHead   = 4  // the SACK option without its blocks, padded
	sackBlock  = 8
	mostSACK   = 3 // blocks beside timestamps, RFC 2018
	maxSegment = access.MTU - ipHeader - tcpHeader - stampSize
)

type flags = access.Flags

const (
	syn = access.Syn
	ack = access.Ack
	fin = access.Fin
	rst = access.Rst
)

// span is the sequence numbers from begin to before end.
type span struct{ begin, end int64 }

// segment is a TCP segment. Sequence numbers count from 0, the SYN's, and do not
// wrap.
type segment struct {
	from, to addr
	flags    flags
	seq, ack int64
	window   int64 // bytes
	stamp    time.Duration
	echo     time.Duration
	sack     [mostSACK]span
	sacks    int
	data     []byte // not to be changed
}

// size is how many bytes of IP the segment takes.
func (s *segment) size() int {
	switch {
	case s.flags.Has(rst):
		return ipHeader + tcpHeader
	case s.flags.Has(syn):
		return ipHeader + tcpHeader + synOptions
	}
	n := ipHeader + tcpHeader + stampSize + len(s.data)
	if s.sacks > 0 {
		n += sackHead + s.sacks*sackBlock
	}
	return n
}

// end is the sequence number after the segment.
func (s *segment) end() int64 {
	n := s.seq + int64(len(s.data))
	if s.flags.Has(syn) {
		n++
	}
	if s.flags.Has(fin) {
		n++
	}
	return n
}

// opens reports whether the segment asks for a connection.
func (s *segment) opens() bool { return s.flags.Has(syn) && !s.flags.Has(ack) }
