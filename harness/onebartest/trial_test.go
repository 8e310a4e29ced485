package onebartest_test

import (
	"context"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/onebartest"
	"github.com/onebar/onebar/scenarios"
)

const matatu = "testdata/matatu.yaml"

// The correct service, with net/http and TLS as they are, survives bad networks.
func TestRun(t *testing.T) {
	for _, name := range []string{"tunnel", "crash", "answers-lost", "nat-rebind", "reset-storm", "late-answers", "impatient-users", matatu} {
		t.Run(name, func(t *testing.T) {
			onebartest.Trial{Scenario: name, System: wiring{}.system}.Run(t)
		})
	}
}

// With an app that keeps its payments it passes the whole catalogue, but for what is made
// for sim alone: faults of the reference pair's disks and phones, and outages of hours, in
// which the constant attempts of this app are a storm.
func TestCatalogue(t *testing.T) {
	if testing.Short() {
		t.Skip("every bundled scenario")
	}
	files, err := fs.Glob(scenarios.FS, "*.yaml")
	require.NoError(t, err)
	for _, file := range files {
		name := strings.TrimSuffix(file, ".yaml")
		text, err := fs.ReadFile(scenarios.FS, file)
		require.NoError(t, err)
		if strings.Contains(string(text), "\nengine: sim\n") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			onebartest.Trial{Scenario: name, System: durable(false)}.Run(t)
		})
	}
}

func TestRunOverHTTP2(t *testing.T) {
	for _, name := range []string{"tunnel", "crash", "answers-lost", "nat-rebind"} {
		t.Run(name, func(t *testing.T) {
			onebartest.Trial{Scenario: name, System: wiring{http2: true}.system}.Run(t)
		})
	}
}

// A client with HTTP/2 as net/http has it by default sends try after try into a
// connection that the NAT has forgotten.
func TestHTTP2WithoutPings(t *testing.T) {
	message := failure(t, onebartest.Trial{Scenario: "nat-rebind", System: wiring{http2: true, deaf: true}.system}.Run)
	require.Contains(t, message, "nat-rebind, seed 1: unresolved: ")
	require.Contains(t, message, "attempt 5 ended after 8s")
}

