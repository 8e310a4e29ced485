package onebartest_test

import (
	"testing"

	"github.com/onebar/onebar/harness/onebartest"
)

// A run of 200 payments over net/http and TLS, on one processor: seeds a second are
// the inverse.
func BenchmarkDay(b *testing.B) {
	for name, w := range map[string]wiring{"http1": {}, "http2": {http2: true}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			onebartest.Trial{Scenario: "testdata/day.yaml", System: w.system, Seeds: b.N}.Explore(b)
		})
	}
}
