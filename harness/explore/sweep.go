package explore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/fault"
	"github.com/onebar/onebar/harness/result"
)

// SweepOptions say how much a sweep does. The zero value is every fault at every
// point, one run at a time.
type SweepOptions struct {
	// Pairs adds, for each first fault that fails nothing by itself, a second one of
	// every kind at every point of its run from there on.
	Pairs bool
	Jobs  int // runs at a time; 0 is 1
	Limit int // a sweep of more runs than this is an error; 0 is no limit
	// Watch is told of each run that is over, and of how many are planned whenever
	// that is known: of them bad did not pass. Calls come one after the other. Nil is
	// nobody.
	Watch func(done, bad, planned int)
}

// SweepResult is a sweep, and the first case of each of its findings.
type SweepResult struct {
	result.Sweep
	Cases []Case // the i-th shows Findings[i]
}

// Sweep runs a case once to count the packets and the durable commits of its
// payments, and then once more for each fault at each of these points. The case's
// own timeline stays as it is; its thresholds are of no account, nor is how well
// its impairments were met: a run is judged by what became of the money, if the
// fault came. What the case shows without a fault is found once, and in a run with
// a fault only what is worse than that.
//
// A fault begins at its packet or commit, so that the exchange up to there is that
// of the first run, if the subject repeats. If it does not, or if the first of two
// faults has changed the exchange, a point may not be reached; such runs are
// counted, and prove nothing.
//
// The error says why there was no sweep. If ctx ends, the result is of the runs
// made until then.
func Sweep(ctx context.Context, r Runner, c Case, o SweepOptions) (SweepResult, error) {
	s := newSweeper(r, c, o)
	sc := &s.base.Scenario
	sc.Length = (sc.Duration() + time.Second - 1).Truncate(time.Second) + sweepLong + sweepAfter
	if o.Pairs {
		sc.Length += sweepLong + sweepAfter
	}
	sc.Settle = max(sc.Settle, sweepSettle)
	report, err := s.begin(ctx)
	if err != nil {
		return SweepResult{}, err
	}
	s.faults = fault.ForSweep(fault.Spans{Short: sweepShort, Long: sweepLong, Restart: sweepRestart}, report.Survey.Can)
	s.points(report.Survey.Points)
	singles := s.singles(report.Survey.Points)
	if err := s.plan(len(singles)); err != nil {
		return SweepResult{}, err
	}
	if !o.Pairs {
		s.shoot(ctx, slices.Values(singles), nil)
		return s.result(ctx), nil
	}
	surveys := make([]*Survey, len(singles)) // of those that passed
	enough, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	pairs := 0
	s.shoot(enough, slices.Values(singles), func(sh shot, r Report) {
		if surveys[sh.place] = r.Survey; r.Survey == nil {
			return
		}
		if pairs += len(s.seconds(sh, r.Survey)); o.Limit > 0 && s.planned+pairs > o.Limit {
			stop(s.tooMany(s.planned + pairs)) // now, and not when all singles have been made
		}
	})
	if ctx.Err() == nil && enough.Err() != nil {
		return SweepResult{}, context.Cause(enough)
	}
	s.planned += pairs
	s.watch()
	s.pairs(ctx, singles, surveys)
	return s.result(ctx), nil
}

// pairs makes the runs of every first fault that has a survey, since it failed
// nothing, with every second one.
func (s *sweeper) pairs(ctx context.Context, firsts []shot, surveys []*Survey) {
	s.shoot(ctx, func(yield func(shot) bool) {
		for i, v := range surveys {
			if v == nil {
				continue
			}
			for _, sh := range s.seconds(firsts[i], v) {
				if !yield(sh) {
					return
				}
			}
		}
	}, nil)
}

// sweeper is a sweep under way.
type sweeper struct {
	runner  Runner
	base    Case
	options SweepOptions
	faults  []fault.Swept
	began   time.Time
	reached func(result.Result, int) bool // whether the event of a timeline came
	tries   int                           // how often a run is made whose event did not

	next int // place of the next shot; one goroutine counts

	mu      sync.Mutex // guards what follows
	tally   tally
	planned int
	done    int
	bad     int
}

func newSweeper(r Runner, c Case, o SweepOptions) *sweeper {
	sc := c.Scenario
	sc.Expect, sc.Radio, sc.Nemesis = nil, nil, nil
	if sc.Workload.Rate == 0 {
		sc.Workload.Rate = atOnce
	}
	c.Scenario, c.Dir, c.Pcap = sc, "", false
	o.Jobs = max(o.Jobs, 1)
	s := &sweeper{runner: r, base: c, options: o, began: time.Now(), reached: came, tries: 1}
	s.tally.sweep.Seed = c.Seed
	return s
}

// atOnce is the highest rate of orders that a scenario file can state. A script
// whose length is stated, as a sweep's is, would spread the orders over it if no
// rate were.
const atOnce = 100_000

