package noise

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

type keptAlive struct {
	net.Conn
	on bool
}

func (k *keptAlive) SetKeepAlive(on bool) error { k.on = on; return nil }

// Neither end wakes the radio just to say that it is there.
func TestKeepalivesAreOff(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	client, server := &keptAlive{Conn: a, on: true}, &keptAlive{Conn: b, on: true}
	Client(client, ClientConfig{}).Close()
	Server(server, ServerConfig{}).Close()
	require.False(t, client.on)
	require.False(t, server.on)
}
