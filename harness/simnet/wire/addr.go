package wire

import (
	"net"
	"net/netip"
	"strings"

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

// Net returns a as package net has it in a network: a *net.UDPAddr in "udp" and "udp4", else a
// *net.TCPAddr.
func (a Addr) Net(network string) net.Addr {
	if strings.HasPrefix(network, "udp") {
		return &net.UDPAddr{IP: a.IP[:], Port: int(a.Port)}
	}
	return &net.TCPAddr{IP: a.IP[:], Port: int(a.Port)}
}

// String is the address, a colon and the port.
func (a Addr) String() string { return netip.AddrPortFrom(netip.AddrFrom4(a.IP), a.Port).String() }
