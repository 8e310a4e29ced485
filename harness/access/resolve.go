package access

import (
	"net"
	"net/netip"
	"os"
	"syscall"
)

// Resolve reads the address of a host of the network and a port, in numbers. An empty host
// is the one with the address own. Protocol is "tcp" or "udp", network that or with a 4
// behind it. Errors are those of package net, for a net.OpError.
func (n *Network[H, L]) Resolve(own Addr, protocol, network, address string) (netip.AddrPort, error) {
	if network != protocol && network != protocol+"4" {
		return netip.AddrPort{}, net.UnknownNetworkError(network)
	}
	if len(address) > 0 && address[0] == ':' {
		address = netip.AddrFrom4(own).String() + address
	}
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return a, &net.AddrError{Err: "want the address of a listener of this network, in numbers", Addr: address}
	}
	var nobody H
	if !a.Addr().Is4() || n.HostAt(a.Addr().As4()) == nobody {
		return a, os.NewSyscallError("connect", syscall.EHOSTUNREACH)
	}
	return a, nil
}

// Local is Resolve for a socket of the host with the address own: another address is an
// error.
func (n *Network[H, L]) Local(own Addr, protocol, network, address string) (netip.AddrPort, error) {
	a, err := n.Resolve(own, protocol, network, address)
	if err == nil && a.Addr().As4() != own {
		err = os.NewSyscallError("bind", syscall.EADDRNOTAVAIL)
	}
	return a, err
}
