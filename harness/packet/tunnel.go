package packet

import (
	"fmt"
	"io"
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/packet/segment"
	"github.com/onebar/onebar/harness/packet/sockets"
)

// tunnel is a machine outside in a client's place: packets that arrive for the
// client go to its device, and those that come out of the device onto the link.
// Its TCP is a kernel's, which needs nothing of what the link makes up for in
// gVisor's.
type tunnel struct {
	device  io.ReadWriteCloser
	reading sync.WaitGroup
}

// Tunnel implements harness.Tunneler. The client cannot dial or listen in this
// process any more. What its machine sends to others than the server is lost. Its
// address stays the same: a rebind to a new address is one of the NAT only.
func (n *Network) Tunnel(client int, device io.ReadWriteCloser) (harness.Tunnel, error) {
	if client < 0 || client >= len(n.hosts.Clients) {
		return harness.Tunnel{}, fmt.Errorf("tunnel of client %d: there are %d", client, len(n.hosts.Clients))
	}
	h := n.hosts.Clients[client]
	at, err := open(h, func(*sockets.Stack) (at harness.Tunnel, err error) {
		t := &tunnel{device: device}
		if before := h.tunnel.Swap(t); before != nil {
			err = before.close()
		}
		if err == nil {
			t.reading.Go(func() { t.read(h.Access()) })
		}
		return harness.Tunnel{Client: h.address(), Server: n.hosts.Server.address(), MTU: access.MTU}, err
	})
	if err != nil {
		return harness.Tunnel{}, fmt.Errorf("tunnel of client %d: %w", client, err)
	}
	return at, nil
}

// read puts what comes out of the device onto the link, until it is closed.
func (t *tunnel) read(b *hostLink) {
	raw := make([]byte, 1<<16)
	for {
		k, err := t.device.Read(raw)
		if err != nil {
			return
		}
		if s, p := segment.FromBytes(raw[:k]); p != nil {
			b.enter(harness.Up, s, p)
		}
	}
}

// deliver hands a packet to the machine outside. It takes over p.
func (t *tunnel) deliver(p *stack.PacketBuffer) {
	// A device that is full or gone has lost it, as a machine without power has.
	_, _ = t.device.Write(segment.Bytes(p))
	p.DecRef()
}

func (t *tunnel) close() error {
	err := t.device.Close()
	t.reading.Wait()
	return err
}
