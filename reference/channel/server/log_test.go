package server

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRepeatedLogLinesAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log syncBuffer
		l := newSparseLog(slog.New(slog.NewTextHandler(&log, nil)))
		for range 1000 { // over 10 s
			l.warn("flood", "from", "x")
			time.Sleep(10 * time.Millisecond)
		}
		l.info("other")
		l.flush()
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		require.Len(t, lines, 12)
		require.NotContains(t, lines[0], "also")
		require.Contains(t, lines[1], "also=99")
		require.Contains(t, lines[11], "also=99")
	})
}

// syncBuffer is a buffer for several goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
