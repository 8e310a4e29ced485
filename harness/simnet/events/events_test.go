package events_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/simnet/events"
)

// TestOrder pushes events of one instant and marks tasks against their order.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l events.Loop
		l.Start(time.Now())
		type run struct {
			name string
			at   time.Duration
		}
		var got []run
		note := func(name string) func() { return func() { got = append(got, run{name, l.At()}) } }
		l.Lock()
		for _, n := range []uint64{3, 1, 2} {
			l.Mark(&events.Task{Number: n, Run: note(string(rune('0' + n)))})
		}
		l.Push(&access.Event{Rank: 1, Run: note("late rank")}, time.Second)
		l.Push(&access.Event{Run: note("first")}, time.Second)
		l.Push(&access.Event{Run: note("second")}, time.Second)
		l.Rearm()
		l.Unlock()
		time.Sleep(2 * time.Second)
		l.Lock()
		require.Equal(t, []run{
			{"1", 1}, {"2", 1}, {"3", 1}, // one service of all that are marked
			{"first", time.Second}, {"second", time.Second + 1}, {"late rank", time.Second + 2},
		}, got)
		l.Unlock()
		l.Stop()
		require.Equal(t, 2*time.Second, l.At())
	})
}

// TestMarkedOnce marks a task several times before it runs, and once while it runs.
func TestMarkedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l events.Loop
		l.Start(time.Now())
		runs := 0
		var task events.Task
		task.Run = func() {
			if runs++; runs == 1 {
				l.Mark(&task)
			}
		}
		l.Lock()
		l.Mark(&task)
		l.Mark(&task)
		l.Unlock()
		time.Sleep(time.Second)
		l.Stop()
		require.Equal(t, 2, runs)
		l.Lock()
		defer l.Unlock()
		l.Mark(&task)
		require.Equal(t, 2, runs, "a loop that has stopped runs nothing")
	})
}

func TestOffset(t *testing.T) {
	var l events.Loop
	start := time.Now()
	l.Start(start)
	defer l.Stop()
	require.Equal(t, time.Minute, l.Offset(start.Add(time.Minute)))
	require.Equal(t, access.Never, l.Offset(time.Time{}))
}

// TestMarkedMeanwhile marks a task at the instant at which the loop runs those that were
// marked before, and ahead of it: it runs with the next ones, as if it were marked after.
func TestMarkedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l events.Loop
		l.Start(time.Now())
		at := map[uint64]time.Duration{}
		mark := func(n uint64) {
			l.Mark(&events.Task{Number: n, Run: func() { at[n] = l.At() }})
		}
		l.Lock()
		mark(2)
		time.Sleep(time.Nanosecond) // the loop waits for the lock now
		mark(1)
		l.Unlock()
		time.Sleep(time.Second)
		l.Stop()
		require.Equal(t, map[uint64]time.Duration{2: 1, 1: 2}, at)
	})
}
