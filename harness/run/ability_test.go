package run_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/judge"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/run"
)

// The header says what the subject reports, so that no check counts on more.
func TestHeaderSaysWhatTheSubjectReports(t *testing.T) {
	for name, yes := range map[string]bool{"nothing": false, "commits and what payers hold": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := newTrial()
				tr.secret, tr.holds, tr.held = !yes, yes, []string{"p8", "p9"}
				tr.must(t, scenario())
				require.Equal(t, yes, tr.records[0].Header.Commits)
				require.Equal(t, yes, tr.records[0].Header.Holds)
				var held []string
				for _, r := range tr.records {
					if r.Held != "" {
						held = append(held, r.Held)
					}
				}
				if yes {
					require.Equal(t, []string{"p8", "p9"}, held)
				} else {
					require.Empty(t, held, "nobody asks")
				}
			})
		})
	}
}

// What payers hold is asked of a subject without a ledger, too, and an answer that
// does not come ends the experiment.
func TestPayersThatDoNotSayWhatTheyHold(t *testing.T) {
	for name, ledger := range map[string]error{"with a ledger": nil, "without a ledger": harness.ErrNoLedger} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := newTrial()
				tr.holds, tr.heldErr, tr.ledgerErr = true, errors.New("battery empty"), ledger
				res, err := tr.run(t.Context(), scenario())
				require.NoError(t, err)
				require.Equal(t, "ask the payers what they still hold: battery empty", res.Error)
				require.Equal(t, ledger != nil, tr.end().NoLedger)
				require.False(t, tr.end().LedgerRead)
			})
		})
	}
}

// A subject that breaks by itself makes the run one that was not carried out; what it
// has to say is in the result.
func TestSubjectThatBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial()
		tr.broke, tr.remarks = errors.New("the server ended with exit code 137"), []string{"bookings were matched by their reference"}
		res, err := tr.run(t.Context(), scenario())
		require.NoError(t, err)
		require.Equal(t, "the server ended with exit code 137", res.Error)
		require.Equal(t, tr.remarks, res.Notes)
		require.True(t, tr.end().LedgerRead, "the ledger is read all the same")
	})
}

// At the end of a run, users go home, and subject and network are closed, whose
// errors change no verdict and are in the log.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial()
		tr.options.Dir = t.TempDir()
		tr.closeErr = errors.New("it hangs")
		tr.hangs = "p1"
		tr.lastWords = func() { tr.note("close the subject") }
		tr.closing = func() { tr.note("close the network"); time.Sleep(second) }
		res := tr.must(t, scenario())
		require.Equal(t, []string{"20.5s close the subject", "20.5s close the network"}, tr.done())
		require.Equal(t, 21500*time.Millisecond, res.Took, "the history ends when all is closed")
		require.False(t, tr.end().Settled)
		log, err := os.ReadFile(filepath.Join(tr.options.Dir, "run.log"))
		require.NoError(t, err)
		require.Contains(t, string(log), "it hangs")
	})
}

// A run waits for the payers whose call has not returned.
func TestStopWaitsForPayers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial()
		tr.book = func(b *bench, p harness.Payment) {
			b.post(p)
			b.observer.Committed(p.ID)
			b.observer.Told(harness.Told{Payment: p.ID, Outcome: harness.Confirmed})
			time.Sleep(30*second - time.Since(b.begin))
		}
		tr.must(t, scenario())
		require.Equal(t, 30*second, tr.since())
	})
}

// Whoever watches is told what the link is like, and that the ledger is read.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial()
		tr.reading = func(*bench) { time.Sleep(second) }
		var states []string
		var done int
		tr.options.Watch = func(n int, state string) {
			done = n
			if len(states) == 0 || states[len(states)-1] != state {
				states = append(states, state)
			}
		}
		sc := scenario()
		sc.Timeline = []harness.Event{{At: 2 * second, For: second, Action: harness.Blackhole}}
		tr.must(t, sc)
		require.Equal(t, []string{"link edge", "link edge, blackhole", "link edge", "settling on a healed link", "reads the ledger"}, states)
		require.Equal(t, 20, done)
	})
}

// A run overwrites an earlier run of the same folder.
func TestRunAgain(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		synctest.Test(t, func(t *testing.T) {
			tr := newTrial()
			tr.options.Dir = dir
			tr.must(t, scenario())
			res, err := judge.File(filepath.Join(dir, run.HistoryFile))
			require.NoError(t, err)
			require.Equal(t, result.Pass, res.Status)
		})
	}
}

// A nemesis injects faults as the seed says, and the history has its faults in the
// timeline of its header.
func TestNemesisStrikes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial()
		sc := scenario()
		sc.Nemesis = []harness.Nemesis{{Rate: 1, For: harness.Durations{Min: second / 10, Max: second}, Event: harness.Event{Action: harness.Refuse}}}
		tr.must(t, sc)
		require.NotEmpty(t, tr.faults())
		require.Empty(t, tr.records[0].Header.Scenario.Nemesis)
		require.Len(t, tr.faults(), 2*len(tr.records[0].Header.Scenario.Timeline))
	})
}

// A payer that has not answered when the run is interrupted is no failure.
func TestEndOfAnInterruptedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(12*second, cancel)
		tr := newTrial()
		tr.hangs = "p3"
		res, err := tr.run(ctx, scenario())
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 12*second, tr.since(), "nothing is waited for")
		require.True(t, tr.end().Interrupted)
		require.False(t, tr.end().Settled)
		require.Empty(t, res.Error)
		require.NotContains(t, []result.Status{result.Pass, result.Fail}, res.Status)
	})
}
