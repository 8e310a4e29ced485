package run_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/run"
)

// lateRecords runs a scenario and returns what its history says of late timers.
func lateRecords(t *testing.T, clock bool, payments int) (late []history.Record) {
	t.Helper()
	o := options(t, &bench{})
	o.Clock = clock
	o.Each = func(r history.Record) {
		if r.Late > 0 {
			late = append(late, r)
		}
	}
	sc := scenario()
	sc.Workload.Payments, sc.Workload.Rate = payments, 20
	_, err := run.Run(t.Context(), sc, o)
	require.NoError(t, err)
	return late
}

// Time that is not the machine's is never late.
func TestClockIsOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { require.Empty(t, lateRecords(t, true, 20)) })
}

// Beside goroutines that never rest a timer fires late, and the history says when.
func TestClockIsLate(t *testing.T) {
	if testing.Short() {
		t.Skip("runs in real time")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var quit atomic.Bool
	var busy sync.WaitGroup
	for range 4 {
		busy.Go(func() {
			for n := 0; !quit.Load(); n++ { // it never waits
			}
		})
	}
	defer busy.Wait()
	defer quit.Store(true)
	late := lateRecords(t, true, 2)
	require.NotEmpty(t, late)
	for _, r := range late {
		require.GreaterOrEqual(t, r.Late, 2*time.Millisecond)
		require.GreaterOrEqual(t, r.At, r.Late, "it was due within the run")
	}
	require.Empty(t, lateRecords(t, false, 2), "nobody asked")
}
