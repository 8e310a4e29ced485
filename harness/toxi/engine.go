package toxi

import (
	"context"
	"fmt"
	"time"

	"github.com/onebar/onebar/harness"
)

// Engine is the toxiproxy engine. The zero Engine is ready for use.
type Engine struct{}

// Name returns "toxiproxy".
func (Engine) Name() string { return "toxiproxy" }

// Abilities implements harness.Engine: what needs packets, or a network between the
// sockets, it cannot do.
func (Engine) Abilities() harness.Abilities { return harness.PutToxics | harness.WatchLinks }

// Open builds a network of loopback sockets. It refuses a profile that needs packets, and
// a topology of more than a server and clients. The server's listeners are real:
// anything on this machine can dial them, past the link.
func (e Engine) Open(ctx context.Context, cfg harness.NetworkConfig) (harness.Network, error) {
	if err := cfg.Profile.NeedsPackets(e.Name()); err != nil {
		return nil, fmt.Errorf("the profile: %w", err)
	}
	if err := cfg.NeedsHosts(e.Name()); err != nil {
		return nil, err
	}
	if cfg.Start.IsZero() {
		cfg.Start = time.Now()
	}
	p, err := newProxySet(ctx)
	if err != nil {
		return nil, err
	}
	n := &network{cfg: cfg, proxies: p, profile: cfg.Profile}
	n.ctx, n.cancel = context.WithCancel(context.WithoutCancel(ctx))
	n.publish()
	n.clients = make([]*client, cfg.Clients)
	for i := range n.clients {
		n.clients[i] = newClient(n, i)
	}
	return n, nil
}
