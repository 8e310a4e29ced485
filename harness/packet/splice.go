package packet

import (
	"context"
	"fmt"
	"io"
	"net"

	"github.com/onebar/onebar/harness/relay"
)

// Splice lets programs outside this process use the link of a client. It
// listens on a loopback port of this machine and returns its address; what
// connects there comes out at upstream, a host:port of this machine's real
// network, having crossed: local socket, client host, impaired link, server
// host, real socket. Ends and resets of streams are passed on each way. It
// lasts until the network is closed; ctx is for the setting up alone.
//
// Connecting to the address succeeds at once, and the kernel accepts data
// before it has crossed the link. Where that matters, dial in process.
func (n *Network) Splice(ctx context.Context, client int, upstream string) (addr string, err error) {
	if err := n.spliceable(client); err != nil {
		return "", err
	}
	inner, err := n.hosts.Server.Listen(ctx, "tcp", ":0")
	if err != nil {
		return "", fmt.Errorf("splice client %d: %w", client, err)
	}
	var config net.ListenConfig
	outer, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		inner.Close()
		return "", fmt.Errorf("splice client %d: %w", client, err)
	}
	var real net.Dialer
	target := inner.Addr().String()
	err = n.keep(client, inner, outer, func() (near, far io.Closer) {
		far = relay.Serve(context.Background(), inner, func(ctx context.Context) (net.Conn, error) {
			return real.DialContext(ctx, "tcp", upstream)
		})
		near = relay.Serve(context.Background(), outer, func(ctx context.Context) (net.Conn, error) {
			return n.hosts.Clients[client].DialContext(ctx, "tcp", target)
		})
		return near, far
	})
	if err != nil {
		return "", err
	}
	return outer.Addr().String(), nil
}

// spliceable says why a client cannot have a splice.
func (n *Network) spliceable(client int) error {
	if client < 0 || client >= len(n.hosts.Clients) {
		return fmt.Errorf("splice client %d: there are %d", client, len(n.hosts.Clients))
	}
	return nil
}

// keep has serve join the two sockets of a splice, until the network is closed.
// If it is closed already, so are the sockets.
func (n *Network) keep(client int, inner, outer io.Closer, serve func() (near, far io.Closer)) error {
	n.life.RLock()
	defer n.life.RUnlock()
	if n.closed {
		inner.Close()
		outer.Close()
		return fmt.Errorf("splice client %d: %w", client, errClosed("listen"))
	}
	near, far := serve()
	n.mu.Lock()
	n.splices = append(n.splices, near, far)
	n.mu.Unlock()
	return nil
}
