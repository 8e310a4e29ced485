package sweep_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/cases/casestest"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/sweep"
)

func points(r sweep.Result) map[string]int {
	all := map[string]int{}
	for _, p := range r.Points {
		all[p.Kind] = p.N
	}
	return all
}

// Of the correct pair every fault at every point is tried, and none does harm.
func TestSweepCoversEveryPoint(t *testing.T) {
	type watched struct{ done, bad, planned int }
	var last watched
	r, err := sweep.Packets(t.Context(), casestest.Pair(), casestest.OnePayment(), sweep.Options{
		Jobs: 2, Watch: func(done, bad, planned int) { last = watched{done, bad, planned} },
	})
	require.NoError(t, err)
	require.Empty(t, r.Findings)
	require.Equal(t, result.ExitPass, r.Exit())
	total := r.Total()
	require.Equal(t, total.Runs, total.Passed)
	require.Equal(t, watched{total.Runs, 0, total.Runs}, last)

	n := points(r)
	packets := n["packets up"] + n["packets down"]
	require.Greater(t, packets, 6, "a handshake, a question, an answer and an acknowledgement")
	require.Positive(t, n["commits of the client"])
	require.Positive(t, n["commits of the server"])
	for _, row := range r.Rows {
		want := packets
		switch row.Fault {
		case "refuse 5s":
			want = 1 // there is one SYN
		case "crash client before commit", "crash client after commit", "crash client before commit, unsynced lost", "crash client after commit, unsynced lost":
			want = n["commits of the client"]
		case "crash server before commit", "crash server after commit", "crash server before commit, unsynced lost", "crash server after commit, unsynced lost":
			want = n["commits of the server"]
		}
		require.Equal(t, want, row.Runs, row.Fault)
	}
	require.Len(t, r.Rows, 29)
	require.Equal(t, []string{"one payment passed: what a fault does to payments at the same time was not tried; give --payments 3 (Trial.Payments in Go)"}, r.Notes)
}

// timeless is a runner of a pair that does not say that it keeps deadlines.
type timeless struct{ cases.Runner }

func (r timeless) Run(ctx context.Context, c cases.Case) (cases.Report, error) {
	report, err := r.Runner.Run(ctx, c)
	if report.Survey != nil {
		report.Survey.Can &^= harness.KeepDeadlines
	}
	return report, err
}

// The outage of half an hour is for systems that keep deadlines. A sweep says that it has
// left it out, and advises several payments where one has passed.
func TestSweepSaysThatItLeavesTheOutageOut(t *testing.T) {
	for name, tc := range map[string]struct {
		runner cases.Runner
		broken []string
		notes  []string // how they begin
	}{
		"no deadlines":  {timeless{casestest.Pair()}, nil, []string{"not tried: blackhole 30m, because this system", "one payment passed"}},
		"nothing found": {casestest.Pair(), nil, []string{"one payment passed"}},
		"a finding":     {casestest.Pair(), []string{"forget-keys"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := sweep.Packets(t.Context(), tc.runner, casestest.OnePayment(tc.broken...), sweep.Options{Jobs: 2})
			require.NoError(t, err)
			require.Len(t, r.Notes, len(tc.notes), "%v", r.Notes)
			for i, note := range r.Notes {
				require.Contains(t, note, tc.notes[i])
			}
			outage := slices.ContainsFunc(r.Rows, func(row result.SweepRow) bool { return row.Fault == "blackhole 30m" })
			require.Equal(t, name != "no deadlines", outage)
		})
	}
}

// What is wrong with a pair is found, by the check that should find it and at the
// point where it matters, and the case that is handed out shows it again.
func TestSweepFindsPlantedFaults(t *testing.T) {
	for broken, want := range map[string]struct{ fault, check, where string }{
		"new-key-per-attempt":  {"crash server after commit", "duplicated", "after commit 1 of the server"},
		"forget-keys":          {"crash server after commit", "duplicated", "after commit 1 of the server"},
		"answer-before-commit": {"crash server before commit", "lost", "before commit 1 of the server"},
	} {
		t.Run(broken, func(t *testing.T) {
			r, err := sweep.Packets(t.Context(), casestest.Pair(), casestest.OnePayment(broken), sweep.Options{})
			require.NoError(t, err)
			require.Equal(t, result.ExitFail, r.Exit())
			i := slices.IndexFunc(r.Findings, func(f result.SweepFinding) bool {
				return f.Fault == want.fault && f.Check == want.check
			})
			require.GreaterOrEqual(t, i, 0, "%v", r.Findings)
			require.Equal(t, result.Fail, r.Findings[i].Status)
			require.Equal(t, []string{want.where}, r.Findings[i].Where)

			report, err := casestest.Pair().Run(t.Context(), r.Cases[i])
			require.NoError(t, err)
			require.Equal(t, result.Fail, report.Result.Verdict(want.check).Status)
			require.Equal(t, r.Findings[i].Text, report.Result.Verdict(want.check).Summary)
		})
	}
}

