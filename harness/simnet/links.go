package simnet

import (
	"fmt"
	"slices"

	"github.com/onebar/onebar/harness"
)

// links are links that are impaired alike: the access links of all clients, or one
// link of the topology.
type links struct {
	name     string    // of the one link; empty is the access links
	list     []*bearer // of the one link; the access links are those of the clients
	profile  harness.Profile
	outages  [2]int   // blackholes in force, up and down
	lost     [2]int64 // packets lost in outages, up and down
	refusing int      // refusals in force
	refused  int64    // flows refused
	crossed  int64    // packets of cross traffic that have arrived
}

// named returns the links of a name; empty is the access links.
func (n *Network) named(name string) (*links, error) {
	if name == "" {
		return &n.access, nil
	}
	i := slices.IndexFunc(n.others, func(l *links) bool { return l.name == name })
	if i < 0 {
		return nil, n.topology.NoLink(name)
	}
	return n.others[i], nil
}

// bearers returns those of the links that are in use.
func (n *Network) bearers(l *links) (list []*bearer) {
	if l != &n.access {
		return l.list
	}
	for _, h := range n.clients {
		if h.bearer != nil {
			list = append(list, h.bearer)
		}
	}
	return list
}

// touching returns the links in use that have one of the hosts at an end.
func (n *Network) touching(hosts []*host) (list []*bearer) {
	ends := make(map[*host]bool, len(hosts))
	for _, h := range hosts {
		ends[h] = true
	}
	for _, l := range append([]*links{&n.access}, n.others...) {
		for _, b := range n.bearers(l) {
			if ends[b.near] || ends[b.far] {
				list = append(list, b)
			}
		}
	}
	return list
}

// SetProfile implements harness.Network.
func (n *Network) SetProfile(p harness.Profile) {
	_ = n.SetLinkProfile("", p) // there are access links
}

// SetLinkProfile implements harness.Network.
func (n *Network) SetLinkProfile(link string, p harness.Profile) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	l, err := n.named(link)
	if err != nil {
		return fmt.Errorf("set the profile of a link: %w", err)
	}
	l.profile = p
	for _, b := range n.bearers(l) {
		b.set()
	}
	return nil
}

// Host implements harness.Network.
func (n *Network) Host(name string) (harness.Host, error) {
	if h := n.host(name); h != nil {
		return h, nil
	}
	return nil, n.topology.NoHost(name)
}

// host returns the host of a name, or nil.
func (n *Network) host(name string) *host {
	if name == harness.ServerName {
		return n.server
	}
	if i, ok := harness.ClientIndex(name); ok && i < len(n.clients) {
		return n.clients[i]
	}
	if i := n.topology.Host(name); i >= 0 {
		return n.further[i]
	}
	return nil
}

// side returns the hosts of a side.
func (n *Network) side(s harness.Side) ([]*host, error) {
	if s == harness.Client {
		return n.clients, nil
	}
	if h := n.host(string(s)); h != nil {
		return []*host{h}, nil
	}
	return nil, n.topology.NoHost(string(s))
}

// join makes the links of the topology.
func (n *Network) join() {
	for _, t := range n.topology.Links {
		l := &links{name: t.Name(), profile: t.Profile}
		b := newBearer(l, n.host(t.Near), n.host(t.Far))
		l.list = []*bearer{b}
		n.others = append(n.others, l)
		for _, h := range []*host{b.near, b.far} {
			h.wake()
			h.others = append(h.others, b)
		}
	}
}
