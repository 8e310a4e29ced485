package packet

import (
	"context"
	"fmt"
	"io"
	"net"

	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/relay"
)

// SplicePacket is Splice for datagrams: what a program sends to the address it
// returns comes out at upstream, and answers come back. Each sender has sockets
// of its own on the way, and so a flow of its own on the link, which are forgotten
// after two minutes without a datagram. That nobody listens at upstream is not
// passed on; datagrams are lost then.
func (n *Network) SplicePacket(ctx context.Context, client int, upstream string) (addr string, err error) {
	if err := n.spliceable(client); err != nil {
		return "", err
	}
	inner, err := n.hosts.Server.ListenPacket(ctx, "udp", ":0")
	if err != nil {
		return "", fmt.Errorf("splice client %d: %w", client, err)
	}
	var config net.ListenConfig
	outer, err := config.ListenPacket(ctx, "udp", "127.0.0.1:0")
	if err != nil {
		inner.Close()
		return "", fmt.Errorf("splice client %d: %w", client, err)
	}
	var real net.Dialer
	target := inner.LocalAddr().String()
	err = n.keep(client, inner, outer, func() (near, far io.Closer) {
		far = relay.ServePackets(inner, access.DatagramLife, func() (net.Conn, error) {
			return real.DialContext(n.alive, "udp", upstream)
		})
		near = relay.ServePackets(outer, access.DatagramLife, func() (net.Conn, error) {
			return n.hosts.Clients[client].DialContext(n.alive, "udp", target)
		})
		return near, far
	})
	if err != nil {
		return "", err
	}
	return outer.LocalAddr().String(), nil
}
