package access

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
)

// testHost and testLink are an engine's.
type testHost struct{ *Host[*testLink] }

type testLink struct{ near, far *testHost }

func (l *testLink) Ends() (near, far *testHost) { return l.near, l.far }

func newHosts(t *testing.T, clients int) *Network[*testHost, *testLink] {
	t.Helper()
	c := harness.NetworkConfig{Clients: clients, Topology: harness.Topology{
		Hosts: []string{"bank", "edge"},
		Links: []harness.Link{{Near: "server", Far: "bank"}, {Near: "client1", Far: "edge"}},
	}}
	n, err := New(c, func(h *Host[*testLink]) *testHost { return &testHost{h} })
	require.NoError(t, err)
	for i, g := range n.Others {
		near, far := n.Ends(i)
		n.Add(g, &testLink{near, far})
	}
	return n
}

func TestHostsByNameAndAddress(t *testing.T) {
	n := newHosts(t, 300)
	for _, tc := range []struct {
		name string
		at   Addr
		want *testHost
	}{
		{"server", Addr{10, 0, 0, 1}, n.Server},
		{"bank", Addr{10, 0, 0, 2}, n.Further[0]},
		{"edge", Addr{10, 0, 0, 3}, n.Further[1]},
		{"client0", Addr{10, 1, 0, 0}, n.Clients[0]},
		{"client299", Addr{10, 1, 1, 43}, n.Clients[299]},
	} {
		got, err := n.Host(tc.name)
		require.NoError(t, err)
		require.Same(t, tc.want, got, tc.name)
		require.Equal(t, tc.name, got.Name())
		require.Equal(t, tc.at, got.First)
		require.Same(t, tc.want, n.HostAt(tc.at), tc.name)
	}
	require.Same(t, n.Clients[2], n.HostAt(Addr{10, 255, 0, 2}), "an address that it had later")
	for _, a := range []Addr{{10, 0, 0, 0}, {10, 0, 0, 4}, {10, 0, 1, 2}, {10, 1, 1, 44}, {11, 1, 0, 0}, Router()} {
		require.Nil(t, n.HostAt(a), a)
	}
	for _, name := range []string{"", "client", "client300", "client01", "nobody"} {
		_, err := n.Host(name)
		require.ErrorContains(t, err, "expected server, a client or one of the network's topology: bank, edge")
	}
}

func TestAddressesComeAgain(t *testing.T) {
	first := Client(5)
	require.Equal(t, Addr{10, 2, 0, 5}, Next(first))
	a := first
	for range 255 {
		require.NotZero(t, a[1])
		a = Next(a)
	}
	require.Equal(t, first, a)
}

func TestNewRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		c    harness.NetworkConfig
		want string
	}{
		"too few clients":  {harness.NetworkConfig{Clients: -1}, "-1 clients, have 0 to 65536"},
		"too many clients": {harness.NetworkConfig{Clients: MaxClients + 1}, "65537 clients, have 0 to 65536"},
		"a bad topology":   {harness.NetworkConfig{Topology: harness.Topology{Hosts: []string{"server"}}}, `host "server"`},
	} {
		_, err := New(tc.c, func(h *Host[*testLink]) *testHost { return &testHost{h} })
		require.ErrorContains(t, err, tc.want, name)
	}
}

func TestBetween(t *testing.T) {
	n := newHosts(t, 2)
	phone := &testLink{n.Clients[0], n.Server}
	idle, err := n.Between(n.Clients[0], n.Server)
	require.NoError(t, err)
	require.Nil(t, idle, "not in use yet")
	n.Add(n.Access, phone)
	require.Equal(t, []*testLink{phone}, n.Links(n.Access))
	bank, edge := n.Links(n.Others[0])[0], n.Links(n.Others[1])[0]
	for _, tc := range []struct {
		from, to *testHost
		want     *testLink
		err      string
	}{
		{n.Clients[0], n.Server, phone, ""},
		{n.Server, n.Clients[0], phone, ""},
		{n.Server, n.Server, nil, ""},
		{n.Server, n.Further[0], bank, ""},
		{n.Further[0], n.Server, bank, ""},
		{n.Clients[1], n.Further[1], edge, ""},
		{n.Clients[0], n.Further[1], nil, "no link joins client0 and edge"},
		{n.Clients[0], n.Clients[1], nil, "no link joins client0 and client1"},
		{n.Server, nil, nil, "no route to host"},
	} {
		got, err := n.Between(tc.from, tc.to)
		require.Same(t, tc.want, got)
		requireError(t, tc.err, err)
	}
}

