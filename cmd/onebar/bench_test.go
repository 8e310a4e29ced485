package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkSimulate runs bundled scenarios in virtual time in this process.
// virtual/wall is how many seconds pass inside in one outside.
func BenchmarkSimulate(b *testing.B) {
	lib, err := library()
	require.NoError(b, err)
	for _, name := range []string{"edge", "crash", "flapping"} {
		b.Run(name, func(b *testing.B) {
			sc, err := loadBundled(name, lib)
			require.NoError(b, err)
			dir := filepath.Join(b.TempDir(), name)
			b.ReportAllocs()
			var took time.Duration
			seed := uint64(0)
			for b.Loop() {
				seed++
				res, err := simulate(b.Context(), sc, simulation{Seed: seed, Dir: dir}, nil)
				require.NoError(b, err)
				took += res.Took
			}
			b.ReportMetric(took.Seconds()/b.Elapsed().Seconds(), "virtual/wall")
		})
	}
}
