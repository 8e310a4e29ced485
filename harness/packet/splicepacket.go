package packet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/onebar/onebar/harness/access"
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
		far = serveForwarder(inner, func() (net.Conn, error) { return real.DialContext(n.alive, "udp", upstream) })
		near = serveForwarder(outer, func() (net.Conn, error) { return n.hosts.Clients[client].DialContext(n.alive, "udp", target) })
		return near, far
	})
	if err != nil {
		return "", err
	}
	return outer.LocalAddr().String(), nil
}

// forwarder passes datagrams on from a socket, for each sender through a socket
// of its own, and the answers back.
type forwarder struct {
	in      net.PacketConn
	dial    func() (net.Conn, error)
	running sync.WaitGroup

	mu   sync.Mutex
	outs map[string]net.Conn // by sender; nil once closed
}

func serveForwarder(in net.PacketConn, dial func() (net.Conn, error)) *forwarder {
	f := &forwarder{in: in, dial: dial, outs: make(map[string]net.Conn)}
	f.running.Go(f.serve)
	return f
}

func (f *forwarder) serve() {
	b := make([]byte, 1<<16)
	for {
		n, from, err := f.in.ReadFrom(b)
		if errors.Is(err, syscall.ECONNREFUSED) {
			continue
		}
		if err != nil {
			return
		}
		if out := f.out(from); out != nil {
			_ = out.SetReadDeadline(time.Now().Add(access.DatagramLife))
			_, _ = out.Write(b[:n]) // one that cannot be sent is lost
		}
	}
}

// out returns the socket for a sender, nil if there can be none.
func (f *forwarder) out(from net.Addr) net.Conn {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.outs == nil {
		return nil
	}
	key := from.String()
	if out := f.outs[key]; out != nil {
		return out
	}
	out, err := f.dial()
	if err != nil {
		return nil
	}
	f.outs[key] = out
	f.running.Go(func() { f.answer(out, from) })
	return out
}

// answer passes on what comes back to a sender, until nothing does for long.
func (f *forwarder) answer(out net.Conn, to net.Addr) {
	b := make([]byte, 1<<16)
	for {
		n, err := out.Read(b)
		if errors.Is(err, syscall.ECONNREFUSED) {
			continue
		}
		if err != nil {
			break
		}
		_ = out.SetReadDeadline(time.Now().Add(access.DatagramLife))
		_, _ = f.in.WriteTo(b[:n], to) // one that cannot be sent is lost
	}
	f.mu.Lock()
	delete(f.outs, to.String())
	f.mu.Unlock()
	out.Close()
}

// Close ends the forwarder and its goroutines.
func (f *forwarder) Close() error {
	err := f.in.Close()
	f.mu.Lock()
	for _, out := range f.outs {
		out.Close()
	}
	f.outs = nil
	f.mu.Unlock()
	f.running.Wait()
	return err
}
