package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/spec"
	"github.com/onebar/onebar/harness/threshold"
)

// TestTheQueueComesBack: a payment that waits while the network is away for long is
// confirmed seconds after it is back, whatever the bound of its attempts. With a
// bound of 30 it was attempted eight times, and then no more.
func TestTheQueueComesBack(t *testing.T) {
	lib := library()
	text, err := os.ReadFile("testdata/lone.yaml")
	require.NoError(t, err)
	for _, away := range []time.Duration{3 * time.Minute, 20 * time.Minute, 8 * time.Hour} {
		for seed := uint64(1); seed <= 5; seed++ {
			t.Run(fmt.Sprintf("%v, seed %d", away, seed), func(t *testing.T) {
				sc, err := spec.Parse("lone.yaml", text, lib)
				require.NoError(t, err)
				require.Equal(t, 30, sc.Workload.Attempts)
				sc.Timeline[0].For = away
				sc.Expect = []harness.Expectation{{Text: fmt.Sprintf("max(confirm) < %v", away+15*time.Second)}, {Text: "attempts_per_payment < 5"}}
				_, err = threshold.ParseAll(sc.Expect)
				require.NoError(t, err)
				report, err := simulator().Run(t.Context(), cases.Case{Scenario: sc, Seed: seed})
				require.NoError(t, err)
				require.Equal(t, result.Pass, report.Result.Status, "%v %v", report.Result.Verdicts, report.Result.Thresholds)
			})
		}
	}
}
