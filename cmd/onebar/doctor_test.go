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

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/result"
)

// kiosk is a small payment API. A handler that is not nil replaces one of
// its own.
type kiosk struct {
	pay, list http.HandlerFunc

	mu       sync.Mutex
	bookings []map[string]any
}

func (k *kiosk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	switch {
	case r.Method == http.MethodPost && k.pay != nil:
		k.pay(w, r)
		return
	case r.Method == http.MethodGet && k.list != nil:
		k.list(w, r)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if r.Method == http.MethodPost {
		k.book(w, r, body)
		return
	}
	_ = json.NewEncoder(w).Encode(append([]map[string]any{}, k.bookings...))
}

func (k *kiosk) book(w http.ResponseWriter, r *http.Request, body []byte) {
	b := map[string]any{}
	if err := json.Unmarshal(body, &b); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	b["id"] = fmt.Sprintf("b%d", len(k.bookings)+1)
	k.bookings = append(k.bookings, b)
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{"id": b["id"], "state": "done", "echo": r.Header.Get("Authorization")})
}

// kioskScenario is one for a kiosk, of which replacements may make another.
const kioskScenario = `onebar: 1
name: kiosk
workload: {wallets: 3, merchants: 2, payments: 20, amount: 1..9000 KES}
link: edge
timeline: [{at: 1s, disconnect: reset}]
settle: 3s
subject:
  server: {address: "ADDRESS"}
  client:
    http:
      headers: {Authorization: "Bearer ${KIOSK_TOKEN}"}
      pay:
        path: /payments
        body: '{"ref": {{ json(payment.reference) }}, "cents": {{ payment.amount }}, "from": {{ json(payment.payer) }}, "to": {{ json(payment.payee) }}}'
      outcomes:
        - {when: status == 201 and body.state == "done", outcome: confirmed}
        - {when: status == 402, outcome: declined}
      timeout: 500ms
      give_up: 2s
      retry: {attempts: 2, wait: 10ms}
  ledger:
    quiet: 100ms
    http:
      path: /payments
      fields: {id: item.id, amount: item.cents, payer: item.from, payee: item.to, payment: item.ref}
`

