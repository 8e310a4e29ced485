package console

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/packet"
	"github.com/onebar/onebar/harness/proxy"
	"github.com/onebar/onebar/harness/spec"
	"github.com/onebar/onebar/scenarios"
)

// Keys change the link and say so.
func TestProxyKeys(t *testing.T) {
	lib, err := spec.ReadProfiles(scenarios.FS, scenarios.ProfilesFile)
	require.NoError(t, err)
	p, err := proxy.Start(t.Context(), proxy.Config{Engine: packet.Engine{}, Listen: "127.0.0.1:0", Upstream: "127.0.0.1:1"})
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	var out bytes.Buffer
	names := lib.All()
	c := New(p, lib, names[0].Name, &out)
	for _, tc := range []struct{ key, says string }{
		{"n", "profile " + names[1].Name + " ("},
		{"p", "profile " + names[0].Name + " ("},
		{"p", "profile " + names[len(names)-1].Name + " ("},
		{"0", "profile " + names[0].Name + " ("},
		{"0", ""},
		{"b", "blackhole on"},
		{"b", "blackhole off, it lost 0 packets"},
		{"r", "reset 0 connections"},
		{"?", help},
		{"x", ""},
	} {
		out.Reset()
		quit, err := c.press(tc.key[0])
		require.NoError(t, err)
		require.False(t, quit)
		require.True(t, strings.HasPrefix(out.String(), tc.says), out.String())
		require.Equal(t, tc.says == "", out.Len() == 0)
	}
	for _, key := range []byte{'q', 3, 4} {
		quit, err := c.press(key)
		require.NoError(t, err)
		require.True(t, quit)
	}
	require.ErrorContains(t, c.Choose("edgy"), `did you mean "edge"?`)
}

// Elsewhere than on a terminal there is a line only when something has happened.
func TestProxyLines(t *testing.T) {
	lib, err := spec.ReadProfiles(scenarios.FS, scenarios.ProfilesFile)
	require.NoError(t, err)
	p, err := proxy.Start(t.Context(), proxy.Config{Engine: packet.Engine{}, Listen: "127.0.0.1:0", Upstream: "127.0.0.1:1"})
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	var out bytes.Buffer
	c := New(p, lib, "edge", &out)
	c.show()
	require.Empty(t, out.String())
	conn, err := net.Dial("tcp", p.Addr())
	if err == nil {
		defer conn.Close()
	}
	require.Eventually(t, func() bool { return p.Figures().Failed == 1 }, 5*time.Second, time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.NoError(t, c.Watch(ctx, strings.NewReader(""), 10*time.Millisecond))
	require.Contains(t, out.String(), "upstream: dial tcp 127.0.0.1:1: connect: connection refused")
}
