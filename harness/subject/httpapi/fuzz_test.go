package httpapi

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/exchange"
	"github.com/onebar/onebar/harness/subject"
	"github.com/onebar/onebar/harness/sut"
)

// told records what payers are told.
type heard struct{ told []harness.Told }

func (h *heard) Told(t harness.Told)     { h.told = append(h.told, t) }
func (h *heard) Attempt(harness.Attempt) {}
func (h *heard) Committed(string)        {}

// FuzzCallback calls back with any request: only a payment that was requested is told
// anything, and only what the body says.
func FuzzCallback(f *testing.F) {
	for _, s := range []string{
		`{"ref": "p1", "state": "done"}`, `{"ref": "p1", "state": "failed"}`, `{"ref": "p2", "state": "done"}`, `{"ref": "p1", "state": "done"} {}`,
		`{"ref": ["p1"]}`, `{"ref": null}`, `[]`, `null`, ``, `<html>`, `{"ref": "p1", "state": {"done": true}}`,
	} {
		f.Add("POST", "text/plain", []byte(s))
	}
	plan, problems := exchange.NewClient(sut.HTTPClient{
		Pay: sut.HTTPRequest{Path: "/pay"},
		Callback: &sut.HTTPCallback{Payment: "body.ref", Outcomes: []sut.HTTPRule{
			{When: `body.state == "done"`, Outcome: "confirmed"}, {When: `body.state == "failed"`, Outcome: "declined"},
		}},
	}, "127.0.0.1:1", nil)
	require.Empty(f, problems)
	f.Fuzz(func(t *testing.T, method, kind string, body []byte) {
		seen := &heard{}
		env := &subject.Env{Log: slog.New(slog.DiscardHandler), Asked: &subject.Asked{}, Observer: seen}
		env.Asked.Add(harness.Payment{ID: "p1"})
		l := &listener{
			client: &Client{plan: plan, env: env, run: exchange.Vars{}}, waiting: map[string]chan word{},
			final: map[string]exchange.Meaning{"p1": exchange.Unknown}, // so that its payer is told at once
		}
		r, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1/callback", bytes.NewReader(body))
		if err != nil {
			return
		}
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		l.ServeHTTP(w, r)
		require.Contains(t, []int{http.StatusNoContent, http.StatusBadRequest, http.StatusNotFound}, w.Code)
		var said struct{ Ref, State any }
		if json.Unmarshal(body, &said) != nil {
			said.Ref, said.State = nil, nil
		}
		for _, told := range seen.told {
			require.Equal(t, http.StatusNoContent, w.Code)
			require.Equal(t, "p1", told.Payment)
			require.Equal(t, "p1", said.Ref)
			require.Equal(t, map[harness.Outcome]any{harness.Confirmed: "done", harness.Declined: "failed"}[told.Outcome], said.State)
		}
		require.LessOrEqual(t, len(seen.told), 1)
	})
}

// FuzzRetryAfter reads any header: digits are seconds, up to a day however many, and
// anything else is a date or nothing.
func FuzzRetryAfter(f *testing.F) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for _, s := range []string{"0", "5", "-1", "+5", "1.5", "00009", "99999999999999999999", "9223372036854775807", "", " 7 ", now.Add(time.Minute).Format(http.TimeFormat), now.Add(-time.Hour).Format(time.RFC850), "soon"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := retryAfter(http.Header{"Retry-After": {text}}, now)
		require.GreaterOrEqual(t, got, time.Duration(0))
		require.LessOrEqual(t, got, maxRetryAfter)
		if text != "" && strings.Trim(text, "0123456789") == "" {
			seconds, _ := new(big.Float).SetString(text)
			s, _ := seconds.Float64()
			require.Equal(t, time.Duration(min(s, maxRetryAfter.Seconds())*float64(time.Second)), got)
		}
		if strings.HasPrefix(text, "+") || strings.HasPrefix(text, "-") {
			require.Zero(t, got)
		}
	})
}
