package onebartest_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/onebartest"
)

// panicky is a payment server over plain HTTP whose handler panics for each request; its
// clients ask once and give up. logged: net/http writes to Bench.Log, else to package log.
func panicky(logged bool) func(*onebartest.Bench) (onebartest.System, error) {
	return func(b *onebartest.Bench) (onebartest.System, error) {
		return onebartest.System{
			Serve: func(_ context.Context, l net.Listener) error {
				s := &http.Server{Handler: http.HandlerFunc(noteReceipt), ReadHeaderTimeout: time.Minute}
				if logged {
					s.ErrorLog = slog.NewLogLogger(b.Log.Handler(), slog.LevelDebug)
				}
				return s.Serve(l)
			},
			Client: func(_ context.Context, p *onebartest.Phone) onebartest.Pay {
				c := &http.Client{Transport: &http.Transport{DialContext: p.DialContext, DisableKeepAlives: true}}
				return func(ctx context.Context, hp harness.Payment) (harness.Outcome, error) {
					req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://server/", nil)
					if err != nil {
						return harness.Failed, err
					}
					began := time.Now()
					resp, err := c.Do(req)
					if err == nil {
						err = resp.Body.Close()
					}
					p.Attempt(hp.ID, 1, began, err)
					return harness.OutcomeUnknown, err
				}
			},
			Ledger: func(context.Context) (harness.Ledger, error) { return harness.Ledger{}, nil },
		}, nil
	}
}

// noteReceipt writes into a map that nobody has made.
func noteReceipt(http.ResponseWriter, *http.Request) {
	var receipts map[string]bool
	receipts["r1"] = true //nolint:staticcheck // it panics, as it is to
}

// A panic that net/http has recovered is shown, whichever log it was written to: it says
// where, and the client saw a closed connection only.
func TestRecoveredPanic(t *testing.T) {
	for name, logged := range map[string]bool{"package log": false, "Bench.Log": true} {
		for where, inProcess := range map[string]bool{"worker": false, "in process": true} {
			t.Run(name+", "+where, func(t *testing.T) {
				message := failure(t, onebartest.Trial{Scenario: "edge", System: panicky(logged), InProcess: inProcess}.Run)
				require.Regexp(t, `note: a handler of the server panicked 45 times, and net/http recovered it; the first \d+\.\d{3}s into the run: assignment to entry in nil map, in onebartest_test\.noteReceipt \(panics_test\.go:\d+\)`, message)
			})
		}
	}
}

// Two runs of a seed whose client draws numbers that no seed knows: the message says where
// their histories part.
func TestWhereHistoriesPart(t *testing.T) {
	system := func(b *onebartest.Bench) (onebartest.System, error) {
		s, err := panicky(false)(b)
		client := s.Client
		s.Client = func(ctx context.Context, p *onebartest.Phone) onebartest.Pay {
			pay := client(ctx, p)
			return func(ctx context.Context, hp harness.Payment) (harness.Outcome, error) {
				time.Sleep(rand.N(time.Second)) //nolint:gosec // no seed knows it, as it is to be
				return pay(ctx, hp)
			}
		}
		return s, err
	}
	message := failure(t, onebartest.Trial{Scenario: "edge", System: system, Seeds: 1, InProcess: true}.Explore)
	require.Contains(t, message, "a second run of the seed had another history, and failed, too")
	require.Regexp(t, `two more runs part at line \d+ of their histories: one run has {"at":\d+.*, the other {"at":\d+`, message)
	require.Contains(t, message, "save this as testdata/edge-unresolved.yaml")
	require.Contains(t, message, "smallest run found that still fails, after")
	require.Regexp(t, `edge, seed 1: unresolved: 1 payment`, message)
}
