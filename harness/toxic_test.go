package harness_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
)

func TestToxicCheck(t *testing.T) {
	tx := func(kind, stream string, pairs ...any) harness.Toxic {
		a := map[string]int64{}
		for i := 0; i < len(pairs); i += 2 {
			a[pairs[i].(string)] = int64(pairs[i+1].(int))
		}
		return harness.Toxic{Type: kind, Stream: stream, Attributes: a}
	}
	for name, tc := range map[string]struct {
		toxic harness.Toxic
		want  []string // empty is good
	}{
		"reset_peer":       {toxic: tx("reset_peer", "upstream")},
		"reset_peer later": {toxic: tx("reset_peer", "downstream", "timeout", 500)},
		"limit_data":       {toxic: tx("limit_data", "downstream", "bytes", 0)},
		"slicer":           {toxic: tx("slicer", "downstream", "average_size", 10, "size_variation", 9, "delay", 100)},
		"slow_close":       {toxic: tx("slow_close", "upstream", "delay", 500)},
		"timeout":          {toxic: tx("timeout", "upstream", "timeout", 0)},
		"unknown type": {
			tx("bandwidth", "upstream"),
			[]string{`toxic type "bandwidth" is not one of limit_data, reset_peer, slicer, slow_close, timeout`},
		},
		"unknown stream": {
			tx("timeout", "down"),
			[]string{`toxic stream "down" is not one of upstream, downstream`},
		},
		"unknown attribute": {
			tx("slicer", "upstream", "average_size", 5, "jitter", 1),
			[]string{`toxic slicer has no attribute "jitter": it has average_size (bytes), size_variation (bytes), delay (µs)`},
		},
		"missing attribute": {tx("limit_data", "upstream"), []string{"toxic limit_data needs the attribute bytes, in bytes"}},
		"out of range":      {tx("timeout", "upstream", "timeout", -1), []string{"timeout -1 is not between 0 and 86400000 ms"}},
		"a slicer that never ends": {
			tx("slicer", "upstream", "average_size", 5, "size_variation", 5),
			[]string{"size_variation 5 is not below average_size 5"},
		},
		"fewer than no connections": {
			harness.Toxic{Type: "timeout", Stream: "upstream", Connections: -1},
			[]string{"toxic timeout: -1 connections: expected 0 for all, or more"},
		},
		"all at once": {
			tx("slicer", "sideways", "average_size", 0, "x", 1),
			[]string{"sideways", `attribute "x"`, "average_size 0 is not between 1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.toxic.Check()
			if tc.want == nil {
				require.NoError(t, err)
			}
			for _, w := range tc.want {
				require.ErrorContains(t, err, w)
			}
		})
	}
}

// What a program must give, a scenario file must give, too.
func TestToxicAttributesOfFiles(t *testing.T) {
	require.Nil(t, harness.ToxicAttributes("latency"))
	for _, kind := range harness.ToxicTypes() {
		for _, a := range harness.ToxicAttributes(kind) {
			require.True(t, a.InFiles || !a.Needed, "%s %s", kind, a.Name)
			require.Less(t, a.Min, a.Max)
		}
	}
}
