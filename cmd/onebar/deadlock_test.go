package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/result"
)

// TestADeadlockIsNamed pays at a ledger in which every transfer of the merchant's account
// runs into a deadlock, which the database ends after a second, as PostgreSQL does after
// its deadlock_timeout: the transfers wait for each other. The link hinders nothing, and
// the report says that the attempts failed nevertheless.
func TestADeadlockIsNamed(t *testing.T) {
	if testing.Short() {
		t.Skip("runs in real time")
	}
	t.Parallel()
	type item struct {
		ID    string `json:"id"`
		Ref   string `json:"ref"`
		From  string `json:"from"`
		To    string `json:"to"`
		Cents int64  `json:"cents"`
	}
	merchant := make(chan struct{}, 1)
	var books sync.Mutex
	booked := []item{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			books.Lock()
			defer books.Unlock()
			_ = json.NewEncoder(w).Encode(booked)
			return
		}
		var i item
		_ = json.NewDecoder(r.Body).Decode(&i)
		i.ID = i.Ref
		select {
		case merchant <- struct{}{}:
			defer func() { <-merchant }()
		case <-r.Context().Done():
			return
		}
		time.Sleep(time.Second)
		books.Lock()
		known := false
		for _, b := range booked {
			known = known || b.Ref == i.Ref
		}
		if !known {
			booked = append(booked, i)
		}
		books.Unlock()
		_, _ = w.Write([]byte(`{"state": "done"}`))
	}))
	t.Cleanup(s.Close)
	res, out := on(t, "packet", scenarioOf(t, s.Listener.Addr().String(), "key: payment"))
	v := res.Verdict("unexplained_failures")
	require.Equal(t, result.Fail, v.Status, out)
	require.Contains(t, v.Summary, "failed although nothing hindered them")
	require.Contains(t, out, "× no answer in time")
	require.Contains(t, out, "attempts and status queries")
	require.Contains(t, out, "although nothing hindered them")
}