// uncommitted is a Runner whose clients make no durable commit.
type uncommitted struct{ cases.Runner }

func (u uncommitted) Run(ctx context.Context, c cases.Case) (cases.Report, error) {
	report, err := u.Runner.Run(ctx, c)
	if report.Survey != nil {
		report.Survey.Points = slices.DeleteFunc(report.Survey.Points, func(p cases.Point) bool { return p.Commit > 0 && p.Side == harness.Client })
	}
	return report, err
}

// That a side makes no commit is said, and so are the faults that cannot be tried for it.
func TestSweepSaysWhatIsNotSynced(t *testing.T) {
	r, err := sweep.Packets(t.Context(), uncommitted{casestest.Pair()}, casestest.OnePayment(), sweep.Options{Jobs: 2})
	require.NoError(t, err)
	i := slices.IndexFunc(r.Findings, func(f result.SweepFinding) bool { return f.Check == result.NoCommits })
	require.GreaterOrEqual(t, i, 0)
	require.Equal(t, result.StatusUnknown, r.Findings[i].Status)
	require.Contains(t, r.Findings[i].Text, "the client took part in payments and made no durable commit")
	for _, name := range []string{"crash client before commit", "crash client after commit"} {
		row := slices.IndexFunc(r.Rows, func(row result.SweepRow) bool { return row.Fault == name })
		require.GreaterOrEqual(t, row, 0)
		require.Zero(t, r.Rows[row].Runs)
		require.Contains(t, r.Findings[i].Text, name)
	}
}

// What is wrong without any fault is found once and not in every run.
func TestSweepTellsWhatNeedsNoFault(t *testing.T) {
	r, err := sweep.Packets(t.Context(), casestest.Pair(), casestest.OnePayment("answer-before-commit"), sweep.Options{})
	require.NoError(t, err)
	early := 0
	for _, f := range r.Findings {
		if f.Check == "early" {
			early++
			require.Equal(t, result.NoFault, f.Fault)
		}
	}
	require.Equal(t, 1, early)
	require.Positive(t, r.Total().Passed)
}

// A sweep of several payments and wallets finds the same, at more points.
func TestSweepOfSeveralWallets(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of runs")
	}
	c := casestest.OnePayment("forget-keys")
	c.Scenario.Workload.Wallets, c.Scenario.Workload.Payments = 2, 3
	c.Scenario.Workload.Rate = 0.5
	r, err := sweep.Packets(t.Context(), casestest.Pair(), c, sweep.Options{})
	require.NoError(t, err)
	require.Equal(t, 3, points(r)["commits of the server"])
	for _, f := range r.Findings {
		require.Equal(t, "duplicated", f.Check)
	}
	require.NotEmpty(t, r.Findings)
	require.Zero(t, r.Total().Unreached)
}

// A second fault may hit what the first one has brought about.
func TestSweepPairs(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of runs")
	}
	c := casestest.OnePayment("forget-keys")
	sampled := &partly{Runner: casestest.Pair(), makes: func(n int, c cases.Case) bool { return len(c.Scenario.Timeline) < 2 || n%59 == 0 }}
	r, err := sweep.Packets(t.Context(), sampled, c, sweep.Options{Pairs: true, Jobs: 2})
	require.NoError(t, err)
	require.Contains(t, sampled.names, "duplicated", "one of the pairs crashes the server after its commit")
	total := r.Total()
	require.Greater(t, total.Runs, 5000)
	require.Zero(t, total.Broken)
	single := 0
	for _, row := range r.Rows[:14] {
		single += row.Runs
	}
	require.Less(t, single, 100)
}

// The pairs that matter come first: a bank that forgets its keys at a restart books twice
// in a few hundred of 8,000 pairs, and the first few hundred pairs show it.
func TestPairsThatMatterComeFirst(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of runs")
	}
	c := casestest.OnePayment("forget-keys")
	const limit = 400
	r, err := sweep.Packets(t.Context(), casestest.Pair(), c, sweep.Options{Pairs: true, Jobs: 2, Limit: limit})
	require.NoError(t, err)
	require.Equal(t, limit, r.Total().Runs)
	require.Greater(t, r.Left, 4000)
	found := 0
	for _, f := range r.Findings {
		if f.Check == "duplicated" && strings.Contains(f.Fault, ", then ") {
			found += f.Runs
		}
	}
	require.Greater(t, found, 3, "of %d pairs %d were made", r.Total().Runs+r.Left, r.Total().Runs)
}

