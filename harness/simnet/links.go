package simnet

import (
	"fmt"

	"github.com/onebar/onebar/harness"
)

// SetProfile implements harness.Network.
func (n *Network) SetProfile(p harness.Profile) {
	_ = n.SetLinkProfile("", p) // there are access links
}

// SetLinkProfile implements harness.Network.
func (n *Network) SetLinkProfile(link string, p harness.Profile) error {
	n.loop.Lock()
	defer n.loop.Unlock()
	g, err := n.hosts.Group(link)
	if err != nil {
		return fmt.Errorf("set the profile of a link: %w", err)
	}
	g.Profile = p
	for _, l := range n.hosts.Links(g) {
		l.Set(p)
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

// join makes the links of the topology.
func (n *Network) join() {
	for i, g := range n.hosts.Others {
		near, far := n.hosts.Ends(i)
		n.hosts.Add(g, newHostLink(g, near, far))
		near.wake()
		far.wake()
	}
}
