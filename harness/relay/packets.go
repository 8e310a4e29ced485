package relay

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// PacketServer passes datagrams on from a socket, for each sender through a socket of its
// own, and the answers back. Close ends it.
type PacketServer struct {
	in      net.PacketConn
	idle    time.Duration
	dial    func() (net.Conn, error)
	running sync.WaitGroup

	mu   sync.Mutex
	outs map[string]net.Conn // by sender; nil once closed
}

// ServePackets passes on the datagrams that come to in, which it owns. Dial makes the
// connected socket of a new sender and gets ctx. The socket is closed after idle without a
// datagram in either direction, and the sender is new again. A datagram that cannot be sent
// is lost, and a refusal of one is not passed on.
func ServePackets(ctx context.Context, in net.PacketConn, idle time.Duration, dial DialFunc) *PacketServer {
	f := &PacketServer{in: in, idle: idle, dial: func() (net.Conn, error) { return dial(ctx) }, outs: make(map[string]net.Conn)}
	f.running.Go(f.serve)
	return f
}

func (f *PacketServer) serve() {
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
			_ = out.SetReadDeadline(time.Now().Add(f.idle))
			_, _ = out.Write(b[:n]) // one that cannot be sent is lost
		}
	}
}

// out returns the socket for a sender, nil if there can be none.
func (f *PacketServer) out(from net.Addr) net.Conn {
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
func (f *PacketServer) answer(out net.Conn, to net.Addr) {
	b := make([]byte, 1<<16)
	for {
		n, err := out.Read(b)
		if errors.Is(err, syscall.ECONNREFUSED) {
			continue
		}
		if err != nil {
			break
		}
		_ = out.SetReadDeadline(time.Now().Add(f.idle))
		_, _ = f.in.WriteTo(b[:n], to) // one that cannot be sent is lost
	}
	f.mu.Lock()
	delete(f.outs, to.String())
	f.mu.Unlock()
	out.Close()
}

// Close closes the sockets and waits for the goroutines.
func (f *PacketServer) Close() error {
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
