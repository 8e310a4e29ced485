package server

import (
	"crypto/ed25519"
	"net"
	"testing"

	"github.com/onebar/onebar/reference/channel/channeltest"
	"github.com/onebar/onebar/reference/channel/noise"
	"github.com/onebar/onebar/reference/pay"
)

// TestChannel holds Noise over TCP and the server to the contract of channels.
func TestChannel(t *testing.T) {
	channeltest.Test(t, func(t *testing.T, s pay.Service) channeltest.System {
		t.Helper()
		known := new(register)
		sv := startServerOf(t, Config{Service: s}, make(ed25519.PublicKey, ed25519.PublicKeySize), known.identify)
		client := sv.bank
		client.known = known
		client = client.another(t)
		return channeltest.System{
			Dialer: &noise.Dialer{ClientConfig: client.ClientConfig, Address: sv.address, Net: new(net.Dialer).DialContext},
			Vault:  client.Vault, Bank: client.receipts, Cut: sv.cut,
		}
	})
}

// cut resets every connection, without a word to either end.
func (s *Server) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.table.conns {
		c.abort()
	}
}
