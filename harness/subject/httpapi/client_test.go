package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/subject/httpapi"
	"github.com/onebar/onebar/harness/sut"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// begin starts a client of the shop.
func begin(t *testing.T, s *shop, c sut.HTTPClient) (*httpapi.Client, *recorder) {
	t.Helper()
	env, seen := environment(s.Listener.Addr().String())
	client := httpapi.NewClient(c, ".")
	require.NoError(t, client.Start(t.Context(), env))
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	env.Asked.Add(payment(1))
	require.NoError(t, client.Payer(1).Pay(t.Context(), payment(1)))
	return client, seen
}

func hang(_ int, _ http.ResponseWriter, r *http.Request) bool {
	<-r.Context().Done()
	return true
}

func cut(w http.ResponseWriter) bool {
	c, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		c.Close()
	}
	return true
}

func say(w http.ResponseWriter, status int, body string, headers ...string) bool {
	for i := 0; i < len(headers); i += 2 {
		w.Header().Set(headers[i], headers[i+1])
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
	return true
}

func TestOutcomes(t *testing.T) {
	type meddle = func(int, http.ResponseWriter, *http.Request) bool
	once := func(first func(http.ResponseWriter)) meddle {
		return func(n int, w http.ResponseWriter, _ *http.Request) bool {
			if n == 1 {
				first(w)
			}
			return n == 1
		}
	}
	for name, tc := range map[string]struct {
		meddle   meddle
		late     func(int, http.ResponseWriter) bool
		change   func(*sut.HTTPClient)
		outcome  harness.Outcome
		reason   string // begins with
		attempts int
		booked   int
	}{
		"confirmed": {outcome: harness.Confirmed, reason: "HTTP 200: rule status == 200", attempts: 1, booked: 1},
		"declined": {
			meddle:  func(_ int, w http.ResponseWriter, _ *http.Request) bool { return say(w, 402, `{"error": "no funds"}`) },
			outcome: harness.Declined, reason: "HTTP 402", attempts: 1,
		},
		"retry is asked again": {
			meddle:  once(func(w http.ResponseWriter) { say(w, 503, ``, "Retry-After", "0") }),
			outcome: harness.Confirmed, reason: "HTTP 200", attempts: 2, booked: 1,
		},
		"retries end unknown": {
			meddle:  func(_ int, w http.ResponseWriter, _ *http.Request) bool { return say(w, 503, ``) },
			outcome: harness.OutcomeUnknown, reason: "HTTP 503", attempts: 3,
		},
		"an answer that never comes is unknown": {
			meddle: hang, outcome: harness.OutcomeUnknown, reason: "no answer in time", attempts: 3,
		},
		"an answer lost once": {
			late:    func(n int, w http.ResponseWriter) bool { return n == 1 && cut(w) },
			outcome: harness.Confirmed, reason: "HTTP 200", attempts: 2, booked: 1,
		},
		"an answer cut inside": {
			late: func(n int, w http.ResponseWriter) bool {
				if n > 1 {
					return false
				}
				w.Header().Set("Content-Length", "100")
				_, _ = io.WriteString(w, `{"state": "do`)
				_ = http.NewResponseController(w).Flush()
				return cut(w)
			},
			outcome: harness.Confirmed, reason: "HTTP 200", attempts: 2, booked: 1,
		},
		"a key per attempt books twice": {
			late:    func(n int, w http.ResponseWriter) bool { return n == 1 && cut(w) },
			change:  func(c *sut.HTTPClient) { c.Key = "attempt" },
			outcome: harness.Confirmed, reason: "HTTP 200", attempts: 2, booked: 2,
		},
		"no key books twice": {
			late:    func(n int, w http.ResponseWriter) bool { return n == 1 && cut(w) },
			change:  func(c *sut.HTTPClient) { c.Key = "none" },
			outcome: harness.Confirmed, reason: "HTTP 200", attempts: 2, booked: 2,
		},
		"nothing is tried again": {
			meddle:  func(_ int, w http.ResponseWriter, _ *http.Request) bool { return cut(w) },
			change:  func(c *sut.HTTPClient) { c.Retry.On = []string{} },
			outcome: harness.OutcomeUnknown, reason: "the server closed the connection", attempts: 1,
		},
		"a reset is no answer": {
			meddle: func(_ int, w http.ResponseWriter, _ *http.Request) bool {
				c, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					return false
				}
				_ = c.(*net.TCPConn).SetLinger(0)
				c.Close()
				return true
			},
			change:  func(c *sut.HTTPClient) { c.Retry.On = []string{} },
			outcome: harness.OutcomeUnknown, reason: "the server reset the connection", attempts: 1,
		},
		"HTML is unknown": {
			meddle: func(_ int, w http.ResponseWriter, _ *http.Request) bool {
				return say(w, 200, `<html>Please log in</html>`, "Content-Type", "text/html")
			},
			outcome: harness.OutcomeUnknown, reason: "HTTP 200: no rule matches", attempts: 1,
		},
		"a redirect is not followed": {
			meddle: func(_ int, w http.ResponseWriter, _ *http.Request) bool {
				return say(w, 307, ``, "Location", "/bookings")
			},
			outcome: harness.OutcomeUnknown, reason: "HTTP 307: no rule matches", attempts: 1,
		},
		"200 with an error in it is not confirmed": {
			meddle: func(_ int, w http.ResponseWriter, _ *http.Request) bool {
				return say(w, 200, `{"error": "internal"}`)
			},
			outcome: harness.OutcomeUnknown, reason: "HTTP 200: no rule matches", attempts: 1,
		},
		"unknown can be tried again": {
			meddle:  once(func(w http.ResponseWriter) { say(w, 418, ``) }),
			change:  func(c *sut.HTTPClient) { c.Retry.On = []string{"unknown"} },
			outcome: harness.Confirmed, reason: "HTTP 200", attempts: 2, booked: 1,
		},
		"given up": {
			meddle: func(_ int, w http.ResponseWriter, _ *http.Request) bool {
				return say(w, 503, ``, "Retry-After", "3600")
			},
			change:  func(c *sut.HTTPClient) { c.GiveUp = 150 * time.Millisecond },
			outcome: harness.OutcomeUnknown, reason: "given up; HTTP 503", attempts: 1,
		},
		"Retry-After can be ignored": {
			meddle:  once(func(w http.ResponseWriter) { say(w, 503, ``, "Retry-After", "3600") }),
			change:  func(c *sut.HTTPClient) { c.Retry.RetryAfter = "ignore" },
			outcome: harness.Confirmed, reason: "HTTP 200", attempts: 2, booked: 1,
		},
		"a pending payment without a way to ask": {
			meddle:  func(_ int, w http.ResponseWriter, _ *http.Request) bool { return say(w, 200, `{"state": "open"}`) },
			outcome: harness.OutcomeUnknown, reason: "HTTP 200: rule", attempts: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.meddle, s.late = tc.meddle, tc.late
			config := described()
			if tc.change != nil {
				tc.change(&config)
			}
			_, seen := begin(t, s, config)
			require.Len(t, seen.told, 1)
			require.Equal(t, tc.outcome, seen.last().Outcome, seen.last().Reason)
			require.Equal(t, !tc.outcome.Final(), seen.last().GivenUp, "the client sends no more requests, and waits for no callback")
			require.True(t, strings.HasPrefix(seen.last().Reason, tc.reason), seen.last().Reason)
			require.Len(t, seen.all(), tc.attempts)
			for i, a := range seen.all() {
				require.Equal(t, i+1, a.N)
				require.Equal(t, "p1", a.Payment)
				require.Positive(t, a.Took)
			}
			require.Equal(t, tc.booked, s.count())
		})
	}
}

