package httpapi_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
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

// till is a payment API that books in a ledger in memory, which the tests read directly.
type till struct {
	key func(r *http.Request, body string) string // nil: the header
	// known answers a request whose key is known; nil: the first answer again.
	known func(n int, first, second string, w http.ResponseWriter) bool
	// early is called before a key is looked up; true: it has answered.
	early   func(body string, whole bool, w http.ResponseWriter) bool
	refuses bool          // known refuses a repeat
	race    int           // the payment, from 1, whose key is looked up before it is stored
	ttl     time.Duration // how long keys are kept; 0 is for ever
	queue   time.Duration // how long after the answer it books
	open    bool          // it answers 202, and GET /payments/REF says what became of it

	mu       sync.Mutex
	bodies   map[string]string // by key
	since    map[string]time.Time
	postings []harness.Posting
}

func (s *till) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	body, whole := strings.CutSuffix(string(b), ";")
	if err != nil {
		return
	}
	if ref, ok := strings.CutPrefix(r.URL.Path, "/payments/"); ok {
		s.look(ref, w)
		return
	}
	if s.early != nil && s.early(body, whole, w) {
		return
	}
	if !whole {
		say(w, http.StatusBadRequest, `{}`)
		return
	}
	key := r.Header.Get("Idempotency-Key")
	if s.key != nil {
		key = s.key(r, body)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	first, known := s.bodies[key]
	if known && s.ttl > 0 && time.Since(s.since[key]) > s.ttl {
		known = false
	}
	if known && s.known != nil && s.known(len(s.postings), first, body, w) {
		return
	}
	if !known {
		if len(s.bodies)+1 == s.race {
			s.mu.Unlock()
			time.Sleep(20 * time.Millisecond)
			s.mu.Lock()
		}
		s.bodies[key], s.since[key] = body, time.Now()
		s.book(body)
	}
	status, state := http.StatusCreated, "done"
	if s.open {
		status, state = http.StatusAccepted, "open"
	}
	say(w, status, `{"state": "`+state+`"}`)
}

// book books a body, which is REF,AMOUNT and more.
func (s *till) book(body string) {
	fields := strings.Split(body, ",")
	p := harness.Posting{ID: "b" + fields[0] + fields[1], Payment: fields[0], Amount: amountOf(fields[1]), Currency: "KES"}
	if s.queue == 0 {
		s.postings = append(s.postings, p)
		return
	}
	time.AfterFunc(s.queue, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.postings = append(s.postings, p)
	})
}

func (s *till) look(ref string, w http.ResponseWriter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.postings {
		if p.Payment == ref {
			say(w, http.StatusOK, `{"state": "done"}`)
			return
		}
	}
	say(w, http.StatusNotFound, `{}`)
}

func amountOf(text string) (n int64) {
	for _, c := range text {
		n = 10*n + int64(c-'0')
	}
	return n
}

// books is the ledger of a till.
type books struct{ *till }

func (b books) Read(_ context.Context, env *subject.Env) (harness.Ledger, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var l harness.Ledger
	for _, p := range b.postings {
		p.Payment, _ = env.Asked.Payment(p.Payment)
		l.Postings = append(l.Postings, p)
	}
	return l, nil
}

func (books) Close() error { return nil }

// mortal is a server that can be started again.
type mortal struct {
	*till
	server *httptest.Server
}

func (m *mortal) Start(context.Context, *subject.Env) (string, error) {
	m.server = httptest.NewServer(m.till)
	m.server.Config.SetKeepAlivesEnabled(false)
	return m.server.Listener.Addr().String(), nil
}

func (m *mortal) Crash() error {
	m.server.Close()
	return nil
}
func (m *mortal) Restart(ctx context.Context) (string, error) { return m.Start(ctx, nil) }
func (m *mortal) Close() error                                { return m.Crash() }

// fixed hides that a server can be started again.
type fixed struct{ subject.Server }

func tillClient(rules ...sut.HTTPRule) sut.HTTPClient {
	return sut.HTTPClient{
		Pay:      sut.HTTPRequest{Path: "/pay", Method: "POST", Body: `{{ payment.reference }},{{ payment.amount }},{{ key }};`},
		Outcomes: append(rules, sut.HTTPRule{When: `status in [200, 201] and body.state == "done"`, Outcome: "confirmed"}, sut.HTTPRule{When: "status == 202", Outcome: "pending"}),
		Timeout:  5 * time.Second, GiveUp: 10 * time.Second,
	}
}

func polled(c sut.HTTPClient) sut.HTTPClient {
	c.Poll = &sut.HTTPPoll{
		HTTPRequest: sut.HTTPRequest{Path: "/payments/{{ payment.reference }}"}, Every: 5 * time.Millisecond, Limit: 20,
		Outcomes: []sut.HTTPRule{{When: `body.state == "done"`, Outcome: "confirmed"}},
	}
	return c
}

