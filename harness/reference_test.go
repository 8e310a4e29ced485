package harness

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseReference(t *testing.T) {
	for text, want := range map[string][2]string{
		Reference("1a2b3c4d", "p1"):     {"1a2b3c4d", "p1"},
		Reference("1a2b3c4d", "p12.3"):  {"1a2b3c4d", "p12.3"},
		Reference("00000000", "c7"):     {"00000000", "c7"},
		"1a2b3c4-p1":                    {},
		"1a2b3c4dp1":                    {},
		"1a2b3c4d-p":                    {},
		"1a2b3c4d-pp1":                  {},
		"1a2b3c4d-o1":                   {},
		"1a2b3c4x-p1":                   {},
		"1a2b3c4d-p1-x":                 {},
		"1a2b3c4d-0b0b-8000-8000-00000": {},
		"":                              {},
	} {
		run, payment, ok := ParseReference(text)
		require.Equal(t, want, [2]string{run, payment}, text)
		require.Equal(t, want[0] != "", ok, text)
	}
}
