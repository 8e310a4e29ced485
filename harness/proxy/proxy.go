// Package proxy is an impaired link without a scenario, for tests by hand: a phone, an
// emulator or a browser connects to one side, and the link leads to a real server.
//
//	phone -> Listen -> link -> Upstream
//
// [Start] starts it on any engine. All connections share one link, as the apps of one
// phone do. The link can be changed while connections are open, see [Proxy.SetProfile]
// and [Proxy.Inject].
package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/relay"
)

// Config is the configuration of a proxy.
type Config struct {
	Engine   harness.Engine
	Listen   string // host:port of this machine; port 0 picks one
	Upstream string // host:port; dialed anew for each connection
	Profile  harness.Profile
	Seed     uint64
}

// Proxy is a running link. Close ends it.
type Proxy struct {
	network   harness.Network
	near, far *relay.Server
	upstream  string
	life      context.CancelFunc
	start     time.Time

	open, opened, failed atomic.Int64 // connections

	mu     sync.Mutex
	counts [2]Counts // up, down
	lastUp error     // of a dial of the upstream
}

// Counts are the packets that were offered to a link in one direction so far.
type Counts struct {
	Packets int64
	Bytes   int64         // with IP and TCP headers, or payload only, as the engine sees it
	Lost    int64         // for whatever reason
	Delay   time.Duration // sum over those that arrived
}

// Figures are a proxy's counts at a moment, since the start.
type Figures struct {
	At       time.Duration // since the start
	Open     int64         // connections
	Opened   int64         // connections in all
	Failed   int64         // connections that did not reach the upstream
	Up, Down Counts
	Error    error // of the latest connection that did not reach the upstream; nil if the latest did
}

// Start listens, and returns when connections are accepted. The context covers the
// start only.
func Start(ctx context.Context, c Config) (*Proxy, error) {
	var lc net.ListenConfig
	outer, err := lc.Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for the phone: %w", err)
	}
	p := &Proxy{upstream: c.Upstream, start: time.Now()}
	p.network, err = c.Engine.Open(ctx, harness.NetworkConfig{
		Seed: c.Seed, Start: p.start, Clients: 1, Profile: c.Profile, Packets: p,
	})
	if err != nil {
		outer.Close()
		return nil, fmt.Errorf("open the %s network: %w", c.Engine.Name(), err)
	}
	inner, err := p.network.Server().Listen(ctx, "tcp", ":0")
	if err != nil {
		outer.Close()
		return nil, errors.Join(fmt.Errorf("listen behind the link: %w", err), p.network.Close())
	}
	life, end := context.WithCancel(context.Background())
	p.life = end
	p.far = relay.Serve(life, inner, p.reach)
	target := inner.Addr().String()
	p.near = relay.Serve(life, outer, func(ctx context.Context) (net.Conn, error) {
		conn, err := p.network.Client(0).DialContext(ctx, "tcp", target)
		if err != nil {
			return nil, err
		}
		p.opened.Add(1)
		p.open.Add(1)
		return &counted{Conn: relay.Conn{Conn: conn}, open: &p.open}, nil
	})
	return p, nil
}

func (p *Proxy) reach(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", p.upstream)
	if err != nil {
		p.failed.Add(1)
	}
	p.mu.Lock()
	p.lastUp = err
	p.mu.Unlock()
	return conn, err
}

// counted is a connection that is counted until it is closed.
type counted struct {
	relay.Conn
	open *atomic.Int64
	once sync.Once
}

func (c *counted) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}

// Addr returns the address at which the proxy listens.
func (p *Proxy) Addr() string { return p.near.Addr().String() }

// SetProfile changes the profile of the link from now on.
func (p *Proxy) SetProfile(profile harness.Profile) { p.network.SetProfile(profile) }

// Inject begins a fault, as harness.Network does.
func (p *Proxy) Inject(f harness.Fault) (end func() (hits int64), err error) {
	return p.network.Inject(f)
}

// Packet implements harness.PacketSink.
func (p *Proxy) Packet(k harness.Packet) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := &p.counts[0]
	if k.Direction == harness.Down {
		c = &p.counts[1]
	}
	if k.Copy {
		return
	}
	c.Packets++
	c.Bytes += int64(k.Size)
	if k.Drop == harness.DropNone {
		c.Delay += k.Delay
	} else {
		c.Lost++
	}
}

// Figures returns the counts so far.
func (p *Proxy) Figures() Figures {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Figures{
		At: time.Since(p.start), Open: p.open.Load(), Opened: p.opened.Load(), Failed: p.failed.Load(),
		Up: p.counts[0], Down: p.counts[1], Error: p.lastUp,
	}
}

// Close resets every connection. When it returns, nothing of the proxy runs any more.
func (p *Proxy) Close() error {
	p.life()
	return errors.Join(p.near.Close(), p.far.Close(), p.network.Close())
}