func TestKeysAndAccounts(t *testing.T) {
	s := newShop(t)
	s.late = func(n int, w http.ResponseWriter) bool { return n == 1 && cut(w) }
	begin(t, s, described())
	keys := s.seen()
	require.Len(t, keys, 2)
	require.Equal(t, keys[0], keys[1])
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, keys[0])
	require.Equal(t, "acct_w1", s.bookings[0].From)
	require.Equal(t, "m0", s.bookings[0].To)
	require.Regexp(t, `^[0-9a-f]{8}-p1$`, s.bookings[0].Ref)

	again := newShop(t)
	config := described()
	config.KeyQuoted, config.KeyHeader = true, "Idempotency-Key"
	begin(t, again, config)
	require.Regexp(t, `^"[0-9a-f-]{36}"$`, again.seen()[0])
	require.NotContains(t, again.seen()[0], keys[0], "another run has other keys, or a server would replay the earlier one")
}

func TestConnectionsAreKept(t *testing.T) {
	s := newShop(t)
	client, seen := begin(t, s, described())
	for n := 3; n < 9; n += 2 {
		require.NoError(t, client.Payer(1).Pay(t.Context(), payment(n)))
	}
	var dialed int
	for _, a := range seen.all() {
		if a.Dialed {
			dialed++
		}
	}
	require.Equal(t, 1, dialed)
	require.Len(t, seen.all(), 4)
}

