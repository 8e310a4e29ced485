package wire

import (
	"net"
	"net/netip"

	"github.com/onebar/onebar/harness/access"
)

// Addr is an IPv4 address and a port. Maps hash it faster than a netip.AddrPort.
type Addr struct {
	IP   access.Addr
	Port uint16
}

// From returns an IPv4 address as an Addr, and any other address as the zero Addr.
func From(a netip.AddrPort) Addr {
	if !a.Addr().Is4() {
		return Addr{}
	}
	return Addr{a.Addr().As4(), a.Port()}
}

// TCP returns a as package net has it.
func (a Addr) TCP() *net.TCPAddr { return &net.TCPAddr{IP: a.IP[:], Port: int(a.Port)} }

// UDP returns a as package net has it.
func (a Addr) UDP() *net.UDPAddr { return (*net.UDPAddr)(a.TCP()) }

// String is the address, a colon and the port.
func (a Addr) String() string { return netip.AddrPortFrom(netip.AddrFrom4(a.IP), a.Port).String() }
