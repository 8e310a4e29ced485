package sockets

import (
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"github.com/onebar/onebar/harness/access"
)

// card is the network card of a host: a stack.LinkEndpoint without link layer,
// segmentation offload or checksum offload, so that what it sees is what a radio
// would carry.
type card struct {
	// send takes a packet the host sends; it borrows it.
	send  func(*stack.PacketBuffer)
	stack atomic.Pointer[attached]
}

type attached struct{ stack.NetworkDispatcher }

// deliver hands a packet to the host. It takes over p.
func (c *card) deliver(p *stack.PacketBuffer) {
	if to := c.stack.Load(); to != nil {
		to.DeliverNetworkPacket(header.IPv4ProtocolNumber, p)
	}
	p.DecRef()
}

// WritePackets implements stack.LinkWriter.
func (c *card) WritePackets(list stack.PacketBufferList) (int, tcpip.Error) {
	for _, p := range list.AsSlice() {
		c.send(p)
	}
	return list.Len(), nil
}

// Attach implements stack.NetworkLinkEndpoint.
func (c *card) Attach(d stack.NetworkDispatcher) {
	if d == nil {
		c.stack.Store(nil)
		return
	}
	c.stack.Store(&attached{d})
}

// IsAttached implements stack.NetworkLinkEndpoint.
func (c *card) IsAttached() bool { return c.stack.Load() != nil }

// MTU implements stack.NetworkLinkEndpoint.
func (c *card) MTU() uint32 { return access.MTU }

// SetMTU implements stack.NetworkLinkEndpoint; the MTU is fixed.
func (c *card) SetMTU(uint32) {}

// MaxHeaderLength implements stack.NetworkLinkEndpoint.
func (c *card) MaxHeaderLength() uint16 { return 0 }

// LinkAddress implements stack.NetworkLinkEndpoint.
func (c *card) LinkAddress() tcpip.LinkAddress { return "" }

// SetLinkAddress implements stack.NetworkLinkEndpoint.
func (c *card) SetLinkAddress(tcpip.LinkAddress) {}

// Capabilities implements stack.NetworkLinkEndpoint: no offload.
func (c *card) Capabilities() stack.LinkEndpointCapabilities { return stack.CapabilityNone }

// Wait implements stack.NetworkLinkEndpoint.
func (c *card) Wait() {}

// ARPHardwareType implements stack.NetworkLinkEndpoint.
func (c *card) ARPHardwareType() header.ARPHardwareType { return header.ARPHardwareNone }

// AddHeader implements stack.NetworkLinkEndpoint.
func (c *card) AddHeader(*stack.PacketBuffer) {}

// ParseHeader implements stack.NetworkLinkEndpoint.
func (c *card) ParseHeader(*stack.PacketBuffer) bool { return true }

// Close implements stack.NetworkLinkEndpoint.
func (c *card) Close() {}

// SetOnCloseAction implements stack.NetworkLinkEndpoint.
func (c *card) SetOnCloseAction(func()) {}
