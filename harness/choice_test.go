package harness_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
)

func TestChoose(t *testing.T) {
	three := 3
	require.Nil(t, harness.Event{}.Choose(1, 0, 10), "all")
	require.Equal(t, []int{3}, harness.Event{Wallet: &three}.Choose(1, 0, 10))
	tenth := harness.Event{Wallets: 0.1}
	require.Len(t, tenth.Choose(1, 0, 1000), 100)
	require.Len(t, tenth.Choose(1, 0, 3), 1, "at least one")
	require.Equal(t, []int{0, 1, 2}, harness.Event{Wallets: 1}.Choose(1, 0, 3))
	require.Equal(t, tenth.Choose(1, time.Second, 1000), tenth.Choose(1, time.Second, 1000))
	require.NotEqual(t, tenth.Choose(1, time.Second, 1000), tenth.Choose(2, time.Second, 1000), "the seed draws")
	require.NotEqual(t, tenth.Choose(1, time.Second, 1000), tenth.Choose(1, 2*time.Second, 1000), "anew for each occurrence")
	at := func(packet int64) harness.Event {
		return harness.Event{Wallets: 0.1, When: &harness.Trigger{Packet: packet}}
	}
	require.Equal(t, at(7).Choose(1, 0, 1000), at(7).Choose(1, time.Minute, 1000), "a trigger is known before it comes")
	require.NotEqual(t, at(7).Choose(1, 0, 1000), at(8).Choose(1, 0, 1000))
}

// What is chosen is in order, in range, and each wallet at most once.
func TestChooseIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 200).Draw(t, "wallets")
		e := harness.Event{Wallets: rapid.Float64Range(0.0001, 1).Draw(t, "share")}
		chosen := e.Choose(rapid.Uint64().Draw(t, "seed"), time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "from")), n)
		require.NotEmpty(t, chosen)
		for i, w := range chosen {
			require.True(t, w >= 0 && w < n && (i == 0 || w > chosen[i-1]), "%v", chosen)
		}
	})
}
