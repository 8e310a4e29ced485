package nearest

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestWord(t *testing.T) {
	options := []string{"wallets", "merchants", "payments", "for", "form"}
	for word, want := range map[string]string{
		"walets":   "wallets",
		"Paymetns": "payments",
		"fro":      "for",
		"FOR":      "for",
		"fox":      "for",
		"colour":   "",
		"":         "",
	} {
		require.Equal(t, want, Word(word, options), word)
	}
	require.Empty(t, Word("wallets", nil))
}

func TestDistance(t *testing.T) {
	require.Equal(t, 0, distance("edge", "edge"))
	require.Equal(t, 1, distance("egde", "edge"))
	require.Equal(t, 2, distance("ede", "edgy"))
	require.Equal(t, 4, distance("", "edge"))
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.StringN(0, 20, 40).Draw(t, "a"), rapid.StringN(0, 20, 40).Draw(t, "b")
		d := distance(a, b)
		require.Equal(t, d, distance(b, a))
		require.Equal(t, d == 0, a == b)
		require.LessOrEqual(t, d, max(len(a), len(b)))
	})
}