func TestNobodyIsToldAfterTheRun(t *testing.T) {
	s := newShop(t)
	s.meddle = hang
	env, seen := environment(s.Listener.Addr().String())
	config := described()
	config.Timeout = time.Minute
	config.GiveUp = time.Minute
	client := httpapi.NewClient(config, ".")
	require.NoError(t, client.Start(t.Context(), env))
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	require.NoError(t, client.Payer(0).Pay(ctx, payment(2)))
	require.Empty(t, seen.told)
}

func TestPoll(t *testing.T) {
	open := func(w http.ResponseWriter) bool { return say(w, 200, `{"state": "open"}`) }
	for name, tc := range map[string]struct {
		meddle  func(int, http.ResponseWriter, *http.Request) bool
		late    func(int, http.ResponseWriter) bool
		change  func(*sut.HTTPClient)
		outcome harness.Outcome
		booked  int
		asks    int
	}{
		"pending, then done": {
			late: func(_ int, w http.ResponseWriter) bool { return open(w) }, outcome: harness.Confirmed, booked: 1, asks: 1,
		},
		"booked, and every answer lost": {
			late: func(_ int, w http.ResponseWriter) bool { return cut(w) }, outcome: harness.Confirmed, booked: 1, asks: 1,
		},
		"never heard of it, so once more": {
			meddle:  func(n int, w http.ResponseWriter, _ *http.Request) bool { return n == 1 && open(w) },
			outcome: harness.Confirmed, booked: 1, asks: 1,
		},
		"never heard of it, up to the limit": {
			meddle:  func(_ int, w http.ResponseWriter, _ *http.Request) bool { return cut(w) },
			outcome: harness.OutcomeUnknown, asks: 4,
		},
		"a status that cannot be asked for": {
			late: func(_ int, w http.ResponseWriter) bool { return cut(w) },
			change: func(c *sut.HTTPClient) {
				c.Pay.Capture, c.Poll.Path = map[string]string{"id": "body.id"}, "/status/{{ captured.id }}"
			},
			outcome: harness.OutcomeUnknown, booked: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.meddle, s.late = tc.meddle, tc.late
			config := described()
			config.Poll = &sut.HTTPPoll{
				HTTPRequest: sut.HTTPRequest{Path: "/status/{{ payment.reference }}"}, Every: time.Millisecond, Limit: 4,
				Outcomes: []sut.HTTPRule{{When: `body.state == "done"`, Outcome: "confirmed"}, {When: "status == 404", Outcome: "retry"}},
			}
			if tc.change != nil {
				tc.change(&config)
			}
			_, seen := begin(t, s, config)
			require.Equal(t, tc.outcome, seen.last().Outcome, seen.last().Reason)
			require.Equal(t, tc.booked, s.count())
			asks := 0
			for _, a := range seen.all() {
				if a.Status {
					asks++
				}
			}
			require.Equal(t, tc.asks, asks)
		})
	}
}

// call sends a callback to the URL that a payment named.
func call(t *testing.T, url, body string) int {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(body))
	require.NoError(t, err)
	resp.Body.Close()
	return resp.StatusCode
}

