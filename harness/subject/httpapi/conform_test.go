package httpapi_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/subject"
	"github.com/onebar/onebar/harness/subject/httpapi"
	"github.com/onebar/onebar/harness/subject/httpapi/conform"
	"github.com/onebar/onebar/harness/sut"
)

// probe runs the tests of idempotency keys on a shop. They stand here beside the shop.
func probe(t *testing.T, s *shop, config sut.HTTPClient, ledger subject.Ledger) ([]result.Probe, error) {
	t.Helper()
	return probeQuiet(t, s, config, ledger, 0)
}

// probeQuiet is probe, with a ledger that must be at rest for quiet.
func probeQuiet(t *testing.T, s *shop, config sut.HTTPClient, ledger subject.Ledger, quiet time.Duration) ([]result.Probe, error) {
	t.Helper()
	return conform.Run(t.Context(), subject.Parts{
		Client: httpapi.NewClient(config, "."), Server: subject.AddressServer(s.Listener.Addr().String()), Ledger: ledger, Quiet: quiet,
	}, harness.Scenario{Settle: 5 * quiet, Workload: harness.Workload{Wallets: 1, Merchants: 1, Payments: 1, AmountMin: 100, AmountMax: 900, Currency: "KES"}}, conform.Options{Dir: t.TempDir()})
}

func TestConform(t *testing.T) {
	const pass, fail, unknown, absent = result.Pass, result.Fail, result.StatusUnknown, result.NotApplicable
	for name, tc := range map[string]struct {
		set    func(*shop)
		preset string
		blind  bool
		want   map[string]result.Status // of those that do not pass
		says   map[string]string        // what the seen of a probe contains
	}{
		"careful": {
			set: func(s *shop) { s.careful = true; s.failing = true }, preset: "ietf",
			says: map[string]string{"replay": "byte for byte; booked 1 times", "concurrent": "HTTP 409, retry", "other-request": "then HTTP 422, declined; booked 1 times"},
		},
		"careful, and never failing": {
			set: func(s *shop) { s.careful = true }, preset: "ietf", want: map[string]result.Status{"after-5xx": absent},
			says: map[string]string{"after-5xx": "half a body HTTP 400, again HTTP 400, then the whole HTTP 200, confirmed; booked 1 times; nothing that could be sent"},
		},
		"no ledger": {
			set: func(s *shop) { s.careful = true }, blind: true,
			want: map[string]result.Status{
				"replay": unknown, "late": unknown, "other-request": unknown, "concurrent": unknown, "after-5xx": absent,
				"cut-in-request": unknown, "cut-request-sent": unknown, "cut-before-answer": unknown,
			},
			says: map[string]string{"replay": "there is no ledger to count bookings in"},
		},
		"it knows no keys": {
			set: func(s *shop) { s.keyless = true }, preset: "ietf",
			want: map[string]result.Status{
				"replay": fail, "late": fail, "other-request": fail, "concurrent": fail, "after-5xx": absent, "cut-request-sent": fail, "cut-before-answer": fail,
			},
			says: map[string]string{"concurrent": "booked 9 times; DUPLICATED", "cut-before-answer": "booked 2 times; DUPLICATED"},
		},
		"it does not look at the body": {
			set: func(*shop) {}, want: map[string]result.Status{"other-request": fail, "after-5xx": absent},
			says: map[string]string{"other-request": "no refusal: the client believes that the other amount was paid"},
		},
		"a race": {
			set: func(s *shop) { s.racy = true }, preset: "checkout", want: map[string]result.Status{"concurrent": fail, "other-request": unknown, "after-5xx": absent, "cut-request-sent": fail},
			says: map[string]string{"concurrent": "DUPLICATED", "cut-request-sent": "DUPLICATED"},
		},
		"a key that is forgotten when the client goes away": {
			set: func(s *shop) { s.forgets = true }, preset: "checkout", want: map[string]result.Status{"concurrent": fail, "other-request": unknown, "after-5xx": absent, "cut-request-sent": fail},
		},
		"no mark": {
			set: func(s *shop) { s.careful = true }, preset: "whop", want: map[string]result.Status{"replay": fail, "other-request": fail, "after-5xx": absent},
			says: map[string]string{"replay": "no Idempotent-Replayed: true", "other-request": "another status"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			tc.set(s)
			config := described()
			config.Preset, config.Timeout, config.KeyHeader = tc.preset, 5*time.Second, "Idempotency-Key"
			config.Outcomes = append(config.Outcomes, sut.HTTPRule{When: "status == 409", Outcome: "retry"}, sut.HTTPRule{When: "status in [400, 422]", Outcome: "declined"})
			var ledger subject.Ledger = httpapi.NewLedger(bookings(), ".")
			if tc.blind {
				ledger = subject.NoLedger{}
			}
			probes, err := probe(t, s, config, ledger)
			require.NoError(t, err)
			require.Len(t, probes, 8)
			for _, p := range probes {
				want, ok := tc.want[p.Name]
				if !ok {
					want = pass
				}
				require.Equal(t, want, p.Status, "%s: %s", p.Name, p.Seen)
				require.Contains(t, p.Seen, tc.says[p.Name])
				require.NotEmpty(t, p.Title)
				require.NotEmpty(t, p.Expected)
			}
		})
	}
}