func refuse(status int) func(int, string, string, http.ResponseWriter) bool {
	return func(_ int, _, _ string, w http.ResponseWriter) bool { return say(w, status, `{"error": "duplicate"}`) }
}

// answerAgain answers a repeat with a status, and another request with 422.
func answerAgain(status int) func(int, string, string, http.ResponseWriter) bool {
	return func(_ int, first, second string, w http.ResponseWriter) bool {
		if first != second {
			return say(w, http.StatusUnprocessableEntity, `{}`)
		}
		return say(w, status, `{"state": "done"}`)
	}
}

// Each case has a bug or a policy of its own.
func TestConformPolicies(t *testing.T) {
	const pass, fail, unknown, absent = result.Pass, result.Fail, result.StatusUnknown, result.NotApplicable
	declined := sut.HTTPRule{When: "status == 422", Outcome: "declined"}
	inBody := func(_ *http.Request, body string) string { return strings.Join(strings.SplitN(body, ",", 3)[2:], "") }
	for name, tc := range map[string]struct {
		till   *till
		client sut.HTTPClient
		late   time.Duration
		quiet  time.Duration
		want   map[string]result.Status // of those that do not pass
		says   map[string]string
	}{
		"replayed": {till: &till{known: answerAgain(201)}, client: tillClient(declined)},
		"replayed with another status": {
			till: &till{known: answerAgain(200)}, client: tillClient(declined), says: map[string]string{"replay": "then HTTP 200, confirmed, with another status"},
		},
		"keys expire": {
			till: &till{known: answerAgain(201), ttl: 100 * time.Millisecond}, client: tillClient(declined), late: 200 * time.Millisecond,
			want: map[string]result.Status{"late": fail}, says: map[string]string{"late": "booked 2 times; DUPLICATED"},
		},
		"a race that is seldom lost": {
			till: &till{known: answerAgain(201), race: 9}, client: tillClient(declined),
			want: map[string]result.Status{"concurrent": fail}, says: map[string]string{"concurrent": "DUPLICATED; not passed in 1 of 10 rounds"},
		},
		"accepted, and polled": {
			till: &till{open: true, known: func(_ int, first, second string, w http.ResponseWriter) bool {
				return first != second && say(w, 422, `{}`)
			}}, client: polled(tillClient(declined)),
			says: map[string]string{"replay": "first HTTP 202, pending; the look-up says confirmed, then HTTP 202, pending; the look-up says confirmed, byte for byte; booked 1 times"},
		},
		"refused, and looked up": {
			till: &till{known: refuse(409), refuses: true}, client: polled(tillClient()),
			says: map[string]string{
				"replay":            "then HTTP 409, unknown; the look-up says confirmed: a repeat is refused, and a look-up finds the first",
				"cut-before-answer": "asked again, HTTP 409, unknown; the look-up says confirmed",
			},
		},
		"refused, and not looked up": {
			till: &till{known: refuse(409), refuses: true}, client: tillClient(),
			want: map[string]result.Status{"replay": fail, "late": fail, "cut-before-answer": unknown},
			says: map[string]string{"replay": "another answer", "cut-before-answer": "never confirmed"},
		},
		"refused, and taken for declined": {
			till: &till{known: refuse(409), refuses: true}, client: polled(tillClient(sut.HTTPRule{When: "status == 409", Outcome: "declined"})),
			want: map[string]result.Status{"replay": fail, "cut-before-answer": fail, "concurrent": fail, "late": fail},
			says: map[string]string{"cut-before-answer": "BOOKED, and the payer is told that it was declined"},
		},
		"409, and confirmed": {
			till: &till{known: refuse(409), refuses: true}, client: tillClient(sut.HTTPRule{When: "status == 409", Outcome: "confirmed"}),
			want: map[string]result.Status{"other-request": fail},
			says: map[string]string{"other-request": "then HTTP 409, confirmed; booked 1 times; no refusal: the client believes that the other amount was paid"},
		},
		"200, and declined": {
			till: &till{known: func(_ int, first, second string, w http.ResponseWriter) bool {
				return first != second && say(w, 200, `{"state": "refused"}`)
			}}, client: tillClient(sut.HTTPRule{When: `body.state == "refused"`, Outcome: "declined"}),
		},
		"keys in bodies": {
			till: &till{key: inBody, known: answerAgain(201)}, client: tillClient(declined),
		},
		"keys in bodies, and errors kept": {
			till: &till{key: inBody, known: answerAgain(201), early: fails(inBody)}, client: tillClient(declined),
			says: map[string]string{"after-5xx": "half a body HTTP 500, again HTTP 500, then the whole HTTP 500, unknown; booked 0 times"},
		},
		"a queue before the ledger": {
			till: &till{known: answerAgain(201), queue: 400 * time.Millisecond}, client: tillClient(declined), quiet: 600 * time.Millisecond,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.till.bodies, tc.till.since = map[string]string{}, map[string]time.Time{}
			s := httptest.NewServer(tc.till)
			defer s.Close()
			probes, err := conform.Run(t.Context(), subject.Parts{
				Client: httpapi.NewClient(tc.client, "."), Server: subject.AddressServer(s.Listener.Addr().String()), Ledger: books{tc.till}, Quiet: tc.quiet,
			}, harness.Scenario{Workload: one(), Settle: 5 * time.Second}, conform.Options{Late: tc.late})
			require.NoError(t, err)
			require.Len(t, probes, 8)
			for _, p := range probes {
				if p.Name == "cut-request-sent" && tc.till.refuses {
					continue // it depends on which of the two requests is read first
				}
				want := tc.want[p.Name]
				if _, ok := tc.want[p.Name]; !ok {
					want = pass
				}
				if p.Name == "after-5xx" && want == pass && p.Status == absent {
					want = absent
				}
				require.Equal(t, want, p.Status, "%s: %s", p.Name, p.Seen)
				require.Contains(t, p.Seen, tc.says[p.Name])
			}
		})
	}
}

