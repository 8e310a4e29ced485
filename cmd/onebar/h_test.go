package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func BenchmarkH(b *testing.B) {
	lib, err := library()
	require.NoError(b, err)
	sc, err := loadBundled("bad-day", lib)
	require.NoError(b, err)
	simulateSeeds(b, simulator(nil), "", sc)
}