// behind is a ledger whose first readings list only so many bookings, as of one that a
// queue fills.
type behind struct {
	*httpapi.Ledger
	lists []int
}

func (b *behind) Read(ctx context.Context, env *subject.Env) (harness.Ledger, error) {
	l, err := b.Ledger.Read(ctx, env)
	if len(b.lists) > 0 {
		l.Postings = l.Postings[:min(len(l.Postings), b.lists[0])]
		b.lists = b.lists[1:]
	}
	return l, err
}

// A queued ledger is judged when it is at rest: read at once, it has lost all payments.
func TestConformWaitsForTheLedger(t *testing.T) {
	config := described()
	config.Preset, config.KeyHeader = "ietf", "Idempotency-Key"
	config.Outcomes = append(config.Outcomes, sut.HTTPRule{When: "status == 409", Outcome: "retry"}, sut.HTTPRule{When: "status in [400, 422]", Outcome: "declined"})
	for name, tc := range map[string]struct {
		lists []int
		quiet time.Duration
		want  result.Status // of each test that was made
		says  string
	}{
		"at rest":             {lists: []int{0, 2}, quiet: 20 * time.Millisecond, want: result.Pass, says: "booked 1 times"},
		"read once":           {lists: []int{0}, want: result.Fail, says: "booked 0 times; LOST"},
		"it changes for long": {lists: []int{0, 1, 0, 1, 0, 1, 0, 1}, quiet: 20 * time.Millisecond, want: result.StatusUnknown, says: "the ledger was not at rest"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.careful = true
			lists := append(make([]int, 8), tc.lists...) // it is read after each of 8 probes, too
			probes, err := probeQuiet(t, s, config, &behind{httpapi.NewLedger(bookings(), "."), lists}, tc.quiet)
			require.NoError(t, err)
			for _, p := range probes {
				if p.Status != result.NotApplicable {
					require.Equal(t, tc.want, p.Status, "%s: %s", p.Name, p.Seen)
					require.Contains(t, p.Seen, tc.says)
				}
			}
		})
	}
}

func TestConformNeedsAPaymentThatWorks(t *testing.T) {
	s := newShop(t)
	s.meddle = func(_ int, w http.ResponseWriter, _ *http.Request) bool {
		return say(w, 401, `{"error": "who are you?"}`)
	}
	_, err := probe(t, s, described(), subject.NoLedger{})
	require.ErrorContains(t, err, `a plain payment is not confirmed: HTTP 401, unknown {"error": "who are you?"}; make onebar run pass`)

	config := described()
	config.Key = "none"
	_, err = probe(t, newShop(t), config, subject.NoLedger{})
	require.ErrorContains(t, err, "the client sends no idempotency keys")
}
