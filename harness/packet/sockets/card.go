package sockets

import (
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"github.com/onebar/onebar/harness/access"
)

// card is the network card of a host: that of gVisor's loopback, which has no link layer,
// but without its checksum offload, so that what it sees is what a radio would carry.
type card struct {
	stack.LinkEndpoint                             // the loopback, for what is not overridden below
	send               func(p *stack.PacketBuffer) // takes a packet the host sends; it borrows it
	stack              atomic.Pointer[attached]
}

type attached struct{ stack.NetworkDispatcher }

// deliver hands a packet to the host. It takes over p.
func (c *card) deliver(p *stack.PacketBuffer) {
	if to := c.stack.Load(); to != nil {
		to.DeliverNetworkPacket(header.IPv4ProtocolNumber, p)
	}
	p.DecRef()
}

func (c *card) WritePackets(list stack.PacketBufferList) (int, tcpip.Error) {
	for _, p := range list.AsSlice() {
		c.send(p)
	}
	return list.Len(), nil
}

func (c *card) Attach(d stack.NetworkDispatcher) {
	if d == nil {
		c.stack.Store(nil)
		return
	}
	c.stack.Store(&attached{d})
}

func (c *card) IsAttached() bool { return c.stack.Load() != nil }

func (c *card) MTU() uint32 { return access.MTU }

// Capabilities implements stack.NetworkLinkEndpoint: no offload.
func (c *card) Capabilities() stack.LinkEndpointCapabilities { return stack.CapabilityNone }