func TestCallback(t *testing.T) {
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	s := newShop(t)
	s.late = func(_ int, w http.ResponseWriter) bool { return say(w, 200, `{"state": "open"}`) }
	config := described()
	config.Pay.Body = strings.TrimSuffix(config.Pay.Body, "}") + `, "notify": {{ json(callback) }}}`
	config.Callback = &sut.HTTPCallback{Payment: "body.ref", Outcomes: []sut.HTTPRule{
		{When: `body.state == "done"`, Outcome: "confirmed"}, {When: `body.state == "failed"`, Outcome: "declined"},
	}}
	env, seen := environment(s.Listener.Addr().String())
	client := httpapi.NewClient(config, ".")
	require.NoError(t, client.Start(t.Context(), env))
	defer client.Close()
	env.Asked.Add(payment(1))
	told := make(chan error, 1)
	go func() { told <- client.Payer(1).Pay(t.Context(), payment(1)) }()
	require.Eventually(t, func() bool { return s.count() == 1 }, 5*time.Second, time.Millisecond)
	var sent struct{ Ref, Notify string }
	s.mu.Lock()
	require.NoError(t, json.Unmarshal([]byte(s.bodies[0]), &sent))
	s.mu.Unlock()
	require.Equal(t, http.StatusNotFound, call(t, sent.Notify, `{"ref": "another"}`))
	require.Equal(t, http.StatusBadRequest, call(t, sent.Notify, `<html>`))
	require.Equal(t, http.StatusNoContent, call(t, sent.Notify, `{"ref": "`+sent.Ref+`", "state": "open"}`))
	require.Empty(t, seen.last())
	require.Equal(t, http.StatusNoContent, call(t, sent.Notify, `{"ref": "`+sent.Ref+`", "state": "done"}`))
	require.NoError(t, <-told)
	require.Equal(t, harness.Confirmed, seen.last().Outcome)
	require.Equal(t, "callback: HTTP 200: rule body.state == \"done\"", seen.last().Reason)

	call(t, sent.Notify, `{"ref": "`+sent.Ref+`", "state": "done"}`)
	require.Len(t, seen.told, 1, "the same word again is no news")
	call(t, sent.Notify, `{"ref": "`+sent.Ref+`", "state": "failed"}`)
	require.Equal(t, harness.Declined, seen.last().Outcome, "another word is, and the checks will see it")
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, gone.Close())
	for name, tc := range map[string]struct {
		change func(*sut.HTTPClient)
		down   bool
		want   string
	}{
		"down":           {down: true, want: "the server does not answer at " + gone.Addr().String()},
		"TLS with plain": {change: func(c *sut.HTTPClient) { c.URL = "https://localhost" }, want: "check url (http or https)"},
		"no CA":          {change: func(c *sut.HTTPClient) { c.TLS = &sut.HTTPTLS{CA: "none.pem"} }, want: "client.http.tls.ca: open none.pem: no such file"},
		"no pin":         {change: func(c *sut.HTTPClient) { c.TLS = &sut.HTTPTLS{Pin: "abc"} }, want: "client.http.tls.pin: expected the SHA-256"},
		"a set-up request that fails": {
			change: func(c *sut.HTTPClient) { c.Setup[0].Path, c.Setup[0].Line = "/nowhere", 12 },
			want:   "set-up request on line 12 for w0: POST /nowhere: the answer is HTTP 404 404 page not found; check the request",
		},
		"nothing to capture": {
			change: func(c *sut.HTTPClient) { c.Setup[0].Capture = map[string]string{"token": "body.token"} },
			want:   "the answer has no token to capture (body.token)",
		},
		"no account": {
			change: func(c *sut.HTTPClient) { c.Setup[0].Account = "body.acct" },
			want:   "account: body.acct: is not there",
		},
		"a secret that is not set": {
			change: func(c *sut.HTTPClient) {
				c.Headers = map[string]string{"Authorization": "Bearer ${ONEBAR_TEST_NOT_SET}"}
			},
			want: "client.http.headers.Authorization: the environment has no variable ONEBAR_TEST_NOT_SET",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			address := s.Listener.Addr().String()
			if tc.down {
				address = gone.Addr().String()
			}
			config := described()
			if tc.change != nil {
				tc.change(&config)
			}
			env, _ := environment(address)
			client := httpapi.NewClient(config, ".")
			defer client.Close()
			require.ErrorContains(t, client.Start(t.Context(), env), tc.want)
		})
	}
}

// TestSecretsStayInside has a server echo the secret in every answer, and break
// in every way: the secret must be in no error, outcome, attempt or log.
func TestSecretsStayInside(t *testing.T) {
	const secret = "sk_live_0123456789"
	t.Setenv("ONEBAR_TEST_SECRET", secret)
	var log bytes.Buffer
	for name, meddle := range map[string]func(int, http.ResponseWriter, *http.Request) bool{
		"echo": func(_ int, w http.ResponseWriter, r *http.Request) bool {
			return say(w, 400, r.Header.Get("Authorization"))
		},
		"cut":  func(_ int, w http.ResponseWriter, _ *http.Request) bool { return cut(w) },
		"hang": hang,
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.meddle = meddle
			config := described()
			config.Headers = map[string]string{"Authorization": "Bearer ${ONEBAR_TEST_SECRET}"}
			config.Pay.Path = "/pay?key=${ONEBAR_TEST_SECRET}"
			env, seen := environment(s.Listener.Addr().String())
			env.Log = slog.New(slog.NewTextHandler(&log, nil))
			steps := 0
			env.Trace = func(s harness.Step) {
				steps++
				require.NotContains(t, fmt.Sprintf("%+v %+v", s, s.HTTP), secret)
			}
			client := httpapi.NewClient(config, ".")
			require.NoError(t, client.Start(t.Context(), env))
			defer client.Close()
			env.Asked.Add(payment(1))
			require.NoError(t, client.Payer(1).Pay(t.Context(), payment(1)))
			text := fmt.Sprintf("%+v %+v %v %s", seen.told, seen.attempts, client.Notes(), log.String())
			require.NotContains(t, text, secret)
			require.Positive(t, steps)

			config.Setup[0].Path, config.Setup[0].Expect = "/pay?key=${ONEBAR_TEST_SECRET}", "status == 299"
			other := httpapi.NewClient(config, ".")
			defer other.Close()
			err := other.Start(t.Context(), env)
			require.Error(t, err)
			require.NotContains(t, err.Error(), secret)
		})
	}
}