// fails returns a part of a till that answers 500 to a broken body, and from then on to
// every request with its key.
func fails(key func(*http.Request, string) string) func(string, bool, http.ResponseWriter) bool {
	var mu sync.Mutex
	bad := map[string]bool{}
	return func(body string, whole bool, w http.ResponseWriter) bool {
		k := key(nil, body)
		mu.Lock()
		defer mu.Unlock()
		bad[k] = bad[k] || !whole
		return bad[k] && say(w, http.StatusInternalServerError, `{}`)
	}
}

func one() harness.Workload {
	return harness.Workload{Wallets: 1, Merchants: 1, Payments: 1, AmountMin: 100, AmountMax: 900, Currency: "KES"}
}

// What was seen until a test kills the server is kept. A server that can be started again
// is tested to the end.
func TestConformOfAServerThatDies(t *testing.T) {
	const fail, unknown = result.Fail, result.StatusUnknown
	for name, tc := range map[string]struct {
		again bool // it can be started again
		other bool // it dies of another request with a known key, and not of half a request
		want  map[string]result.Status
	}{
		"at the end, started again":     {again: true, want: map[string]result.Status{"after-5xx": fail}},
		"at the end, not started again": {want: map[string]result.Status{"after-5xx": fail, "late": unknown}},
		"in the middle, started again":  {again: true, other: true, want: map[string]result.Status{"other-request": fail, "after-5xx": result.NotApplicable}},
		"in the middle, not started again": {other: true, want: map[string]result.Status{
			"other-request": fail, "late": unknown, "concurrent": unknown, "cut-request-sent": unknown, "cut-before-answer": unknown, "cut-in-request": unknown, "after-5xx": unknown,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &till{known: answerAgain(201), bodies: map[string]string{}, since: map[string]time.Time{}}
			m := &mortal{till: s}
			die := func(w http.ResponseWriter) bool {
				_ = m.server.Listener.Close()
				if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
					_ = conn.Close()
				}
				return true
			}
			s.early = func(_ string, whole bool, w http.ResponseWriter) bool { return !whole && !tc.other && die(w) }
			s.known = func(_ int, first, second string, w http.ResponseWriter) bool {
				return first != second && tc.other && die(w) || answerAgain(201)(0, first, second, w)
			}
			var server subject.Server = m
			if !tc.again {
				server = fixed{m}
			}
			config := tillClient(sut.HTTPRule{When: "status == 422", Outcome: "declined"})
			probes, err := conform.Run(t.Context(), subject.Parts{Client: httpapi.NewClient(config, "."), Server: server, Ledger: books{s}}, harness.Scenario{Workload: one()}, conform.Options{})
			require.NoError(t, err)
			require.Len(t, probes, 8)
			for _, p := range probes {
				want, ok := tc.want[p.Name]
				if !ok {
					want = result.Pass
				}
				require.Equal(t, want, p.Status, "%s: %s", p.Name, p.Seen)
				require.NotEmpty(t, p.Title)
				switch want {
				case fail:
					require.Contains(t, p.Seen, "THE SERVER DIED")
				case unknown:
					require.Contains(t, p.Seen, "the server no longer answers")
				case result.Pass, result.NotApplicable:
				}
			}
		})
	}
}

// A key for each attempt is never repeated, so there is nothing to test.
func TestConformNeedsAKeyThatIsRepeated(t *testing.T) {
	config := described()
	config.Key = "attempt"
	_, err := probe(t, newShop(t), config, subject.NoLedger{})
	require.ErrorContains(t, err, "the client makes a key for each attempt")
}
