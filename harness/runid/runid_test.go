package runid

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOf(t *testing.T) {
	const run = "1a2b3c4d"
	for text, want := range map[string]string{
		Reference(run, "p1"):                       run,
		Reference(run, "p12.3"):                    run,
		Reference(run, "o7"):                       run,
		Reference(run, "c7"):                       run,
		Key(run, bytes.Repeat([]byte{0xff}, 32)):   run,
		Key(run, make([]byte, 10)):                 run,
		"1a2b3c4-p1":                               "",
		"1a2b3c4dp1":                               "",
		"1a2b3c4d-p":                               "",
		"1a2b3c4d-pp1":                             "",
		"1a2b3c4d-x1":                              "",
		"1a2b3c4x-p1":                              "",
		"1a2b3c4d-p1-x":                            "",
		"1a2b3c4d-6f62-4ff4-bf4d-db7436f4aaaa":     "",
		"1a2b3c4d-6f61-8ff4-bf4d-db7436f4aaaa":     "",
		"1a2b3c4d-6f62-8ff4-bf4d-db7436f4aaaabbbb": "",
		"": "",
	} {
		got, ok := Of(text)
		require.Equal(t, want, got, text)
		require.Equal(t, want != "", ok, text)
	}
	require.Equal(t, "1a2b3c4d-6f62-8fff-bfff-ffffffffffff", Key(run, bytes.Repeat([]byte{0xff}, 10)))
	require.Equal(t, "1a2b3c4d-6f62-8000-8000-000000000000", Key(run, make([]byte, 10)))
}
