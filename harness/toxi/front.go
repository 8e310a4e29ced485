package toxi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/link"
)

// InFrontOf returns an engine that is inner with toxiproxy's stream faults
// before its connections. Name, packets and every other fault are inner's.
//
// Only a connection dialed while a stream toxic is in force runs through
// toxiproxy, over loopback sockets: app ⇄ toxics ⇄ inner. Any other is inner's
// own, untouched. Resets, half-closes and refusals of inner reach the app as
// they are. If a network is opened without NetworkConfig.Toxics it is inner's.
func InFrontOf(inner harness.Engine) harness.Engine { return front{inner} }

type front struct{ harness.Engine }

// Abilities implements harness.Engine. The toxics are before the access links only.
func (f front) Abilities() harness.Abilities { return f.Engine.Abilities() | harness.PutToxics }

func (f front) Open(ctx context.Context, cfg harness.NetworkConfig) (harness.Network, error) {
	inner, err := f.Engine.Open(ctx, cfg)
	if err != nil || !cfg.Toxics {
		return inner, err
	}
	p, err := newProxySet(ctx)
	if err != nil {
		return nil, errors.Join(err, inner.Close())
	}
	n := &frontNetwork{Network: inner, proxies: p, start: time.Now()}
	n.perfect.set(settings{})
	return n, nil
}

// frontNetwork is an inner network with toxiproxy before it.
type frontNetwork struct {
	harness.Network
	proxies *proxySet
	start   time.Time
	perfect liveSettings // of connections through toxiproxy: the inner link does the rest
}

func (n *frontNetwork) Client(i int) harness.Host {
	h := frontHost{n.Network.Client(i), n}
	if w, ok := h.Host.(harness.LinkWatcher); ok {
		return watchingHost{h, w}
	}
	return h
}

// Host implements harness.Network. Toxics are before the clients only.
func (n *frontNetwork) Host(name string) (harness.Host, error) {
	h, err := n.Network.Host(name)
	if i, ok := harness.ClientIndex(name); ok && err == nil {
		return n.Client(i), nil
	}
	return h, err
}

func (n *frontNetwork) Inject(f harness.Fault) (end func() (hits int64), err error) {
	if f.Action == harness.StreamToxic && f.Link != "" {
		return nil, fmt.Errorf("inject toxic on %s: toxiproxy is before the access links only; use --engine sim", f.Link)
	}
	if f.Action == harness.StreamToxic {
		return n.proxies.begin(f.Toxic)
	}
	return n.Network.Inject(f)
}

func (n *frontNetwork) Close() error { return errors.Join(n.proxies.close(), n.Network.Close()) }

// frontHost is a client of an inner network with toxiproxy before it.
type frontHost struct {
	harness.Host
	net *frontNetwork
}

// watchingHost is a frontHost whose inner host knows the state of its link.
type watchingHost struct {
	frontHost
	harness.LinkWatcher
}

func (h frontHost) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	far, err := h.Host.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	list := h.net.proxies.toxics()
	if len(list) == 0 {
		return far, nil
	}
	flow := func(d harness.Direction) *flow {
		return &flow{
			name:   harness.Packet{Direction: d},
			access: newAccessLink(0, link.ID{Direction: d}, &h.net.perfect),
			start:  h.net.start,
		}
	}
	return h.net.proxies.join(ctx, far, flow(harness.Up), flow(harness.Down), list)
}
