package toxi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/link"
)

// synTimeout is how long a dial tries without an answer: Linux gives up after
// six repeated SYNs, 1+2+4+8+16+32+64 s (tcp_syn_retries in tcp(7)).
const synTimeout = 127 * time.Second

// client is the host of one payer: a harness.Host and a harness.LinkWatcher.
type client struct {
	net   *network
	i     int
	up    *accessLink
	down  *accessLink
	flows atomic.Int64 // connections dialed
}

func newClient(n *network, i int) *client {
	return &client{
		net: n, i: i,
		up:   newAccessLink(n.cfg.Seed, link.ID{Client: i, Direction: harness.Up}, &n.up),
		down: newAccessLink(n.cfg.Seed, link.ID{Client: i, Direction: harness.Down}, &n.down),
	}
}

// DialContext implements harness.Host. It takes a round trip of the link, waits
// while the link is black-holed, and fails with ECONNREFUSED while connections
// are refused or when nothing listens on address.
func (c *client) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	fail := func(err error) (net.Conn, error) {
		if op, ok := errors.AsType[*net.OpError](err); ok {
			return nil, op
		}
		return nil, &net.OpError{Op: "dial", Net: network, Addr: addr(address), Err: err}
	}
	if err := checkNetwork(network); err != nil {
		return fail(err)
	}
	limited, cancel := context.WithTimeoutCause(ctx, synTimeout, os.NewSyscallError("connect", syscall.ETIMEDOUT))
	defer cancel()
	defer context.AfterFunc(c.net.ctx, cancel)()
	conn, err := c.dial(limited, network, address)
	switch {
	case err == nil:
		return conn, nil
	case c.net.ctx.Err() != nil:
		return fail(net.ErrClosed)
	case ctx.Err() != nil:
		return fail(ctx.Err())
	case limited.Err() != nil:
		return fail(context.Cause(limited))
	}
	return fail(err)
}

func (c *client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	start := c.net.cfg.Start
	name := harness.Packet{Client: c.i, Flow: int(c.flows.Add(1))}
	syn := link.Key{Flow: uint64(name.Flow)}
	if err := c.up.cross(ctx, start, syn); err != nil {
		return nil, err
	}
	far, err := c.reach(ctx, network, address)
	if err := c.down.cross(ctx, start, syn); err != nil {
		if far != nil {
			far.Close()
		}
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	flow := func(d harness.Direction, a *accessLink) *flow {
		name.Direction = d
		return &flow{name: name, access: a, start: start, sink: c.net.cfg.Packets}
	}
	return c.net.proxies.join(ctx, far, flow(harness.Up, c.up), flow(harness.Down, c.down), c.net.proxies.toxics())
}

// reach connects to the server, unless connections are refused.
func (c *client) reach(ctx context.Context, network, address string) (net.Conn, error) {
	if c.net.refused() {
		return nil, os.NewSyscallError("connect", syscall.ECONNREFUSED)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

func (c *client) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	return c.net.listen(ctx, network, address)
}

func (c *client) WatchLink(up func()) (stop func()) { return c.net.watchers.Watch(c.i, up) }

// server is the host of the payment server: a harness.Host.
type server struct{ net *network }

// DialContext implements harness.Host. The server reaches its own listeners
// directly.
func (s server) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

func (s server) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	return s.net.listen(ctx, network, address)
}

// listen announces on a loopback port: address is ":port".
func (n *network) listen(ctx context.Context, network, address string) (net.Listener, error) {
	if err := checkNetwork(network); err != nil {
		return nil, err
	}
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || host != "" && host != "127.0.0.1" {
		return nil, fmt.Errorf("listen on %q: the address must be \":port\"", address)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ctx.Err() != nil {
		return nil, fmt.Errorf("listen on %s: the network is closed: %w", address, net.ErrClosed)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", loopback(int(port)))
	if err == nil {
		n.listeners = append(n.listeners, l)
	}
	return l, err
}

func checkNetwork(network string) error {
	if network != "tcp" && network != "tcp4" {
		return net.UnknownNetworkError(network)
	}
	return nil
}

// addr is a dialed address, for errors.
type addr string

func (a addr) Network() string { return "tcp" }

func (a addr) String() string { return string(a) }
