package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/result"
)

// till is a small payment API that knows idempotency keys, and is slow to answer
// after it has booked.
func till(t *testing.T) *httptest.Server {
	t.Helper()
	var mu sync.Mutex
	answers := map[string][]byte{}
	bookings := []map[string]any{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /payments", func(w http.ResponseWriter, r *http.Request) {
		var booking map[string]any
		body, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(body, &booking) != nil {
			return // cut
		}
		mu.Lock()
		answer, known := answers[r.Header.Get("Idempotency-Key")]
		if !known {
			booking["id"] = len(bookings) + 1
			bookings = append(bookings, booking)
			answer, _ = json.Marshal(map[string]any{"id": booking["id"], "state": "done"})
			answers[r.Header.Get("Idempotency-Key")] = answer
		}
		mu.Unlock()
		time.Sleep(50 * time.Millisecond)
		_, _ = w.Write(answer)
	})
	mux.HandleFunc("GET /payments", func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		_ = json.NewEncoder(w).Encode(bookings)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// scenarioOf writes a scenario for a server, whose client has more keys.
func scenarioOf(t *testing.T, address, more string, timeline ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "till.yaml")
	text := fmt.Sprintf(`onebar: 1
name: till
workload: {wallets: 4, payments: 40, rate: 20/s, amount: 1..900 KES}
link: {both: {delay: 20ms}}
subject:
  client:
    http:
      pay:
        path: /payments
        body: '{"ref": "{{ payment.reference }}", "cents": {{ payment.amount }}, "from": "{{ payment.payer }}", "to": "{{ payment.payee }}"}'
      outcomes:
        - {when: status == 200 and body.state == "done", outcome: confirmed}
      timeout: 300ms
      give_up: 4s
      retry: {attempts: 10, wait: 50ms, cap: 500ms}
      %s
  server: {address: "%s"}
  ledger:
    quiet: 100ms
    http:
      path: /payments
      fields: {id: item.id, amount: item.cents, payer: item.from, payee: item.to, payment: item.ref}
timeline: [%s]
settle: 10s
`, more, address, strings.Join(timeline, ", "))
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// on runs a file on an engine and returns its result and what was printed.
func on(t *testing.T, engine, file string) (res result.Result, output string) {
	t.Helper()
	dir := t.TempDir()
	report := filepath.Join(dir, "result.json")
	var out, errs bytes.Buffer
	code := execute(t.Context(), []string{"run", file, "--engine", engine, "--out", dir, "--json", report}, &out, &errs)
	data, err := os.ReadFile(report)
	require.NoError(t, err, errs.String())
	var all struct{ Results []result.Result }
	require.NoError(t, json.Unmarshal(data, &all))
	require.Len(t, all.Results, 1)
	require.Equal(t, all.Results[0].Exit(), code)
	return all.Results[0], out.String()
}

// TestHTTP makes the harness pay at an external API, through both
// engines: its keys survive a cut, and a client that makes a key for each attempt
// does not.
func TestHTTP(t *testing.T) {
	if testing.Short() {
		t.Skip("runs in real time")
	}
	for _, engine := range []string{"packet", "toxiproxy"} {
		for key, want := range map[string]result.Status{"payment": result.Pass, "attempt": result.Fail} {
			t.Run(engine+", a key per "+key, func(t *testing.T) {
				t.Parallel()
				file := scenarioOf(t, till(t).Listener.Addr().String(), "key: "+key,
					"{at: 500ms, disconnect: blackhole, direction: down, for: 400ms}", "{at: 1300ms, disconnect: reset}")
				res, out := on(t, engine, file)
				require.Equal(t, want, res.Verdict("duplicated").Status, out)
				for _, check := range []string{"lost", "altered", "phantom", "contradicted", "flipped"} {
					require.Equal(t, result.Pass, res.Verdict(check).Status, out)
				}
				attempts, measured := res.Figures.Get("attempts_per_payment")
				require.True(t, measured)
				require.Greater(t, attempts.Value, 1.0, "the faults have hit payments")
				require.Contains(t, res.Notes, "bookings were matched to payments by item.ref")
				require.Contains(t, out, "note  bookings were matched to payments by item.ref")
			})
		}
	}
}

// TestEndpointsThatAreNone runs against servers that are no payment API: never a
// pass, and a sentence that says what to look at.
func TestEndpointsThatAreNone(t *testing.T) {
	if testing.Short() {
		t.Skip("runs in real time")
	}
	for name, tc := range map[string]struct {
		handler http.HandlerFunc // nil is a server that is down
		conn    func(net.Conn)   // takes each connection; nil serves handler
		exit    int
		says    string
	}{
		"down": {exit: result.ExitBroken, says: "start the server"},
		"HTML": {
			handler: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>Welcome</html>") },
			exit:    result.ExitBroken, says: "the answer is no JSON (text/html; charset=utf-8): is this the API? check url and path; it says: <html>Welcome</html>",
		},
		"redirect": {
			handler: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) },
			exit:    result.ExitBroken, says: "the answer is HTTP 302",
		},
		"closes": {
			conn: func(c net.Conn) {
				_, _ = c.Read(make([]byte, 64<<10))
				c.Close()
			},
			exit: result.ExitBroken, says: "the server closed the connection; check that the server runs",
		},
		"resets": {
			conn: func(c net.Conn) {
				_, _ = c.Read(make([]byte, 64<<10))
				_ = c.(*net.TCPConn).SetLinger(0)
				c.Close()
			},
			exit: result.ExitBroken, says: "the server reset the connection; check that the server runs",
		},
		"never answers": {
			handler: func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					_, _ = io.WriteString(w, "[]")
					return
				}
				_, _ = io.Copy(io.Discard, r.Body)
				<-r.Context().Done()
			},
			exit: result.ExitFail, says: "payments without a final outcome",
		},
		"200 with an error in it": {
			handler: func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					_, _ = io.WriteString(w, "[]")
					return
				}
				_, _ = io.WriteString(w, `{"error": "no such merchant"}`)
			},
			exit: result.ExitFail, says: "40 answers matched no rule of outcomes and count as unknown, the first of them HTTP 200 text/plain",
		},
		"401 for everybody": {
			handler: func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					_, _ = io.WriteString(w, "[]")
					return
				}
				http.Error(w, `{"error": "who are you?"}`, http.StatusUnauthorized)
			},
			exit: result.ExitUnknown, says: "none of 40 payments was confirmed or booked",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			address := l.Addr().String()
			switch {
			case tc.conn != nil:
				go func() {
					for {
						c, err := l.Accept()
						if err != nil {
							return
						}
						go tc.conn(c)
					}
				}()
				t.Cleanup(func() { l.Close() })
			case tc.handler == nil:
				l.Close()
			default:
				s := httptest.NewUnstartedServer(tc.handler)
				s.Listener.Close()
				s.Listener = l
				s.Start()
				t.Cleanup(s.Close)
			}
			file := scenarioOf(t, address, "preset: ietf")
			res, out := on(t, "packet", file)
			require.Equal(t, tc.exit, res.Exit(), out)
			require.Contains(t, out+res.Error+strings.Join(res.Notes, " "), tc.says)
		})
	}
}