func TestNotesOfRulesThatNeverMatch(t *testing.T) {
	s := newShop(t)
	s.meddle = func(_ int, w http.ResponseWriter, _ *http.Request) bool {
		return say(w, 200, `<html>`, "Content-Type", "text/html")
	}
	config := described()
	config.Outcomes = config.Outcomes[:1]
	client, _ := begin(t, s, config)
	require.Equal(t, []string{
		"1 answers matched no rule of outcomes and count as unknown, the first of them HTTP 200 text/html",
		`of outcomes never matched: rule status == 200 and body.state == "done" (status == 200 and body.state == "done")`,
	}, client.Notes())
	good, _ := begin(t, newShop(t), described())
	require.Empty(t, good.Notes(), "rules for what did not happen are no news")
}

var errDial = errors.New("no radio")

func TestNoWayOverTheLink(t *testing.T) {
	s := newShop(t)
	env, seen := environment(s.Listener.Addr().String())
	env.Dial = func(context.Context, int) (net.Conn, error) { return nil, errDial }
	client := httpapi.NewClient(described(), ".")
	require.NoError(t, client.Start(t.Context(), env), "what sets up goes beside the link")
	defer client.Close()
	require.NoError(t, client.Payer(1).Pay(t.Context(), payment(1)))
	require.Equal(t, harness.OutcomeUnknown, seen.last().Outcome)
	require.Equal(t, "no radio", seen.last().Reason)
	for _, a := range seen.all() {
		require.True(t, a.Dialed)
		require.True(t, a.NoConnection)
		require.Equal(t, "no radio", a.Error)
	}
}

// An attempt has no connection only if none was open before it ended.
func TestNoConnection(t *testing.T) {
	hung := func(ctx context.Context, _ int) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for name, tc := range map[string]struct {
		tls    bool
		dial   func(context.Context, int) (net.Conn, error) // nil is to the shop
		meddle func(int, http.ResponseWriter, *http.Request) bool
		want   bool
	}{
		"refused":                    {dial: func(context.Context, int) (net.Conn, error) { return nil, errDial }, want: true},
		"a dial that takes too long": {dial: hung, want: true},
		"refused, with TLS":          {tls: true, dial: func(context.Context, int) (net.Conn, error) { return nil, errDial }, want: true},
		"a handshake of TLS without an answer": {tls: true, dial: func(context.Context, int) (net.Conn, error) {
			mute, end := net.Pipe()
			t.Cleanup(func() { mute.Close(); end.Close() })
			go func() { _, _ = io.Copy(io.Discard, end) }()
			return mute, nil
		}},
		"an answer that never comes": {meddle: hang},
		"a connection cut":           {meddle: func(_ int, w http.ResponseWriter, _ *http.Request) bool { return cut(w) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.meddle = tc.meddle
			address, config := s.Listener.Addr().String(), described()
			config.Setup = nil                      // its time limit is not what is tested
			config.Timeout = 500 * time.Millisecond // a busy machine opens a connection in that time
			if tc.tls {
				secure := httptest.NewTLSServer(s.Config.Handler)
				defer secure.Close()
				address = secure.Listener.Addr().String()
				config.URL, config.TLS = "https://example.com", &sut.HTTPTLS{Insecure: true}
			}
			env, seen := environment(address)
			client := httpapi.NewClient(config, ".")
			require.NoError(t, client.Start(t.Context(), env))
			defer client.Close()
			if tc.dial != nil {
				env.Dial = tc.dial
			}
			require.NoError(t, client.Payer(1).Pay(t.Context(), payment(1)))
			require.Len(t, seen.all(), 3)
			for _, a := range seen.all() {
				require.Equal(t, tc.want, a.NoConnection, a.Error)
				require.NotEmpty(t, a.Error)
			}
		})
	}
}
