package onebartest

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"testing"

	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/onebartest/message"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/sweep"
)

// Sweep makes one run to count the packets and the commits of a payment over the
// scenario's link. Then it makes one run for each of these points and each fault: the
// packet is lost, a blackhole begins, connections are reset, the NAT forgets them, a
// side crashes. It fails the test if a check fails in any of them. It does not judge
// load, impairment and the thresholds of the scenario.
func (x Trial) Sweep(tb testing.TB) {
	tb.Helper()
	x.begin(tb, runtime.NumCPU(), func(r *runs) {
		tb.Helper()
		sc := r.scenario
		sc.Workload.Payments, sc.Workload.Rate = cmp.Or(x.Payments, 1), 0
		sc.Workload.Wallets = min(sc.Workload.Wallets, sc.Workload.Payments)
		found, err := sweep.Packets(tb.Context(), r, cases.Case{Scenario: sc, Seed: x.seed()}, sweep.Options{
			Pairs: x.Pairs, Jobs: r.jobs,
		})
		switch {
		case err != nil:
			tb.Error(message.Run{Case: cases.Case{Scenario: sc, Seed: x.seed()}, Err: err, Racing: racing}.Text(x.Scenario))
		case found.Exit() == result.ExitPass:
			tb.Log(message.Swept(found))
		default:
			tb.Error(message.Swept(found) + r.worst(tb.Context(), found))
		}
	})
}

// worst returns the report of the first finding that fails, or else of the first.
func (r *runs) worst(ctx context.Context, found sweep.Result) string {
	at := max(slices.IndexFunc(found.Findings, func(f result.SweepFinding) bool { return f.Status == result.Fail }), 0)
	if at >= len(found.Cases) {
		return "" // it was interrupted before it found anything
	}
	switch f, c := found.Findings[at], found.Cases[at]; {
	case f.Status == result.Fail:
		return r.smaller(ctx, c, f.Check, "")
	case f.Check == result.Broken:
		return r.smaller(ctx, c, "", "")
	default:
		return r.again(ctx, c) // what is unknown cannot be made smaller
	}
}
