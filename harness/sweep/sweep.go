// Package sweep runs one payment with one fault at a time, at each point at which that
// fault can be: [Packets] at each packet and each durable commit, [Bytes] after each
// byte of a connection, [Moments] at the moments of each HTTP request.
package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/fault"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/selection"
)

// Options say how much a sweep does. With the zero value it tries every fault at every
// point, one run at a time.
type Options struct {
	// Pairs adds, for each first fault that fails nothing by itself, a second one of
	// every kind at every point of its run from there on. Of a crash it takes only the
	// one that loses everything that was not synced, if there are two. The pairs that are
	// most likely to show something come first.
	Pairs bool
	Jobs  int // runs at a time; 0 is 1
	// Shard makes a part of the runs: their indices are their numbers in the order of the
	// sweep. The run without a fault is made by each shard. With Pairs so are those with one
	// fault, because they say which pairs there are.
	Shard    selection.Shard
	For      time.Duration // no run begins after this long, by the clock; 0 is no limit
	FailFast bool          // no run begins after one that failed or could not be carried out
	// Limit is the largest number of runs; 0 is no limit. More single faults than that are
	// an error. Of pairs, those beyond it are left out and counted.
	Limit int
	// Payments is how many payments a sweep in real time makes, one after the other; 0 is
	// two for Moments and one for Bytes. Packets makes those of the case.
	Payments int
	// Watch is called after each run, and when the number of planned runs changes, never
	// twice at a time. Of the runs done, bad did not pass. Nil: progress is not reported.
	Watch func(done, bad, planned int)
}

// Result is a sweep, and the first case of each of its findings.
type Result struct {
	result.Sweep
	Cases []cases.Case // the i-th shows Findings[i]
}

// Packets runs a case once to count the packets and the durable commits of its
// payments, and then once more for each fault at each of these points. The case's
// own timeline stays. Thresholds and the checks load and impairment are left out: if
// the fault came, a run is judged by what happened to the money. What is wrong without
// a fault is one finding; a run with a fault adds a finding only for what is worse.
//
// A fault begins at its packet or commit. Up to there the exchange is that of the run
// without a fault, if the subject repeats. If it does not, or if the first of two
// faults has changed the exchange, the run may not reach the point; such runs are
// counted, and are evidence of nothing.
//
// The error says why there was no sweep. If ctx ends, the result is of the runs made
// until then.
func Packets(ctx context.Context, r cases.Runner, c cases.Case, o Options) (Result, error) {
	s := newSweeper(r, c, o)
	sc := &s.base.Scenario
	sc.Length = (sc.Duration() + time.Second - 1).Truncate(time.Second) + long + recovery
	if o.Pairs {
		sc.Length += long + recovery
	}
	sc.Settle = max(sc.Settle, settle)
	report, err := s.begin(ctx)
	if err != nil {
		return Result{}, err
	}
	spans := fault.Spans{Short: short, Long: long, Restart: restart}
	if report.Survey.Can.Has(harness.KeepDeadlines) { // others may try for so long that the check storm fails
		spans.Outage = outage
	} else {
		s.say("not tried: blackhole 30m, because this system does not say that it keeps deadlines (System.Deadlines in Go): its client may try again for all that time, and the check storm would fail")
	}
	s.faults = fault.ForSweep(spans, report.Survey.Can)
	s.points(report.Survey.Points)
	s.uncommitted(report.Survey)
	if o.Pairs {
		s.shard = selection.Shard{} // of the runs with one fault
	}
	singles := s.singles(report.Survey.Points)
	if err := s.plan(len(singles)); err != nil {
		return Result{}, err
	}
	if !o.Pairs {
		s.runAll(ctx, slices.Values(singles), nil)
		return s.result(ctx), nil
	}
	surveys := make([]*cases.Survey, len(singles)) // of those that passed
	s.runAll(ctx, slices.Values(singles), func(in injection, r cases.Report) { surveys[in.place] = r.Survey })
	pairs, limit := newPairing(s, singles, surveys, report.Survey), 0
	s.counts.sweep.Pairs = pairs.total
	n := pairs.total
	if o.Limit > 0 {
		limit = max(1, o.Limit-len(singles))
		n = min(n, limit)
	}
	s.shard = o.Shard
	s.planned += s.shard.Share(len(singles), len(singles)+n)
	s.watch()
	left := pairs.run(ctx, limit)
	all := s.result(ctx)
	all.Left = left
	return all, nil
}