// came reports whether event i of a run's timeline has begun.
func came(r result.Result, i int) bool {
	return slices.ContainsFunc(r.Faults, func(f result.FaultStat) bool { return f.Event == i && f.Times > 0 })
}

// begin makes the run without a fault.
func (s *sweeper) begin(ctx context.Context) (Report, error) {
	c := s.base
	c.Survey = true
	report, err := s.runner.Run(ctx, c)
	if err == nil && report.Result.Error != "" {
		err = errors.New(report.Result.Error)
	}
	if err == nil && (report.Survey == nil || report.Survey.Up+report.Survey.Down == 0) {
		err = errors.New("its payments send nothing")
	}
	if err != nil {
		return Report{}, fmt.Errorf("run %s without a fault: %w", c.Scenario.Name, err)
	}
	s.tally.begin(s.base, report.Result)
	return report, nil
}

// points counts the points of each kind for the report.
func (s *sweeper) points(points []Point) {
	for _, kind := range []struct {
		name string
		is   func(Point) bool
	}{
		{"packets up", func(p Point) bool { return p.Packet > 0 && p.Direction == harness.Up }},
		{"packets down", func(p Point) bool { return p.Packet > 0 && p.Direction == harness.Down }},
		{"commits of the client", func(p Point) bool { return p.Commit > 0 && p.Side == harness.Client && !p.After }},
		{"commits of the server", func(p Point) bool { return p.Commit > 0 && p.Side == harness.Server && !p.After }},
	} {
		n := 0
		for _, p := range points {
			if kind.is(p) {
				n++
			}
		}
		if n > 0 {
			s.tally.sweep.Points = append(s.tally.sweep.Points, result.SweepPoints{Kind: kind.name, N: n})
		}
	}
}

// plan adds to the runs planned.
func (s *sweeper) plan(runs int) error {
	s.planned += runs
	if limit := s.options.Limit; limit > 0 && s.planned > limit {
		return s.tooMany(s.planned)
	}
	s.watch()
	return nil
}

func (s *sweeper) tooMany(runs int) error {
	return fmt.Errorf("sweep %s: it takes %d runs or more, and the limit is %d: sweep fewer payments, or raise the limit",
		s.base.Scenario.Name, runs, s.options.Limit)
}

func (s *sweeper) watch() {
	if s.options.Watch != nil {
		s.options.Watch(s.done, s.bad, s.planned)
	}
}

// shoot makes the runs of shots and tallies them. Those that pass are shown to
// passed, with a survey; nil is nobody.
func (s *sweeper) shoot(ctx context.Context, shots iter.Seq[shot], passed func(shot, Report)) {
	queue := make(chan shot)
	var workers sync.WaitGroup
	for range s.options.Jobs {
		workers.Go(func() {
			for sh := range queue {
				s.one(ctx, sh, passed)
			}
		})
	}
	for sh := range shots {
		if ctx.Err() != nil {
			break
		}
		sh.place = s.next
		s.next++
		s.mu.Lock()
		s.tally.row(sh) // so that rows are in the order of the sweep
		s.mu.Unlock()
		queue <- sh
	}
	close(queue)
	workers.Wait()
}

// one makes the run of a shot.
func (s *sweeper) one(ctx context.Context, sh shot, passed func(shot, Report)) {
	c := s.base
	own := len(c.Scenario.Timeline)
	c.Scenario.Timeline = slices.Concat(c.Scenario.Timeline, sh.events)
	c.Survey = passed != nil && s.options.Pairs
	c.Scenario.Length = cmp.Or(sh.script, c.Scenario.Length)
	var report Report
	var err error
	reached := false
	for n := 0; n < s.tries && err == nil && !reached && !s.tally.fails(report.Result); n++ {
		if n > 0 {
			c.Scenario.Length *= 2 // the machine is busy
		}
		report, err = s.runner.Run(ctx, c)
		reached = true
		for i := range sh.events {
			reached = reached && s.reached(report.Result, own+i)
		}
	}
	if ctx.Err() != nil {
		return // it is not made
	}
	c.Survey = false
	s.mu.Lock()
	defer s.mu.Unlock()
	ok := s.tally.add(sh, c, outcome{report.Result, reached, err})
	s.done++
	if !ok {
		s.bad++
	} else if passed != nil && reached {
		passed(sh, report)
	}
	s.watch()
}

// result closes the tally.
func (s *sweeper) result(ctx context.Context) SweepResult {
	r := s.tally.result()
	r.Took, r.Rest, r.Interrupted = time.Since(s.began), s.planned-s.done, ctx.Err() != nil
	return r
}

// compare orders findings: failures first, then by where they came first.
func compare(a, b *finding) int {
	rank := func(f *finding) int {
		switch {
		case f.Check == result.Broken:
			return 0
		case f.Status == result.Fail:
			return 1
		}
		return 2
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.first, b.first), cmp.Compare(a.Check, b.Check))
}
