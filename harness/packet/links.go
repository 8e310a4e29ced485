package packet

import (
	"fmt"
	"slices"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/packet/sockets"
)

// SetProfile implements harness.Network. The smallest retransmission time-out,
// which follows the round trip of the profile, changes for new connections only.
func (n *Network) SetProfile(p harness.Profile) {
	_ = n.SetLinkProfile("", p) // there are access links
}

// SetLinkProfile implements harness.Network, like SetProfile.
func (n *Network) SetLinkProfile(link string, p harness.Profile) error {
	g, err := n.hosts.Group(link)
	if err != nil {
		return fmt.Errorf("set the profile of a link: %w", err)
	}
	if client, _ := n.hosts.Phones(g); client >= 0 {
		if _, err := open(n.hosts.Clients[client], func(*sockets.Stack) (struct{}, error) { return struct{}{}, nil }); err != nil {
			return fmt.Errorf("set the profile of a link: %w", err)
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	g.Profile = p
	if g == n.hosts.Access {
		n.hosts.Server.tune()
	}
	for _, l := range n.hosts.Links(g) {
		l.Near.tune()
		if !n.hosts.IsAccess(g) {
			l.Far.tune()
		}
		l.locked(func() { l.Set(p) })
	}
	return nil
}

// Host implements harness.Network.
func (n *Network) Host(name string) (harness.Host, error) {
	h, err := n.hosts.Host(name)
	if err != nil {
		return nil, err
	}
	return h, nil
}

// everyHost returns all hosts, the server last: clients first say that they are gone.
func (n *Network) everyHost() []*host {
	return slices.Concat(n.hosts.Clients, n.hosts.Further, []*host{n.hosts.Server})
}

func (n *Network) join() error {
	for _, h := range n.hosts.Further {
		if err := h.ready(); err != nil {
			return err
		}
	}
	for i, g := range n.hosts.Others {
		near, far := n.hosts.Ends(i)
		for _, h := range []*host{near, far} {
			if err := h.ready(); err != nil {
				return err
			}
		}
		n.hosts.Add(g, newHostLink(g, near, far))
		near.tune()
		far.tune()
	}
	return nil
}
