package access

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
)

func TestTransfers(t *testing.T) {
	require.Equal(t, []Bulk{Fill}, Transfers(harness.Up))
	require.Equal(t, []Bulk{Drain}, Transfers(harness.Down))
	require.Equal(t, []Bulk{Drain, Fill}, Transfers(harness.DirectionUnknown))
	for near, far := range map[Bulk]Bulk{Fill: Drain, Drain: Fill} {
		require.Equal(t, far, FarEnd(near.Port()), "the far end does the opposite")
	}
	require.EqualValues(t, 9, Fill.Port())
	require.EqualValues(t, 19, Drain.Port())
	require.Equal(t, NoBulk, FarEnd(80))
}