// partly is a runner that makes some runs, and says of the others what a run says
// that passes.
type partly struct {
	cases.Runner
	makes func(n int, c cases.Case) bool                    // whether it makes the n-th run, from 1
	wrong func(n int, r cases.Report) (cases.Report, error) // changes what it says; nil does not

	mu    sync.Mutex
	n     int
	names []string // checks that failed in runs it made
}

func (p *partly) Run(ctx context.Context, c cases.Case) (cases.Report, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	r := cases.Report{Result: result.Result{Verdicts: []result.Verdict{{Check: "lost", Status: result.Pass}}}}
	for i := range c.Scenario.Timeline {
		r.Result.Faults = append(r.Result.Faults, result.FaultStat{Event: i, Times: 1, Hits: 1})
	}
	var err error
	if p.makes(p.n, c) {
		r, err = p.Runner.Run(ctx, c)
	}
	for _, v := range r.Result.Verdicts {
		if v.Status == result.Fail {
			p.names = append(p.names, v.Check)
		}
	}
	if err == nil && p.wrong != nil {
		return p.wrong(p.n, r)
	}
	return r, err
}

// Runs that go wrong are told from runs that pass, and the others go on.
func TestSweepOfRunsThatGoWrong(t *testing.T) {
	hang := errors.New("deadlock: the subject waits for itself")
	for name, tc := range map[string]struct {
		wrong func(n int, r cases.Report) (cases.Report, error)
		row   func(result.SweepRow) int
		check string
		exit  int
	}{
		"a run that cannot be made": {
			func(n int, r cases.Report) (cases.Report, error) {
				if n == 4 {
					return cases.Report{}, hang
				}
				return r, nil
			},
			func(r result.SweepRow) int { return r.Broken }, result.Broken, result.ExitBroken,
		},
		"a run that cannot be judged": {
			func(n int, r cases.Report) (cases.Report, error) {
				if n == 4 {
					r.Result.Verdicts[0].Status = result.StatusUnknown
				}
				return r, nil
			},
			func(r result.SweepRow) int { return r.Unknown }, "lost", result.ExitUnknown,
		},
		"a fault that never came": {
			func(n int, r cases.Report) (cases.Report, error) {
				if n == 4 {
					r.Result.Faults = nil
				}
				return r, nil
			},
			func(r result.SweepRow) int { return r.Unreached }, "", result.ExitUnknown,
		},
		"a run that fails before its fault came": {
			func(n int, r cases.Report) (cases.Report, error) {
				if n == 4 {
					r.Result.Faults = nil
					r.Result.Verdicts[0].Status = result.Fail
				}
				return r, nil
			},
			func(r result.SweepRow) int { return r.Failed }, "lost", result.ExitFail,
		},
		"a run without a verdict": {
			func(n int, r cases.Report) (cases.Report, error) {
				if n == 4 {
					r.Result.Verdicts = nil
				}
				return r, nil
			},
			func(r result.SweepRow) int { return r.Broken }, result.Broken, result.ExitBroken,
		},
	} {
		t.Run(name, func(t *testing.T) {
			first := func(n int, _ cases.Case) bool { return n == 1 }
			r, err := sweep.Packets(t.Context(), &partly{Runner: casestest.Pair(), makes: first, wrong: tc.wrong}, casestest.OnePayment(), sweep.Options{})
			require.NoError(t, err)
			total := r.Total()
			require.Equal(t, 1, tc.row(total))
			require.Equal(t, total.Runs-1, total.Passed)
			require.Equal(t, tc.exit, r.Exit())
			if tc.check == "" {
				require.Empty(t, r.Findings)
				return
			}
			require.Len(t, r.Findings, 1)
			require.Equal(t, tc.check, r.Findings[0].Check)
		})
	}
}

// A sweep that cannot be is an error that says why.
func TestSweepRefuses(t *testing.T) {
	_, err := sweep.Packets(t.Context(), casestest.Pair(), casestest.OnePayment(), sweep.Options{Limit: 10})
	require.ErrorContains(t, err, "the limit is 10")

	c := casestest.OnePayment()
	c.Scenario.Workload.Payments = 0
	_, err = sweep.Packets(t.Context(), casestest.Pair(), c, sweep.Options{})
	require.ErrorContains(t, err, "send nothing")

	_, err = sweep.Packets(t.Context(), casestest.Pair(), casestest.OnePayment("no-such-fault"), sweep.Options{})
	require.ErrorContains(t, err, "no-such-fault")
}

// A sweep that is interrupted tells what it has found so far, and is no pass.
func TestSweepIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := sweep.Packets(ctx, casestest.Pair(), casestest.OnePayment(), sweep.Options{Watch: func(done, _, _ int) {
		if done == 5 {
			cancel()
		}
	}})
	require.NoError(t, err)
	require.True(t, r.Interrupted)
	require.Equal(t, 5, r.Total().Runs)
	require.Equal(t, result.ExitInterrupted, r.Exit())
}
