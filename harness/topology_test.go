package harness

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTopologyCheck(t *testing.T) {
	for name, tc := range map[string]struct {
		Topology
		want string
	}{
		"nothing":             {},
		"server and its bank": {Topology{Hosts: []string{"bank"}, Links: []Link{{Near: "server", Far: "bank"}}}, ""},
		"two phones":          {Topology{Links: []Link{{Near: "client0", Far: "client1"}}}, ""},
		"a terminal":          {Topology{Hosts: []string{"pos2"}, Links: []Link{{Near: "client1", Far: "pos2"}}}, ""},
		"a taken name":        {Topology{Hosts: []string{"client7"}}, `host "client7": the name is that of a host that every network has: choose another`},
		"a bad name":          {Topology{Hosts: []string{"my-bank"}}, `host "my-bank": expected a name of lower-case letters and digits, with a letter first`},
		"a name twice":        {Topology{Hosts: []string{"bank", "bank"}}, `host "bank" stands there twice: choose another name`},
		"no such host":        {Topology{Links: []Link{{Near: "server", Far: "bank"}}}, `link server-bank: there is no host "bank": expected server, a client or one of Topology.Hosts`},
		"no such client":      {Topology{Hosts: []string{"pos"}, Links: []Link{{Near: "client2", Far: "pos"}}}, `link client2-pos: there is no client2: the clients are client0 to client1`},
		"an access link":      {Topology{Links: []Link{{Near: "server", Far: "client0"}}}, `link server-client0: client and server are joined by the access link: leave this one out`},
		"to itself":           {Topology{Hosts: []string{"bank"}, Links: []Link{{Near: "bank", Far: "bank"}}}, `link bank-bank: it joins a host to itself: expected two hosts`},
		"a second link": {
			Topology{Hosts: []string{"bank"}, Links: []Link{{Near: "server", Far: "bank"}, {Near: "bank", Far: "server"}}},
			`link bank-server: the two hosts have a link already: expected one for each pair`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.Check(2)
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, tc.want)
		})
	}
}

func TestClientIndex(t *testing.T) {
	for name, want := range map[string]int{"client0": 0, "client12": 12, "client": -1, "client01": -1, "client-1": -1, "server": -1, "bank": -1} {
		got, ok := ClientIndex(name)
		require.Equal(t, want >= 0, ok, name)
		if ok {
			require.Equal(t, want, got)
			require.Equal(t, name, ClientName(got))
		}
	}
}
