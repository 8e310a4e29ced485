package httpapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/sut"
)

// Attempts say what the server asked for, and the client does it, polls included.
func TestWhatTheServerAsksFor(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a second")
	}
	t.Parallel()
	s := newShop(t)
	s.meddle = func(n int, w http.ResponseWriter, _ *http.Request) bool {
		return n == 1 && say(w, http.StatusTooEarly, ``) || n == 2 && say(w, http.StatusTeapot, ``, "Retry-After", "1")
	}
	config := described()
	config.Outcomes = append(config.Outcomes, sut.HTTPRule{When: "status == 425", Outcome: "retry"})
	config.Poll = &sut.HTTPPoll{
		HTTPRequest: sut.HTTPRequest{Path: "/status/{{ payment.reference }}"}, Every: time.Millisecond, Limit: 1,
		Outcomes: []sut.HTTPRule{{When: "status == 404", Outcome: "retry"}},
	}
	_, seen := begin(t, s, config)
	require.Equal(t, harness.Confirmed, seen.last().Outcome, seen.last().Reason)
	all := seen.all()
	require.Len(t, all, 4)
	require.True(t, all[0].AsksAgain())
	require.Zero(t, all[0].After)
	require.True(t, all[1].AsksAgain())
	require.Equal(t, time.Second, all[1].After)
	require.True(t, all[2].Status, "the poll that follows an unknown answer")
	require.False(t, all[2].AsksAgain() || all[3].AsksAgain())
	require.GreaterOrEqual(t, seen.at[2]-all[2].Took-seen.at[1], time.Second, "it waits, too")
}
