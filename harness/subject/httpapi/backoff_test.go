package httpapi

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness/sut"
)

func TestPropertyBackoff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		jitter := rapid.Float64Range(0, 1).Draw(t, "jitter")
		r := sut.HTTPRetry{
			Wait:   time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "wait")),
			Factor: rapid.Float64Range(1, 100).Draw(t, "factor"),
			Cap:    time.Duration(rapid.Int64Range(0, int64(24*time.Hour)).Draw(t, "cap")),
			Jitter: &jitter,
		}
		n := rapid.IntRange(1, 10_000).Draw(t, "attempt")
		draw := rapid.Float64Range(0, 1).Draw(t, "draw")
		longest := backoff(r, n, 0)
		require.LessOrEqual(t, longest, r.Cap)
		require.GreaterOrEqual(t, backoff(r, n+1, 0), longest, "later waits are no shorter")
		got := backoff(r, n, draw)
		require.LessOrEqual(t, got, longest)
		require.GreaterOrEqual(t, float64(got)+1, float64(longest)*(1-jitter), "no shorter than by the share")
	})
}

// Without a wait there is none, however often it has grown.
func TestBackoffOfNothing(t *testing.T) {
	jitter := 1.0
	r := sut.HTTPRetry{Factor: 2, Cap: time.Hour, Jitter: &jitter}
	require.Zero(t, backoff(r, 1025, 0))
	require.Zero(t, backoff(r, 1025, 1))
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"":                              0,
		"0":                             0,
		"7":                             7 * time.Second,
		"-1":                            0,
		"soon":                          0,
		"9999999999999":                 maxRetryAfter,
		"Mon, 23 Nov 2026 12:00:30 GMT": 30 * time.Second,
		"Mon, 23 Nov 2026 11:00:00 GMT": 0,
		"Wed, 23 Nov 2050 11:00:00 GMT": maxRetryAfter,
	} {
		require.Equal(t, want, retryAfter(http.Header{"Retry-After": []string{text}}, now), text)
	}
}
