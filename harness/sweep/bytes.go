package sweep

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/result"
)

// Bytes runs payments of a case once to count the bytes that their first connection
// carries in each direction. Then it runs them once more for each of these
// bytes: toxiproxy's limit_data closes the connection at both ends before the first
// byte, after the first, and so on up to after the last. The link is perfect and the
// timeline empty: where a stream can be cut does not depend on them. The rest is as in
// Packets. Runs are in real time, so many should be made at a time.
func Bytes(ctx context.Context, r cases.Runner, c cases.Case, o Options) (Result, error) {
	s := newSweeper(r, c, o)
	s.reached, s.tries = hit, liveTries
	s.base.Scenario.Link = harness.Profile{}
	v, err := s.beginLive(ctx, cmp.Or(o.Payments, 1))
	if err != nil {
		return Result{}, err
	}
	s.counts.sweep.Points = append(s.counts.sweep.Points, result.SweepPoints{Kind: "bytes up", N: int(v.Up)}, result.SweepPoints{Kind: "bytes down", N: int(v.Down)})
	if err := s.plan(int(v.Up + v.Down + 2)); err != nil {
		return Result{}, err
	}
	s.runAll(ctx, cuts(v), nil)
	s.confirm(ctx)
	return s.result(ctx), nil
}

// cuts yields an injection for each place at which the first connection can be cut.
func cuts(v *cases.Survey) iter.Seq[injection] {
	return func(yield func(injection) bool) {
		for _, way := range []struct {
			harness.Direction
			stream string
			bytes  int64
		}{{harness.Up, "upstream", v.Up}, {harness.Down, "downstream", v.Down}} {
			for n := range way.bytes + 1 {
				fault := fmt.Sprintf("cut %s", way.Direction)
				limit := &harness.Toxic{
					Type: "limit_data", Stream: way.stream, Attributes: map[string]int64{"bytes": n}, Connections: 1,
				}
				if !yield(injection{
					row: fault, fault: fault, where: fmt.Sprintf("after %d of %d bytes %s", n, way.bytes, way.Direction),
					events: []harness.Event{{Action: harness.StreamToxic, Toxic: limit}},
				}) {
					return
				}
			}
		}
	}
}

func hit(r result.Result, i int) bool {
	return slices.ContainsFunc(r.Faults, func(f result.FaultStat) bool { return f.Event == i && f.Hits > 0 })
}
