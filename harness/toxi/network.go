package toxi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/link"
)

// network is a toxiproxy network: a harness.Network.
type network struct {
	cfg     harness.NetworkConfig
	proxies *proxySet
	clients []*client
	up      liveSettings
	down    liveSettings
	ctx     context.Context // ends with Close, and dials with it
	cancel  context.CancelFunc

	watchers link.Watchers

	mu        sync.Mutex
	profile   harness.Profile
	holes     []hole
	refusals  []*atomic.Int64 // hit counters of the refusals in force
	listeners []net.Listener
}

type hole struct {
	direction harness.Direction // unknown is both
	hits      *atomic.Int64
}

func (n *network) Client(i int) harness.Host { return n.clients[i] }

func (n *network) Server() harness.Host { return server{n} }

func (n *network) Host(name string) (harness.Host, error) {
	if name == harness.ServerName {
		return n.Server(), nil
	}
	if i, ok := harness.ClientIndex(name); ok && i < len(n.clients) {
		return n.clients[i], nil
	}
	return nil, n.cfg.NoHost(name)
}

// SetLinkProfile implements harness.Network: there are access links only.
func (n *network) SetLinkProfile(link string, p harness.Profile) error {
	if link != "" {
		return fmt.Errorf("set the profile of a link: %w", n.cfg.NoLink(link))
	}
	n.SetProfile(p)
	return nil
}

// SetProfile implements harness.Network. Losses are ignored: package fault and Open
// have refused them.
func (n *network) SetProfile(p harness.Profile) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.profile = p
	n.publish()
}

// publish puts the profile and the blackholes in force. The caller holds n.mu.
func (n *network) publish() {
	now := time.Since(n.cfg.Start)
	for d, k := range map[harness.Direction]*liveSettings{harness.Up: &n.up, harness.Down: &n.down} {
		s := settings{path: n.profile.Path(d), since: now}
		for _, h := range n.holes {
			if h.direction == d || h.direction == harness.DirectionUnknown {
				s.holes = append(s.holes, h.hits)
			}
		}
		k.set(s)
	}
}

// Inject implements harness.Network. A blackhole counts the chunks, ends and
// dials it holds back; the others count connections.
func (n *network) Inject(f harness.Fault) (end func() (hits int64), err error) {
	if n.ctx.Err() != nil {
		return nil, fmt.Errorf("inject %v: the network is closed", f.Action)
	}
	if end, err = n.begin(f); err != nil {
		return nil, err
	}
	return sync.OnceValue(end), nil
}

// begin begins a fault. Its end must be called once.
func (n *network) begin(f harness.Fault) (end func() (hits int64), err error) {
	if f.Link != "" {
		return nil, fmt.Errorf("inject %s: %w", f.Action, n.cfg.NoLink(f.Link))
	}
	switch f.Action {
	case harness.Blackhole:
		return n.blackhole(f.Direction), nil
	case harness.Refuse:
		return n.refuse(), nil
	case harness.Reset:
		hits := int64(n.proxies.reset())
		return func() int64 { return hits }, nil
	case harness.StreamToxic:
		return n.proxies.begin(f.Toxic)
	default:
		return nil, fmt.Errorf("inject %s: it is not a fault of the network", f.Action)
	}
}

func (n *network) blackhole(d harness.Direction) (end func() int64) {
	h := hole{d, new(atomic.Int64)}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.holes = append(n.holes, h)
	n.publish()
	n.watchers.Down(link.Everyone)
	return func() int64 {
		n.fill(h)
		for _, call := range n.watchers.Up(link.Everyone) {
			call()
		}
		return h.hits.Load()
	}
}

func (n *network) fill(h hole) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.holes = slices.DeleteFunc(n.holes, func(x hole) bool { return x == h })
	n.publish()
}

func (n *network) refuse() (end func() int64) {
	hits := new(atomic.Int64)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refusals = append(n.refusals, hits)
	return func() int64 {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.refusals = slices.DeleteFunc(n.refusals, func(x *atomic.Int64) bool { return x == hits })
		return hits.Load()
	}
}

// refused counts a dial and returns true while connections are refused.
func (n *network) refused() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, hits := range n.refusals {
		hits.Add(1)
	}
	return len(n.refusals) > 0
}

// Close implements harness.Network: open connections are reset.
func (n *network) Close() error {
	n.watchers.Close()
	n.mu.Lock()
	n.cancel()
	listeners := n.listeners
	n.listeners = nil
	n.mu.Unlock()
	errs := []error{n.proxies.close()}
	for _, l := range listeners {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
