package main

import (
	"encoding/json"
	"fmt"
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

// queue answers before it books, after first, and books the same payment again after
// again; 0 is not again. It is late.js of the case "late ledger".
func queue(t *testing.T, first, again time.Duration, idIsReference bool) *httptest.Server {
	t.Helper()
	var mu sync.Mutex
	list := []map[string]any{}
	book := func(ref any, amount any) {
		mu.Lock()
		defer mu.Unlock()
		b := map[string]any{"id": len(list) + 1, "ref": ref, "amount": amount}
		if idIsReference {
			b["id"] = ref
		}
		list = append(list, b)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			mu.Lock()
			defer mu.Unlock()
			_ = json.NewEncoder(w).Encode(list)
			return
		}
		var p map[string]any
		if json.NewDecoder(r.Body).Decode(&p) != nil {
			return // cut
		}
		time.AfterFunc(first, func() { book(p["ref"], p["amount"]) })
		if again > 0 {
			time.AfterFunc(again, func() { book(p["ref"], p["amount"]) })
		}
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, "{}")
	}))
	t.Cleanup(s.Close)
	return s
}

// TestLateLedger runs the case "late ledger": a queue that books late passes, one that
// books twice does not, and two bookings of one id are an error that names the id.
func TestLateLedger(t *testing.T) {
	if testing.Short() {
		t.Skip("runs in real time")
	}
	text, err := os.ReadFile("testdata/late.yaml")
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		first, again time.Duration
		idIsRef      bool
		want         map[string]result.Status
		says         string
	}{
		"books late":         {first: 400 * time.Millisecond, want: map[string]result.Status{"lost": result.Pass, "duplicated": result.Pass, "phantom": result.Pass}, says: "the ledger was at rest at "},
		"books again":        {again: 400 * time.Millisecond, want: map[string]result.Status{"lost": result.Pass, "duplicated": result.Fail}, says: "10 payments posted more than once"},
		"one id for both":    {again: 10 * time.Millisecond, idIsRef: true, says: "page 1 of the ledger lists a booking of id \""},
		"books far too late": {first: 8 * time.Second, want: map[string]result.Status{"lost": result.Fail}, says: "10 payments lost"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "late.yaml")
			address := queue(t, tc.first, tc.again, tc.idIsRef).Listener.Addr().String()
			require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(string(text), "ADDRESS", address)), 0o600))
			res, out := on(t, "packet", file)
			require.Contains(t, out+res.Error, tc.says)
			for check, status := range tc.want {
				require.Equal(t, status, res.Verdict(check).Status, "%s: %s", check, res.Verdict(check).Summary)
			}
			require.Equal(t, tc.idIsRef, res.Error != "", res.Error)
		})
	}
}
