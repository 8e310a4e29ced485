package subject_test

import (
	"net"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/subject"
)

// No two servers that are started side by side get one port, and no outgoing
// connection takes it before they listen.
func TestFreePort(t *testing.T) {
	seen := map[int]bool{}
	for range 200 {
		port, err := subject.FreePort(t.Context())
		require.NoError(t, err)
		require.False(t, seen[port])
		require.Less(t, port, 32_768)
		seen[port] = true
	}
	port, err := subject.FreePort(t.Context())
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
	require.NoError(t, err)
	require.NoError(t, l.Close())
}
