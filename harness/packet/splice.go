package packet

import (
	"context"
	"fmt"
	"io"
	"net"

	"github.com/onebar/onebar/harness/access"
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
	return splice(ctx, n, client, upstream, spliced[net.Listener]{
		network: "tcp", listen: opener.Listen, addr: net.Listener.Addr,
		serve: func(l net.Listener, dial relay.DialFunc) io.Closer {
			return relay.Serve(context.Background(), l, dial)
		},
	})
}

// SplicePacket is Splice for datagrams: what a program sends to the address it
// returns comes out at upstream, and answers come back. Each sender has sockets
// of its own on the way, and so a flow of its own on the link, which are forgotten
// after two minutes without a datagram. That nobody listens at upstream is not
// passed on; datagrams are lost then.
func (n *Network) SplicePacket(ctx context.Context, client int, upstream string) (addr string, err error) {
	return splice(ctx, n, client, upstream, spliced[net.PacketConn]{
		network: "udp", listen: opener.ListenPacket, addr: net.PacketConn.LocalAddr,
		serve: func(c net.PacketConn, dial relay.DialFunc) io.Closer {
			return relay.ServePackets(n.alive, c, access.DatagramLife, dial)
		},
	})
}

// spliced is how streams or datagrams are spliced. S is what they come to.
type spliced[S io.Closer] struct {
	network string // "tcp" or "udp"
	listen  func(at opener, ctx context.Context, network, address string) (S, error)
	addr    func(S) net.Addr
	serve   func(S, relay.DialFunc) io.Closer // has what comes to S go on to what is dialed, until it is closed
}

// opener is a host of the network, and this machine (net.ListenConfig).
type opener interface {
	Listen(ctx context.Context, network, address string) (net.Listener, error)
	ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error)
}

// splice joins a new socket of this machine to one of the server by the link of a client,
// and that to upstream, until the network is closed. It returns the address of the first.
func splice[S io.Closer](ctx context.Context, n *Network, client int, upstream string, w spliced[S]) (addr string, err error) {
	fail := func(err error) (string, error) { return "", fmt.Errorf("splice client %d: %w", client, err) }
	if client < 0 || client >= len(n.hosts.Clients) {
		return fail(fmt.Errorf("there are %d", len(n.hosts.Clients)))
	}
	inner, err := w.listen(n.hosts.Server, ctx, w.network, ":0")
	if err != nil {
		return fail(err)
	}
	outer, err := w.listen(new(net.ListenConfig), ctx, w.network, "127.0.0.1:0")
	if err != nil {
		inner.Close()
		return fail(err)
	}
	n.life.RLock()
	defer n.life.RUnlock()
	if n.closed {
		inner.Close()
		outer.Close()
		return fail(net.ErrClosed)
	}
	near := w.serve(outer, func(ctx context.Context) (net.Conn, error) {
		return n.hosts.Clients[client].DialContext(ctx, w.network, w.addr(inner).String())
	})
	far := w.serve(inner, func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, w.network, upstream)
	})
	n.mu.Lock()
	defer n.mu.Unlock()
	n.splices = append(n.splices, near, far)
	return w.addr(outer).String(), nil
}
