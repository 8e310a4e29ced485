package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/selection"
	"github.com/onebar/onebar/harness/spec"
)

// BenchmarkSimulate runs bundled scenarios in virtual time in this process.
// virtual/wall is how many seconds pass inside in one outside. With -cpu 1 the
// process is as a worker is, and virtual/wall is by second of one core.
func BenchmarkSimulate(b *testing.B) {
	lib := library()
	for _, name := range []string{"edge", "crash", "flapping"} {
		b.Run(name, func(b *testing.B) {
			sc, err := loadBundled(name, lib)
			require.NoError(b, err)
			simulateSeeds(b, simulator(), b.TempDir(), sc)
		})
	}
}

// BenchmarkCatalogue runs every bundled scenario once in each round. virtual/wall is that of the whole.
func BenchmarkCatalogue(b *testing.B) {
	list, err := loadScenarios([]string{"../../scenarios"}, selection.Filter{})
	require.NoError(b, err)
	simulateSeeds(b, simulator(), b.TempDir(), list...)
}

// BenchmarkSeeds is what an exploration does: a small scenario with an outage, a
// reset and a power failure of the bank, run by seed after seed, judged and
// measured. The one of plain shows what of it is the harness's own.
func BenchmarkSeeds(b *testing.B) {
	lib := library()
	sc, err := spec.Parse("seeds.yaml", []byte(`onebar: 1
name: seeds
summary: Two hundred payments on EDGE, with an outage, a reset and a power failure.
workload: {wallets: 10, merchants: 3, payments: 200, rate: 20/min, amount: 10..900 KES}
link: edge
timeline:
  - {at: 2m, disconnect: blackhole, for: 30s}
  - {at: 5m, disconnect: reset}
  - {at: 7m, crash: server, restart: 3s}
`), lib)
	require.NoError(b, err)
	b.Run("pair", func(b *testing.B) { simulateSeeds(b, simulator(), "", sc) })
	b.Run("plain", func(b *testing.B) {
		free := func() error { return nil }
		simulateSeeds(b, cases.Simulator{New: func(harness.Scenario) (harness.Subject, func() error, error) {
			return &plain{}, free, nil
		}}, "", sc)
	})
}

// BenchmarkOne is one payment: what a sweep makes many runs of. Most of it is the
// start and the end of a run.
func BenchmarkOne(b *testing.B) {
	lib := library()
	sc, err := spec.Parse("one.yaml", []byte(`onebar: 1
name: one
summary: One phone, one payment.
workload: {wallets: 1, merchants: 1, payments: 1, rate: 1/s, amount: 10..900 KES}
duration: 3s
link: edge
timeline:
  - {at: 1500ms, crash: server, restart: 1s}
`), lib)
	require.NoError(b, err)
	simulateSeeds(b, simulator(), "", sc)
}

// BenchmarkWallets has a thousand phones in one bubble.
func BenchmarkWallets(b *testing.B) {
	lib := library()
	sc, err := spec.Parse("wallets.yaml", []byte(`onebar: 1
name: wallets
summary: A thousand phones on EDGE, each with two payments.
workload: {wallets: 1000, merchants: 3, payments: 2000, rate: 10/s, amount: 10..900 KES}
link: edge
`), lib)
	require.NoError(b, err)
	simulateSeeds(b, simulator(), "", sc)
}

// simulateSeeds carries out all scenarios with one seed in each round. Their files
// are below dir; if it is empty, all is in memory.
func simulateSeeds(b *testing.B, sim cases.Simulator, dir string, list ...harness.Scenario) {
	b.Helper()
	b.ReportAllocs()
	var took time.Duration
	seed := uint64(0)
	for b.Loop() {
		seed++
		for _, sc := range list {
			c := cases.Case{Scenario: sc, Seed: seed}
			if dir != "" {
				c.Dir = filepath.Join(dir, sc.Name)
			}
			report, err := sim.Run(b.Context(), c)
			require.NoError(b, err)
			require.Empty(b, report.Result.Error)
			require.Equal(b, result.Pass, report.Result.Verdict("lost").Status)
			took += report.Result.Took
		}
	}
	b.ReportMetric(took.Seconds()/b.Elapsed().Seconds(), "virtual/wall")
	b.ReportMetric(float64(b.N*len(list))/b.Elapsed().Seconds(), "runs/s")
}