type sweeper struct {
	runner  cases.Runner
	base    cases.Case
	options Options
	faults  []fault.Swept
	began   time.Time
	reached func(result.Result, int) bool // whether event i of a run's timeline came
	tries   int                           // how often a run is made if its event does not come
	live    bool                          // time is real: what is seen once may be due to a busy machine

	next  int             // place of the next injection; cases.Parallel takes one at a time
	shard selection.Shard // of the injections that come next

	mu      sync.Mutex // guards what follows
	counts  counts
	planned int
	done    int
	bad     int
	stopped bool        // no further run begins, see Options.FailFast
	broken  []injection // of a sweep in real time, to be made again
}

func newSweeper(r cases.Runner, c cases.Case, o Options) *sweeper {
	sc := c.Scenario
	sc.Expect, sc.Radio, sc.Nemesis = nil, nil, nil
	if sc.Workload.Rate == 0 {
		sc.Workload.Rate = atOnce
	}
	c.Scenario, c.Dir, c.Pcap = sc, "", false
	s := &sweeper{runner: r, base: c, options: o, began: time.Now(), reached: came, tries: 1, shard: o.Shard}
	s.counts.sweep.Seed = c.Seed
	if !o.Shard.All() {
		s.counts.sweep.Shard = &o.Shard
	}
	return s
}

// atOnce is the highest rate of orders that a scenario file can state. A script
// whose length is stated, as a sweep's is, would spread the orders over it if no
// rate were.
const atOnce = 100_000

func came(r result.Result, i int) bool {
	return slices.ContainsFunc(r.Faults, func(f result.FaultStat) bool { return f.Event == i && f.Times > 0 })
}

func (s *sweeper) begin(ctx context.Context) (cases.Report, error) {
	c := s.base
	c.Survey = true
	report, err := s.runner.Run(ctx, c)
	if s.live && (err != nil || report.Result.Error != "" || failed(report.Result)) && ctx.Err() == nil {
		report, err = s.runner.Run(ctx, c)
	}
	if err == nil && report.Result.Error != "" {
		err = errors.New(report.Result.Error)
	}
	if err == nil && (report.Survey == nil || report.Survey.Up+report.Survey.Down == 0) {
		err = errors.New("its payments send nothing")
	}
	if err != nil {
		return cases.Report{}, fmt.Errorf("run %s without a fault: %w", c.Scenario.Name, err)
	}
	s.counts.begin(s.base, report.Result)
	return report, nil
}

// points counts the points of each kind for the report.
func (s *sweeper) points(points []cases.Point) {
	for _, kind := range []struct {
		name string
		is   func(cases.Point) bool
	}{
		{"packets up", func(p cases.Point) bool { return p.Packet > 0 && p.Direction == harness.Up }},
		{"packets down", func(p cases.Point) bool { return p.Packet > 0 && p.Direction == harness.Down }},
		{"commits of the client", func(p cases.Point) bool { return p.Commit > 0 && p.Side == harness.Client && !p.After }},
		{"commits of the server", func(p cases.Point) bool { return p.Commit > 0 && p.Side == harness.Server && !p.After }},
	} {
		n := 0
		for _, p := range points {
			if kind.is(p) {
				n++
			}
		}
		if n > 0 {
			s.counts.sweep.Points = append(s.counts.sweep.Points, result.SweepPoints{Kind: kind.name, N: n})
		}
	}
}

