package library_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/quantity"
	"github.com/onebar/onebar/harness/spec/library"
	"github.com/onebar/onebar/harness/yamltext"
)

// FuzzProfiles reads any file of profiles: there is a library or mistakes with their
// places, and each profile of a library has what people should know of it.
func FuzzProfiles(f *testing.F) {
	data, err := os.ReadFile("../../../scenarios/profiles/profiles.yaml")
	require.NoError(f, err)
	f.Add(data)
	for _, s := range []string{
		"onebar: 1\nprofiles:\n  a: {summary: x, source: y, quotes: one-way, both: {delay: 10ms, rate: 1mbit}}\n",
		"onebar: 1\nprofiles:\n  a: {profile: a}\n", "onebar: 1\nprofiles: []\n", "onebar: 1\nprofiles: {a: null}\n",
		"onebar: 1\nprofiles:\n  a: {profile: b}\n  b: {profile: a, up: {loss: 101%}}\n", "profiles:", "onebar: 1",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lib, err := library.Profiles("f", data)
		if err != nil {
			require.Empty(t, lib.All())
			var mistakes yamltext.Mistakes
			require.ErrorAs(t, err, &mistakes)
			for _, m := range mistakes {
				require.Positive(t, m.Line)
				require.Positive(t, m.Column)
				require.NotEmpty(t, m.Text)
			}
			return
		}
		for _, p := range lib.All() {
			require.NotEmpty(t, p.Summary)
			require.NotEmpty(t, p.Source)
			require.NotEmpty(t, p.Quotes)
			got, ok := lib.Get(p.Name)
			require.True(t, ok)
			require.Equal(t, p, got)
			require.NotEmpty(t, quantity.FormatPath(p.Up))
			require.NotEmpty(t, quantity.FormatPath(p.Down))
		}
	})
}
