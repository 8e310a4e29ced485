package onebartest_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/onebar/onebar/harness/onebartest"
)

func TestMain(m *testing.M) {
	if isWorker() {
		m.Run()
		return
	}
	goleak.VerifyTestMain(m)
}

func isWorker() bool { return strings.HasPrefix(os.Args[len(os.Args)-1], "onebartest-worker=") }

// needsWorkers skips a test whose system would bring this process down.
func needsWorkers(t *testing.T) {
	t.Helper()
	if onebartest.Racing {
		t.Skip("under -race runs are made in this process")
	}
}

// recorder is a test that may fail.
type recorder struct {
	testing.TB
	errors, logs []string
}

func (r *recorder) Error(args ...any) { r.errors = append(r.errors, fmt.Sprint(args...)) }
func (r *recorder) Log(args ...any)   { r.logs = append(r.logs, fmt.Sprint(args...)) }
func (r *recorder) Fatal(args ...any) {
	r.Error(args...)
	runtime.Goexit()
}

// failure returns the message with which a trial fails.
func failure(t *testing.T, trial func(testing.TB)) string {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() { // it may end its goroutine
		defer close(done)
		trial(r)
	}()
	<-done
	if t.Skipped() {
		t.SkipNow() // this is a worker, and has served
	}
	require.Len(t, r.errors, 1, "it passes: %v", r.logs)
	return r.errors[0]
}

// again returns the scenario file at the end of a message.
func again(t *testing.T, message string) string {
	t.Helper()
	_, text, ok := strings.Cut(message, ".Run(t)\n\n")
	require.True(t, ok, message)
	return text
}

// seedOf returns the seed that a message says to run again.
func seedOf(t *testing.T, message string) uint64 {
	t.Helper()
	i := strings.LastIndex(message, "Seed: ")
	require.Positive(t, i, message)
	var seed uint64
	_, err := fmt.Sscanf(message[i:], "Seed: %d", &seed)
	require.NoError(t, err)
	return seed
}
