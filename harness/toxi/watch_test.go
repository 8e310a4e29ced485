package toxi_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/toxi"
)

// A front claims no more than the engine behind it.
func TestFrontOfAnEngineThatDoesNotWatch(t *testing.T) {
	r := open(t, toxi.InFrontOf(plain{}), harness.NetworkConfig{Toxics: true})
	_, ok := r.Net.Client(0).(harness.LinkWatcher)
	require.False(t, ok)
}