// many is n, or a tenth of it for who is in a hurry.
func many(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

func TestSweep(t *testing.T) {
	r := &recorder{TB: t}
	onebartest.Trial{Scenario: "edge", System: wiring{}.system}.Sweep(r)
	require.Empty(t, r.errors)
	require.Contains(t, r.logs[0], "note: not tried: blackhole 30m")
	require.Contains(t, r.logs[0], "note: one payment passed")
}

func TestExplore(t *testing.T) {
	onebartest.Trial{Scenario: matatu, System: wiring{}.system, Seeds: many(200)}.Explore(t)
}

// Each flaw is found by an exploration, and where one fault is enough by a sweep;
// what is found is told, made small and can be run again.
func TestFlaws(t *testing.T) {
	for _, c := range []struct {
		flaw  string
		swept bool
	}{
		{keyPerAttempt, true}, {keyStoredLater, true}, {keyCheckedOutside, false}, {keysInMemory, true},
	} {
		t.Run(c.flaw, func(t *testing.T) {
			system := wiring{flaw: c.flaw}.system
			t.Run("explore", func(t *testing.T) {
				shows(t, system, failure(t, onebartest.Trial{Scenario: matatu, System: system, Seeds: 1000}.Explore))
			})
			t.Run("sweep", func(t *testing.T) {
				if !c.swept {
					t.Skip("it takes two requests at once")
				}
				shows(t, system, failure(t, onebartest.Trial{Scenario: "edge", System: system}.Sweep))
			})
		})
	}
}

// shows wants a message to tell of a duplicate, and its file to show it again.
func shows(t *testing.T, system func(*onebartest.Bench) (onebartest.System, error), message string) {
	t.Helper()
	require.Regexp(t, `^(matatu, seeds 1 to|edge, seed 1: a sweep of) `, message)
	require.Contains(t, message, "duplicated: 1 payment posted more than once: p1 (order o1)")
	require.NotContains(t, message, "a second run of the seed")
	require.Regexp(t, `w0 presses pay(?s:.*)the server has booked it durably(?s:.*)the server has booked it durably(?s:.*)the user is told confirmed`, message)
	file := filepath.Join(t.TempDir(), "again.yaml")
	require.NoError(t, os.WriteFile(file, []byte(again(t, message)), 0o600))
	x := onebartest.Trial{Scenario: file, System: system, InProcess: true, Seed: seedOf(t, message)}
	require.Contains(t, failure(t, x.Run), "duplicated: 1 payment posted more than once: p1 (order o1)")
}

// A system that shows little of itself can pass, and the test says what was not
// judged.
func TestWhatIsNotShownIsNotJudged(t *testing.T) {
	r := &recorder{TB: t}
	onebartest.Trial{Scenario: "edge", InProcess: true, System: func(b *onebartest.Bench) (onebartest.System, error) {
		s, err := wiring{}.system(b)
		s.Commits, s.Ledger = false, nil
		return s, err
	}}.Run(r)
	require.Empty(t, r.errors)
	require.Contains(t, r.logs[0], "n/a lost: the subject has no ledger to read: nobody knows what was booked")
	require.Contains(t, r.logs[0], "n/a early: the subject does not report its commits")
}

// renamed is the wallet service with a commit more, which gives its name to what it books.
func renamed(books string) func(*onebartest.Bench) (onebartest.System, error) {
	return func(b *onebartest.Bench) (onebartest.System, error) {
		s, err := wiring{}.system(b)
		client := s.Client
		s.Client = func(ctx context.Context, p *onebartest.Phone) onebartest.Pay {
			pay := client(ctx, p)
			return func(ctx context.Context, hp harness.Payment) (harness.Outcome, error) {
				if err := b.Commit(ctx, books, func() error { return nil }); err != nil {
					return 0, err
				}
				return pay(ctx, hp)
			}
		}
		return s, err
	}
}

// A sweep of which nothing can be said tells so, and calls it no failure.
func TestUnknownSweep(t *testing.T) {
	message := failure(t, onebartest.Trial{Scenario: "edge", System: silent, InProcess: true}.Sweep)
	require.Contains(t, message, "UNKNOWN early        no fault: the commit of 1 payment told confirmed was never reported")
	require.Contains(t, message, "save this as testdata/edge-early.yaml")
	require.NotContains(t, message, "did not fail so")
}

// silent is the wallet service, which tells nobody of its commits.
func silent(b *onebartest.Bench) (onebartest.System, error) {
	elsewhere := &onebartest.Bench{Workload: b.Workload}
	s, err := wiring{}.system(elsewhere)
	serve := s.Serve
	s.Serve = func(ctx context.Context, l net.Listener) error {
		elsewhere.Log = b.Log
		return serve(ctx, l)
	}
	return s, err
}

// An exploration of which nothing can be said is none that passed, be it of one seed.
func TestUnknownExplore(t *testing.T) {
	message := failure(t, onebartest.Trial{Scenario: "edge", Seeds: 1, System: silent, InProcess: true}.Explore)
	require.Contains(t, message, "0 passed, 0 failed, 1 unknown, 0 broken")
}

// A run that broke off is told as such, and not as one that does not repeat.
func TestBrokenSweep(t *testing.T) {
	var ran atomic.Int64 // lives from run to run
	lost := func(b *onebartest.Bench) (onebartest.System, error) {
		s, err := wiring{}.system(b)
		if ran.Add(1) > 1 {
			s.Ledger = func(context.Context) (harness.Ledger, error) { return harness.Ledger{}, os.ErrDeadlineExceeded }
		}
		return s, err
	}
	message := failure(t, onebartest.Trial{Scenario: "edge", System: lost, InProcess: true}.Sweep)
	require.Regexp(t, `BROKEN +broken +drop, .*: read the ledger: i/o timeout`, message)
	require.NotContains(t, message, "did not fail so")
}

func TestMistakes(t *testing.T) {
	good := wiring{}.system
	with := func(change func(*onebartest.System)) func(*onebartest.Bench) (onebartest.System, error) {
		return func(b *onebartest.Bench) (onebartest.System, error) {
			s, err := good(b)
			change(&s)
			return s, err
		}
	}
	for name, c := range map[string]struct {
		trial onebartest.Trial
		want  string
	}{
		"no such scenario": {onebartest.Trial{Scenario: "tunel", System: good}, `Trial.Scenario "tunel" is neither a file ending in .yaml nor a bundled scenario: those are all-amounts, answers-lost, `},
		"no such file":     {onebartest.Trial{Scenario: "testdata/tunel.yaml", System: good}, "there is no file testdata/tunel.yaml"},
		"no system":        {onebartest.Trial{Scenario: "tunnel"}, "the Trial has no System: set it"},
		"no client":        {onebartest.Trial{Scenario: "tunnel", System: with(func(s *onebartest.System) { s.Client = nil })}, "the System has no Serve or no Client: set both"},
		"no way to crash":  {onebartest.Trial{Scenario: "testdata/phones-die.yaml", System: good}, "the subject has no way to crash the client"},
		"books a stranger": {onebartest.Trial{Scenario: "edge", System: renamed("order-7")}, `a commit was said to book "order-7", and no payment has that ID: give Bench.Commit the harness.Payment.ID`},
		"ledger": {onebartest.Trial{Scenario: "edge", System: with(func(s *onebartest.System) {
			s.Ledger = func(context.Context) (harness.Ledger, error) { return harness.Ledger{}, os.ErrDeadlineExceeded }
		})}, "read the ledger: i/o timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			c.trial.InProcess = true
			message := failure(t, c.trial.Run)
			require.Contains(t, message, c.want)
			require.NotContains(t, message, "the run broke off")
		})
	}
}