// uncommitted adds a finding for each side whose commits are counted and that has made
// none: its users' payments are gone when its power fails, and none of the faults at its
// commits could be tried. Their rows stay in the report, without runs.
func (s *sweeper) uncommitted(v *cases.Survey) {
	for _, side := range []harness.Side{harness.Client, harness.Server} {
		made := slices.ContainsFunc(v.Points, func(p cases.Point) bool { return p.Commit > 0 && p.Side == side })
		if made || !v.Can.Has(harness.CommitsOf(side)) {
			continue
		}
		var rows []string
		for _, f := range s.faults {
			if f.Event.Side == side && f.Points.Has(fault.BeforeCommit|fault.AfterCommit) {
				s.counts.row(injection{row: f.Name})
				rows = append(rows, f.Name)
			}
		}
		s.counts.found(injection{place: -1, fault: result.NoFault}, s.base, result.Verdict{
			Check: result.NoCommits, Status: result.StatusUnknown,
			Summary: fmt.Sprintf("the %s took part in payments and made no durable commit: what it has stored is lost when its power fails. Not tried, for there is no commit to begin at: %s", side, strings.Join(rows, "; ")),
		})
	}
}

// say adds a sentence about what is not tried.
func (s *sweeper) say(note string) { s.counts.sweep.Notes = append(s.counts.sweep.Notes, note) }

// plan plans the runs with one fault, of all shards together.
func (s *sweeper) plan(runs int) error {
	s.planned = s.shard.Share(0, runs)
	if limit := s.options.Limit; limit > 0 && runs > limit {
		return fmt.Errorf("sweep %s: it takes %d runs or more, and the limit is %d: sweep fewer payments, or raise the limit",
			s.base.Scenario.Name, runs, limit)
	}
	s.watch()
	return nil
}

func (s *sweeper) watch() {
	if s.options.Watch != nil {
		s.options.Watch(s.done, s.bad, s.planned)
	}
}

// runAll makes the runs of injections and counts them. It calls passed for each that
// passes, with a survey; nil is not called.
func (s *sweeper) runAll(ctx context.Context, list iter.Seq[injection], passed func(injection, cases.Report)) {
	cases.Parallel(s.options.Jobs, func(yield func(injection) bool) {
		for in := range list {
			if s.ended(ctx) {
				return
			}
			in.place = s.next
			s.next++
			s.mu.Lock()
			s.counts.row(in) // so that rows are in the order of the sweep
			s.mu.Unlock()
			if s.shard.Has(in.place) && !yield(in) {
				return
			}
		}
	}, func(in injection) { s.run(ctx, in, passed) })
}

func (s *sweeper) ended(ctx context.Context) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	late := s.options.For > 0 && time.Since(s.began) >= s.options.For
	return s.stopped || late || ctx.Err() != nil
}

func (s *sweeper) run(ctx context.Context, in injection, passed func(injection, cases.Report)) {
	c := s.base
	own := len(c.Scenario.Timeline)
	c.Scenario.Timeline = slices.Concat(c.Scenario.Timeline, in.events)
	c.Survey = passed != nil && s.options.Pairs
	c.Scenario.Length = cmp.Or(in.script, c.Scenario.Length)
	var report cases.Report
	var err error
	reached := false
	for n := 0; n < s.tries && err == nil && !reached && !s.counts.fails(report.Result); n++ {
		if n > 0 {
			c.Scenario.Length *= 2 // the machine is busy
		}
		report, err = s.runner.Run(ctx, c)
		reached = true
		for i := range in.events {
			reached = reached && s.reached(report.Result, own+i)
		}
	}
	if ctx.Err() != nil {
		return // it was interrupted and shows nothing
	}
	c.Survey = false
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live && !in.again && (err != nil || report.Result.Error != "") {
		in.again = true
		s.broken = append(s.broken, in)
		return
	}
	ok := s.counts.add(in, c, outcome{report.Result, reached, err})
	s.done++
	if !ok {
		s.bad++
		s.stopped = s.options.FailFast && (err != nil || report.Result.Error != "" || s.counts.failures[in.place] > 0) || s.stopped
	} else if passed != nil && reached {
		passed(in, report)
	}
	s.watch()
}

func (s *sweeper) result(ctx context.Context) Result {
	r := s.counts.result()
	if len(r.Findings) == 0 && !s.live && r.Scenario.Workload.Payments == 1 && ctx.Err() == nil {
		r.Notes = append(r.Notes, "one payment passed: what a fault does to payments at the same time was not tried; give --payments 3 (Trial.Payments in Go)")
	}
	r.Took, r.Rest, r.Interrupted = time.Since(s.began), s.planned-s.done, ctx.Err() != nil
	return r
}
