package toxic_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/simnet/toxic"
)

// ends is a source that has its whole stream at once, and a destination that takes all.
type ends struct {
	in  []toxic.Chunk
	out []string
}

func (e *ends) Read() (c toxic.Chunk, ok bool) {
	if len(e.in) == 0 {
		return c, false
	}
	c, e.in = e.in[0], e.in[1:]
	return c, true
}

func (e *ends) HasRoom() bool { return true }

func (e *ends) Deliver(c toxic.Chunk) {
	switch c.Kind {
	case toxic.Bytes:
		e.out = append(e.out, string(c.Data))
	case toxic.End:
		e.out = append(e.out, "end")
	case toxic.Cut:
		e.out = append(e.out, "cut")
	}
}

// TestToxics sends "abcdefgh" and its end through one toxic.
func TestToxics(t *testing.T) {
	for _, tc := range []struct {
		name, toxic string
		attributes  map[string]int64
		want        string        // what arrives, in chunks
		took        time.Duration // until the last chunk
	}{
		{"none", "", nil, "abcdefgh end", 0},
		{"a limit within the stream", "limit_data", map[string]int64{"bytes": 3}, "abc cut", 0},
		{"a limit beyond it", "limit_data", map[string]int64{"bytes": 9}, "abcdefgh end", 0},
		{"slices", "slicer", map[string]int64{"average_size": 2, "delay": 1000}, "ab cd ef gh end", 4 * time.Millisecond},
		{"a late end", "slow_close", map[string]int64{"delay": 50}, "abcdefgh end", 50 * time.Millisecond},
		{"a timeout", "timeout", map[string]int64{"timeout": 70}, "cut", 70 * time.Millisecond},
		{"a reset", "reset_peer", map[string]int64{"timeout": 20}, "cut", 20 * time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := &ends{in: []toxic.Chunk{{Kind: toxic.Bytes, Data: []byte("abcdefgh")}, {Kind: toxic.End}}}
			if tc.toxic == "timeout" {
				e.in = e.in[:1] // the end would go through at once
			}
			l := toxic.Chain{Draw: func(ordinal uint64) *rand.Rand { return rand.New(rand.NewPCG(1, ordinal)) }}
			if tc.toxic != "" {
				l.Add(harness.Toxic{Type: tc.toxic, Attributes: tc.attributes}, 0)
			}
			var now, last time.Duration
			for now != access.Never {
				before := len(e.out)
				for l.Step(now, e) {
				}
				if len(e.out) > before {
					last = now
				}
				now = l.Next(now)
			}
			require.Equal(t, tc.want, strings.Join(e.out, " "))
			require.Equal(t, tc.took, last)
			require.Equal(t, tc.toxic == "reset_peer", l.Resets())
		})
	}
}
