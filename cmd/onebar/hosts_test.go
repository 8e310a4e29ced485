package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/exchange"
	"github.com/onebar/onebar/harness/sut"
)

func TestHosts(t *testing.T) {
	t.Setenv("BANK", "staging.example:443")
	for name, tc := range map[string]struct {
		server  *sut.Server
		allowed hosts
		host    string // that is not this machine; empty is none
		refused bool
	}{
		"the reference pair":        {server: nil},
		"loopback":                  {server: &sut.Server{Address: "127.0.0.1:80"}},
		"loopback, another address": {server: &sut.Server{Address: "127.8.9.1:80"}},
		"loopback of IPv6":          {server: &sut.Server{Address: "[::1]:80"}},
		"loopback of IPv4 in IPv6":  {server: &sut.Server{Address: "[::ffff:127.0.0.1]:80"}},
		"localhost":                 {server: &sut.Server{Address: "LocalHost:80"}},
		"a container":               {server: &sut.Server{Container: &sut.Container{Image: "bank"}}},
		"a program":                 {server: &sut.Server{Exec: &sut.ExecServer{}}},
		"a name":                    {server: &sut.Server{Address: "api.example.com:443"}, host: "api.example.com", refused: true},
		"a name that begins so":     {server: &sut.Server{Address: "localhost.example.com:443"}, host: "localhost.example.com", refused: true},
		"an address":                {server: &sut.Server{Address: "10.0.0.7:80"}, host: "10.0.0.7", refused: true},
		"every address":             {server: &sut.Server{Address: "0.0.0.0:80"}, host: "0.0.0.0", refused: true},
		"a variable":                {server: &sut.Server{Address: "${BANK}"}, host: "staging.example", refused: true},
		"a variable that is unset":  {server: &sut.Server{Address: "${NO_SUCH_BANK}"}}, // the run refuses it
		"a program elsewhere":       {server: &sut.Server{Exec: &sut.ExecServer{Address: "10.0.0.7:80"}}, host: "10.0.0.7", refused: true},
		"allowed":                   {server: &sut.Server{Address: "10.0.0.7:80"}, allowed: hosts{"x", "10.0.0.7"}, host: "10.0.0.7"},
		"another is allowed":        {server: &sut.Server{Address: "10.0.0.7:80"}, allowed: hosts{"10.0.0"}, host: "10.0.0.7", refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			sc := harness.Scenario{Name: "s", Subject: sut.Config{Server: tc.server}}
			require.Equal(t, tc.host, foreignHost(sc))
			err := tc.allowed.check(sc)
			if !tc.refused {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "--allow-host "+tc.host)
		})
	}
}

func TestSends(t *testing.T) {
	sc := harness.Scenario{
		Workload: harness.Workload{Wallets: 5, Merchants: 2, Payments: 54, Rate: 1.5, AmountMin: 1000, AmountMax: 90000, Currency: "KES"},
		Subject: sut.Config{Server: &sut.Server{Address: "api.example.com:443"}, Client: &sut.Client{HTTP: &sut.HTTPClient{
			Setup: []sut.HTTPSetup{{}, {For: exchange.PerWallet}, {For: exchange.PerMerchant}},
		}}},
	}
	require.Equal(t, "sends 54 payments at 90/min of 10..900 KES and 8 set-up requests, with further attempts as client.http.retry says, to api.example.com:443",
		sends(sc, 54))
	sc.Subject = sut.Config{Server: &sut.Server{Exec: &sut.ExecServer{}}}
	require.Equal(t, "sends 1 payment of 10..900 KES to the server that it starts", sends(sc, 1))
}
