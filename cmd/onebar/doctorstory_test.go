package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/result"
)

// A payment that goes wrong without any impairment has its story, with the deciding part
// of the answer and without the secret that the server echoes.
func TestDoctorTellsTheStory(t *testing.T) {
	if testing.Short() {
		t.Skip("runs in real time")
	}
	t.Setenv("KIOSK_TOKEN", "hush+hush/hush")
	k := &kiosk{}
	k.list = func(w http.ResponseWriter, _ *http.Request) { // each booking, and another one like it
		k.mu.Lock()
		defer k.mu.Unlock()
		all := []map[string]any{}
		for _, b := range k.bookings {
			again := maps.Clone(b)
			again["id"] = "again"
			all = append(all, b, again)
		}
		_ = json.NewEncoder(w).Encode(all)
	}
	server := httptest.NewServer(k)
	t.Cleanup(server.Close)
	code, out, _ := doctored(t, strings.ReplaceAll(kioskScenario, "ADDRESS", server.Listener.Addr().String()))
	require.Equal(t, result.ExitFail, code, out)
	require.Contains(t, out, "what happened to p1 (duplicated)")
	require.Regexp(t, `\d\.\d{3}s  attempt 1 ended after .*: HTTP 201 \{"state":"done"\}`, out)
	require.Contains(t, out, "in the ledger: posting again, ")
	require.NotContains(t, out, "hush")
}
