package harness

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Topology is what a network has beside the server, the clients and the access links
// that join them: further hosts, such as the server's bank or a terminal beside a
// wallet, and links between any two hosts. The zero value is nothing.
type Topology struct {
	// Hosts names the further hosts: lower-case letters and digits, a letter first.
	// "server", "client" and "client" with a number are taken, see ClientName.
	Hosts []string
	// Links are those between two hosts. No two are between the same hosts, and none
	// is between a client and the server: that is an access link.
	Links []Link
}

// Link joins two hosts, each named as Network.Host has it. It is a wire or a radio of
// its own: its packets meet its own profile, and faults that name it. No NAT is on it.
type Link struct {
	Near, Far string  // Up is the direction from Near to Far
	Profile   Profile // until Network.SetLinkProfile
}

// Name is how faults, packets and phases name the link, such as "server-bank".
func (l Link) Name() string { return l.Near + "-" + l.Far }

// Joins reports whether the link is between two hosts, in either order.
func (l Link) Joins(a, b string) bool {
	return l.Near == a && l.Far == b || l.Near == b && l.Far == a
}

// ServerName is the name of the host of Network.Server.
const ServerName = "server"

const clientPrefix = "client"

// ClientName is the name of the host of Network.Client(i), such as "client0".
func ClientName(i int) string { return clientPrefix + strconv.Itoa(i) }

// ClientIndex is the number of the client of a name, not ok if it names none.
func ClientIndex(name string) (i int, ok bool) {
	digits, ok := strings.CutPrefix(name, clientPrefix)
	if !ok {
		return 0, false
	}
	i, err := strconv.Atoi(digits)
	return i, err == nil && i >= 0 && ClientName(i) == name
}

// MaxHosts is how many further hosts a network can have: they have the addresses
// 10.0.0.2 to 10.0.0.253.
const MaxHosts = 252

// Host is the place of a further host in Hosts, -1 if it has no such name.
func (t Topology) Host(name string) int { return slices.Index(t.Hosts, name) }

// Link is the link of a name, not ok if it has none.
func (t Topology) Link(name string) (l Link, ok bool) {
	i := slices.IndexFunc(t.Links, func(l Link) bool { return l.Name() == name })
	if i < 0 {
		return Link{}, false
	}
	return t.Links[i], true
}

// LinkNames lists the names of the links, for messages.
func (t Topology) LinkNames() string {
	var names []string
	for _, l := range t.Links {
		names = append(names, l.Name())
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// NoLink is the error of a network that is asked for a link that it does not have.
func (t Topology) NoLink(name string) error {
	return fmt.Errorf("there is no link %q: expected one of the network's topology: %s", name, t.LinkNames())
}

// NoHost is the error of a network that is asked for a host that it does not have.
func (t Topology) NoHost(name string) error {
	return fmt.Errorf("there is no host %q: expected server, a client or one of the network's topology: %s", name, cmp.Or(strings.Join(t.Hosts, ", "), "none"))
}

// NeedsHosts is the error of an engine without JoinHosts, by its name, that is asked for
// the topology; nil if the topology is empty.
func (t Topology) NeedsHosts(engine string) error {
	if len(t.Hosts)+len(t.Links) == 0 {
		return nil
	}
	return fmt.Errorf("the %s engine has no hosts but the server and the clients, and no links but theirs: "+
		"all its sockets are on the loopback address of this machine, which does not say whose they are; use --engine packet or sim", engine)
}

// Check returns all that is wrong with the topology of a network with so many clients;
// nil is nothing. Engines check what they are given.
func (t Topology) Check(clients int) error {
	var errs []error
	if len(t.Hosts) > MaxHosts {
		errs = append(errs, fmt.Errorf("%d further hosts: a network has at most %d", len(t.Hosts), MaxHosts))
	}
	for i, name := range t.Hosts {
		switch {
		case !hostName(name):
			errs = append(errs, fmt.Errorf("host %q: expected a name of lower-case letters and digits, with a letter first", name))
		case name == ServerName || strings.TrimRight(name, "0123456789") == clientPrefix:
			errs = append(errs, fmt.Errorf("host %q: the name is that of a host that every network has: choose another", name))
		case t.Host(name) < i:
			errs = append(errs, fmt.Errorf("host %q stands there twice: choose another name", name))
		}
	}
	for i, l := range t.Links {
		errs = append(errs, t.checkLink(l, clients))
		if slices.ContainsFunc(t.Links[:i], func(o Link) bool { return o.Joins(l.Near, l.Far) }) {
			errs = append(errs, fmt.Errorf("link %s: the two hosts have a link already: expected one for each pair", l.Name()))
		}
	}
	return errors.Join(errs...)
}

func (t Topology) checkLink(l Link, clients int) error {
	client := 0
	for _, name := range []string{l.Near, l.Far} {
		i, ok := ClientIndex(name)
		switch {
		case ok && i < clients:
			client++
		case ok:
			return fmt.Errorf("link %s: there is no %s: the clients are %s to %s", l.Name(), name, ClientName(0), ClientName(clients-1))
		case name != ServerName && t.Host(name) < 0:
			return fmt.Errorf("link %s: there is no host %q: expected server, a client or one of Topology.Hosts", l.Name(), name)
		}
	}
	switch {
	case l.Near == l.Far:
		return fmt.Errorf("link %s: it joins a host to itself: expected two hosts", l.Name())
	case client == 1 && (l.Near == ServerName || l.Far == ServerName):
		return fmt.Errorf("link %s: client and server are joined by the access link: leave this one out", l.Name())
	}
	return nil
}

func hostName(s string) bool {
	for i, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// Hosted is a Subject whose system needs more than a server and its clients. A subject
// without it needs no more.
type Hosted interface {
	// Topology returns what the subject needs in a run of a workload. It may be called
	// before Start, and does not change. Start finds the hosts in Env.Network.
	Topology(Workload) Topology
}

// TopologyOf is what a subject needs in a run of a workload.
func TopologyOf(s Subject, w Workload) Topology {
	if h, ok := s.(Hosted); ok {
		return h.Topology(w)
	}
	return Topology{}
}
