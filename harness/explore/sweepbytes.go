package explore

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
)

const (
	// liveScript is how long the script of the run without a fault lasts: the payment
	// is asked for and its connection is dialed by then, on a busy machine too.
	liveScript = time.Second
	// liveLeast is how long the script of a run with a fault lasts at least.
	liveLeast = 400 * time.Millisecond
	// liveRate spreads the one payment over the tenth of a second after the fault has
	// been put in place.
	liveRate = 10
	// liveTries is how often a run is made whose fault came too late, each with twice
	// the script of the one before.
	liveTries = 3
)

// SweepBytes runs one payment of a case once to count the bytes that its first
// connection carries, and then once more for each of them and each direction, with
// the connection closed at both ends when so many have passed, by toxiproxy's
// limit_data: before the first, and so on, and after the last. Its link is perfect
// and its timeline empty: where a stream breaks off does not depend on them. The
// rest is as in Sweep. Runs are in real time, so the more of them are made at a
// time the better.
func SweepBytes(ctx context.Context, r Runner, c Case, o SweepOptions) (SweepResult, error) {
	s := newSweeper(r, c, o)
	s.reached, s.tries = hit, liveTries
	s.base.Scenario.Link = harness.Profile{}
	v, err := s.beginLive(ctx)
	if err != nil {
		return SweepResult{}, err
	}
	s.tally.sweep.Points = []result.SweepPoints{{Kind: "bytes up", N: int(v.Up)}, {Kind: "bytes down", N: int(v.Down)}}
	if err := s.plan(int(v.Up + v.Down + 2)); err != nil {
		return SweepResult{}, err
	}
	s.shoot(ctx, cuts(v), nil)
	return s.result(ctx), nil
}

// cuts yields a shot for each place at which the first connection can be cut.
func cuts(v *Survey) iter.Seq[shot] {
	return func(yield func(shot) bool) {
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
				if !yield(shot{
					row: fault, fault: fault, where: fmt.Sprintf("after %d of %d bytes %s", n, way.bytes, way.Direction),
					events: []harness.Event{{Action: harness.StreamToxic, Toxic: limit}},
				}) {
					return
				}
			}
		}
	}
}

// hit reports whether event i of a run's timeline has hit anything.
func hit(r result.Result, i int) bool {
	for _, f := range r.Faults {
		if f.Event == i {
			return f.Hits > 0
		}
	}
	return false
}