// doctored runs onebar doctor.
func doctored(t *testing.T, scenario string) (code int, out, errs string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kiosk.yaml")
	require.NoError(t, os.WriteFile(file, []byte(scenario), 0o600))
	var stdout, stderr bytes.Buffer
	code = execute(t.Context(), []string{"doctor", file}, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

// later returns a kiosk that gives an answer to its first request to pay. If that is no
// refusal, the payment is booked.
func later(status int, text string) *kiosk {
	k := &kiosk{}
	first := true
	k.pay = func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		k.mu.Lock()
		defer k.mu.Unlock()
		switch {
		case first && status < 300:
			k.book(httptest.NewRecorder(), r, body)
			fallthrough
		case first:
			answers(status, "application/json", text)(w, r)
		default:
			k.book(w, r, body)
		}
		first = false
	}
	return k
}

func answers(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Location", "https://example.com/elsewhere")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// What endpoints do wrong, and scenarios, is said in a sentence that says what to do.
func TestDoctor(t *testing.T) {
	if testing.Short() {
		t.Skip("runs in real time")
	}
	const token = "hush+hush/hush"
	t.Setenv("KIOSK_TOKEN", token)
	json := "application/json"
	for name, tc := range map[string]struct {
		kiosk   *kiosk   // nil is one that does all right
		replace []string // in kioskScenario
		code    int
		want    []string
		never   string
	}{
		"answers that rules expect": {
			kiosk: later(404, `{"error": "not yet"}`), replace: []string{"- {when: status == 402, outcome: declined}", "- {when: status == 404, outcome: retry}"}, code: result.ExitPass,
			want: []string{"retry, by the rule on line 17", "The payment took 2 attempts"}, never: "MEND",
		},
		"an error in the body of a payment that is booked": {
			replace: []string{`status == 201 and body.state == "done"`, "status == 201"}, code: result.ExitPass,
			kiosk: later(201, `{"error": ["none"]}`), want: []string{"confirmed, by the rule on line 16"}, never: "MEND",
		},
		"declined by a preset": {
			kiosk: &kiosk{pay: answers(401, json, `{}`)}, replace: []string{"pay:\n", "preset: ietf\n      pay:\n"}, code: result.ExitUnknown,
			want: []string{"declined, by the rule of ietf", "does not let the client in"},
		},
		"all is well": {
			code: result.ExitPass,
			want: []string{"confirmed, by the rule on line 16", "Authorization: Bearer ${KIOSK_TOKEN}", "is payment p1", "No balances are read", "The server cannot be crashed", "PASS  the scenario can be run"},
		},
		"HTML": {
			kiosk: &kiosk{pay: answers(200, "text/html", "<html>Log in</html>")}, code: result.ExitUnknown,
			want: []string{"with a page in HTML", "no rule matches: unknown", "UNKNOWN  the payment could not be judged"},
		},
		"a redirect": {
			kiosk: &kiosk{pay: answers(307, json, "")}, code: result.ExitUnknown,
			want: []string{"a redirect to https://example.com/elsewhere, which is not followed"},
		},
		"not let in": {
			kiosk: &kiosk{pay: answers(401, json, `{}`)}, code: result.ExitUnknown,
			want: []string{"does not let the client in", "headers: {Authorization:"},
		},
		"no such path": {
			kiosk: &kiosk{pay: answers(404, json, `{}`)}, code: result.ExitUnknown,
			want: []string{"there is no such path"},
		},
		"refused": {
			kiosk: &kiosk{pay: answers(402, json, `{}`)}, code: result.ExitUnknown,
			want: []string{"declined, by the rule on line 17", "The payment was declined"},
		},
		"an answer without a rule": {
			kiosk: &kiosk{pay: answers(200, json, `{"status": "paid"}`)}, code: result.ExitUnknown,
			want: []string{"No rule of client.http.outcomes", `- {when: 'status == 200 and body.status == "paid"', outcome: confirmed}`},
		},
		"200 with an error": {
			kiosk: &kiosk{pay: answers(200, json, `{"error": {"code": "no_such_merchant"}}`)}, replace: []string{`status == 201 and body.state == "done"`, "status == 200"},
			code: result.ExitFail,
			want: []string{"its body tells of an error", "FAIL  lost", "the ledger has nothing new"},
		},
		"never answers": {
			kiosk: &kiosk{pay: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}, code: result.ExitUnknown,
			want: []string{"no answer in time", "timeout: 30s"},
		},
		"closes at once": {
			kiosk: &kiosk{pay: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }}, code: result.ExitUnknown,
			want: []string{"The server ended the connection without an answer"},
		},
		"the ledger is HTML": {
			kiosk: &kiosk{list: answers(200, "text/html", "<html>Log in</html>")}, code: result.ExitBroken,
			want: []string{"with a page in HTML", "BROKEN  the payment could not be made"},
		},
		"a list that is null": {
			kiosk: &kiosk{list: answers(200, json, "null")}, code: result.ExitBroken,
			want: []string{"if that is how the server writes an empty list, say body ?? []"},
		},
		"where leaves everything out": {
			replace: []string{"      fields:", "      where: item.state == 'booked'\n      fields:"}, code: result.ExitFail,
			want: []string{"1 item on page 1, 1 left out by where", "check ledger.http.where", `"ref":`},
		},
		"another field": {
			replace: []string{"payment: item.ref", "payment: item.reference"}, code: result.ExitPass,
			want: []string{"item 1 has no payment", "by their amounts alone", "in item.ref.", "fields: {payment: item.ref}"},
		},
		"a field with something else": {
			replace: []string{"payment: item.ref", "payment: item.id"}, code: result.ExitUnknown,
			want: []string{`item.id is "b1"`, "stands in item.ref", "fields: {payment: item.ref}", "names payment b1, which is not what was asked for", "UNKNOWN  2 checks"},
		},
		"by amounts": {
			replace: []string{", payment: item.ref", ""}, code: result.ExitPass,
			want: []string{"matched to payments by their amounts alone", "in item.ref", "fields: {payment: item.ref}"},
		},
		"by amounts that do not differ": {
			replace: []string{", payment: item.ref", "", "1..9000 KES", "5 KES"}, code: result.ExitPass,
			want: []string{"MEND", "About 190 pairs of the 20 orders"},
		},
		"no ledger": {
			replace: []string{kioskScenario[strings.Index(kioskScenario, "  ledger:"):], "  ledger: {none: true}\n"}, code: result.ExitPass,
			want: []string{"There is no ledger"},
		},
		"no key": {
			replace: []string{"timeout: 500ms", "timeout: 500ms\n      key: none"}, code: result.ExitPass,
			want: []string{"sends no idempotency key", "key: payment"},
		},
		"a crash that cannot be": {
			replace: []string{"disconnect: reset", "crash: server, restart: 1s"}, code: result.ExitBroken,
			want: []string{"confirmed, by the rule", "The scenario could not be run as it is: line 5: the subject has no way to crash", "BROKEN"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.kiosk == nil {
				tc.kiosk = &kiosk{}
			}
			server := httptest.NewServer(tc.kiosk)
			t.Cleanup(server.Close)
			t.Cleanup(server.CloseClientConnections)
			text := strings.NewReplacer(append(tc.replace, "ADDRESS", server.Listener.Addr().String())...).Replace(kioskScenario)
			code, out, errs := doctored(t, text)
			require.Empty(t, errs)
			require.Equal(t, tc.code, code, out)
			flat := strings.Join(strings.Fields(out), " ")
			for _, want := range tc.want {
				require.Contains(t, flat, strings.Join(strings.Fields(want), " "), out)
			}
			if tc.never != "" {
				require.NotContains(t, out, tc.never)
			}
			require.NotContains(t, out, token)
			require.NotContains(t, out, "hush")
		})
	}
}

// A server that is not there, or takes no requests.
func TestDoctorWithoutServer(t *testing.T) {
	t.Setenv("KIOSK_TOKEN", "hush")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	code, out, _ := doctored(t, strings.ReplaceAll(kioskScenario, "ADDRESS", l.Addr().String()))
	require.Equal(t, result.ExitBroken, code)
	require.Contains(t, strings.Join(strings.Fields(out), " "), "nobody answers at "+l.Addr().String())
	require.Contains(t, out, "start the server, or give its address")
}

// onebar follows client programs by their events, and external ledgers by their
// bookings: the examples of the docs.
func TestDoctorOfPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	dir := examples(t)
	for name, tc := range map[string]struct {
		file, mistake string // in its text, before =>
		code          int
		want          []string
	}{
		"program and program": {"client-go/bus.yaml", "", result.ExitPass, []string{`"command":"pay"`, "told confirmed", "bookings: 1, and 0 from before the payment", "is payment p1"}},
		"HTTP and SQL":        {"shop/cut.yaml", "", result.ExitPass, []string{"PUT http://127.0.0.1:", "w0 had 900 KES and has", "is payment p1, order o1"}},
		"a query that names something else": {
			"shop/cut.yaml", "key AS payment, purchase AS \"order\"=>'x' || id AS payment", result.ExitUnknown,
			[]string{`its payment "x1" is none of the payment's names: the column payment must hold payment.id`, "the booking was not matched to the payment"},
		},
		"a query without a column": {
			"shop/cut.yaml", "payer, payee=>payer", result.ExitBroken, []string{"payee is missing: name them with AS"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, tc.file)
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			if before, after, ok := strings.Cut(tc.mistake, "=>"); ok {
				require.Contains(t, string(data), before)
				file = filepath.Join(filepath.Dir(file), "mistaken.yaml")
				require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(data), before, after, 1)), 0o600))
			}
			var out, errs bytes.Buffer
			code := execute(t.Context(), []string{"doctor", file}, &out, &errs)
			require.Empty(t, errs.String())
			require.Equal(t, tc.code, code, out.String())
			for _, want := range tc.want {
				require.Contains(t, strings.Join(strings.Fields(out.String()), " "), want, out.String())
			}
		})
	}
}