func TestTargets(t *testing.T) {
	n := newHosts(t, 2)
	for name, tc := range map[string]struct {
		fault harness.Fault
		group *Group
		hosts []*testHost
		err   string
	}{
		"access links":          {harness.Fault{Action: harness.Blackhole}, n.Access, nil, ""},
		"one link":              {harness.Fault{Action: harness.Reset, Link: "server-bank"}, n.Others[0], nil, ""},
		"one phone":             {harness.Fault{Action: harness.Rebind, Link: "client1"}, n.Clients[1].own, nil, ""},
		"no such phone":         {harness.Fault{Action: harness.Reset, Link: "client2"}, nil, nil, `inject reset: there is no link "client2"`},
		"a toxic on one":        {harness.Fault{Action: harness.StreamToxic, Link: "client1"}, nil, nil, "inject toxic on client1: expected every access link"},
		"no such link":          {harness.Fault{Action: harness.Reset, Link: "bank-server"}, nil, nil, `inject reset: there is no link "bank-server"`},
		"a NAT":                 {harness.Fault{Action: harness.Rebind}, n.Access, nil, ""},
		"no NAT":                {harness.Fault{Action: harness.Rebind, Link: "client1-edge"}, nil, nil, "inject rebind on client1-edge: no NAT"},
		"flows vanish":          {harness.Fault{Action: harness.Vanish}, n.Access, nil, ""},
		"phones without power":  {harness.Fault{Action: harness.Vanish, Side: harness.Client}, n.Access, n.Clients, ""},
		"a host without power":  {harness.Fault{Action: harness.Vanish, Side: "edge"}, n.Access, n.Further[1:], ""},
		"a host there is not":   {harness.Fault{Action: harness.Vanish, Side: "nobody"}, nil, nil, `inject vanish: there is no host "nobody"`},
		"a side of other words": {harness.Fault{Action: harness.Blackhole, Side: "edge"}, n.Access, nil, ""},
	} {
		g, hosts, err := n.targets(tc.fault)
		require.Same(t, tc.group, g, name)
		require.Equal(t, tc.hosts, hosts, name)
		requireError(t, tc.err, err)
	}
}

func TestHostsWithoutPower(t *testing.T) {
	n := newHosts(t, 2)
	phone := &testLink{n.Clients[0], n.Server}
	n.Add(n.Access, phone)
	bank, edge := n.Links(n.Others[0])[0], n.Links(n.Others[1])[0]
	require.Equal(t, []*testLink{phone, bank}, n.CutPower([]*testHost{n.Server}, 1))
	require.Equal(t, []*testLink{phone, edge}, n.CutPower(n.Clients, 1))
	require.Equal(t, []*testLink{bank}, n.CutPower(n.Further[:1], 1))
	n.CutPower([]*testHost{n.Server}, 1)
	n.CutPower([]*testHost{n.Server}, -1)
	require.True(t, n.Server.Unpowered(), "two faults, one has ended")
	n.CutPower([]*testHost{n.Server}, -1)
	require.False(t, n.Server.Unpowered())
	require.Empty(t, n.CutPower(nil, 1))
}

func TestGroupCounts(t *testing.T) {
	var g Group
	g.Block(harness.DirectionUnknown, 1)
	g.Block(harness.Down, 1)
	g.Block(harness.DirectionUnknown, -1)
	require.False(t, g.Blocked(harness.Up))
	require.True(t, g.Blocked(harness.Down), "one of two has ended")

	for _, p := range []harness.Packet{
		{Direction: harness.Up, Drop: harness.DropOutage, Cross: true},
		{Direction: harness.Down, Drop: harness.DropOutage},
		{Direction: harness.Down, Drop: harness.DropOutage},
		{Direction: harness.Down, Drop: harness.DropLoss},
		{Direction: harness.Up, Cross: true},
		{Direction: harness.Up},
	} {
		g.Count(&p)
	}
	require.EqualValues(t, 1, g.Lost(harness.Up))
	require.EqualValues(t, 2, g.Lost(harness.Down))
	require.EqualValues(t, 3, g.Lost(harness.DirectionUnknown))
	require.EqualValues(t, 1, g.Delivered())

	require.False(t, g.Refuses())
	g.Refused()
	one, two := g.Refuse(), g.Refuse()
	g.Refused()
	require.EqualValues(t, 1, one())
	require.True(t, g.Refuses())
	g.Refused()
	require.EqualValues(t, 2, two())
	require.False(t, g.Refuses())
}

// requireError wants an error with a text, or none.
func requireError(t *testing.T, want string, err error) {
	t.Helper()
	if want == "" {
		require.NoError(t, err)
		return
	}
	require.ErrorContains(t, err, want)
}

func TestResolve(t *testing.T) {
	n := newHosts(t, 2)
	own := Client(1)
	for name, tc := range map[string]struct {
		network, address string
		want             string
		err, localErr    string
	}{
		"a host":           {"tcp", "10.0.0.1:7", "10.0.0.1:7", "", "bind: cannot assign requested address"},
		"the host itself":  {"tcp4", "10.1.0.1:7", "10.1.0.1:7", "", ""},
		"a port":           {"tcp", ":7", "10.1.0.1:7", "", ""},
		"nobody":           {"tcp", "10.0.0.9:7", "", "connect: no route to host", "connect: no route to host"},
		"a name":           {"tcp", "server:7", "", "in numbers", "in numbers"},
		"nothing":          {"tcp", "", "", "in numbers", "in numbers"},
		"no port":          {"tcp", "10.0.0.1", "", "in numbers", "in numbers"},
		"IPv6":             {"tcp", "[::1]:7", "", "connect: no route to host", "connect: no route to host"},
		"another protocol": {"udp", "10.0.0.1:7", "", "unknown network udp", "unknown network udp"},
		"another version":  {"tcp6", "10.0.0.1:7", "", "unknown network tcp6", "unknown network tcp6"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := n.Resolve(own, "tcp", tc.network, tc.address)
			_, localErr := n.Local(own, "tcp", tc.network, tc.address)
			requireError(t, tc.err, err)
			requireError(t, tc.localErr, localErr)
			if tc.err == "" {
				require.Equal(t, tc.want, got.String())
			}
		})
	}
}
