package disk_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/bubble"
	"github.com/onebar/onebar/harness/disk"
)

// exactly is a range of one length.
func exactly(d time.Duration) harness.Durations { return harness.Durations{Min: d, Max: d} }

// TestSyncTakesTime: a sync takes its time, and meanwhile another goroutine uses the same
// store: it reads what was durable before, and time passes for it, too.
func TestSyncTakesTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(t)
		open := func() *sqlite3.Conn {
			c, err := sqlite3.Open("file:/pay.db?vfs=" + d.VFS())
			require.NoError(t, err)
			require.NoError(t, c.Exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS paid (n INTEGER)"))
			return c
		}
		writer, reader := open(), open()
		defer func() { require.NoError(t, reader.Close()) }()
		defer func() { require.NoError(t, writer.Close()) }()
		count := func() int {
			st, _, err := reader.Prepare("SELECT count(*) FROM paid")
			require.NoError(t, err)
			defer st.Close()
			require.True(t, st.Step())
			return st.ColumnInt(0)
		}
		d.SyncTime(exactly(10*time.Millisecond), 1)
		began := time.Now()
		done := make(chan struct{})
		go func() {
			defer close(done)
			require.NoError(t, writer.Exec("INSERT INTO paid VALUES (1)"))
		}()
		time.Sleep(3 * time.Millisecond)
		require.Zero(t, count(), "it is not durable yet")
		require.Equal(t, 3*time.Millisecond, time.Since(began))
		<-done
		require.Equal(t, 10*time.Millisecond, time.Since(began))
		require.Equal(t, 1, count())
		require.Equal(t, 10*time.Millisecond, time.Since(began), "a reader does not wait")
		d.SyncTime(harness.Durations{}, 0) // for the checkpoint of Close
	})
}

// TestSyncsOverlap: the syncs of two disks take place at the same time.
func TestSyncsOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := disk.NewGroup()
		began := time.Now()
		took := make(chan time.Duration)
		for i := range 2 {
			d := g.Disk(i)
			d.SyncTime(exactly(time.Duration(i+1)*time.Millisecond), 1)
			go func() {
				f, err := d.Open("/f", true)
				require.NoError(t, err)
				require.NoError(t, f.Sync())
				took <- time.Since(began)
			}()
		}
		require.Equal(t, time.Millisecond, <-took)
		require.Equal(t, 2*time.Millisecond, <-took)
	})
}

// TestPowerFailsInASync: a sync that is under way when the power fails ends at once, and has
// synced nothing.
func TestPowerFailsInASync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := disk.New()
		f, err := d.Open("/f", true)
		require.NoError(t, err)
		require.NoError(t, d.SyncDir("/"))
		_, err = f.WriteAt([]byte("text"), 0)
		require.NoError(t, err)
		d.SyncTime(exactly(time.Second), 1)
		began := time.Now()
		time.AfterFunc(time.Millisecond, func() { d.PowerFail(disk.LoseAll) })
		require.ErrorIs(t, f.Sync(), disk.ErrNoPower)
		require.Equal(t, time.Millisecond, time.Since(began))
		d.Revive()
		f, err = d.Open("/f", false)
		require.NoError(t, err)
		require.Empty(t, contents(t, f))
	})
}

// TestSyncTimesAreDrawn: by the seed, in the range, and the same again.
func TestSyncTimesAreDrawn(t *testing.T) {
	between := harness.Durations{Min: time.Millisecond, Max: 25 * time.Millisecond}
	draw := func(seed uint64) (took []time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			d := disk.New()
			f, err := d.Open("/f", true)
			require.NoError(t, err)
			d.SyncTime(between, seed)
			for range 200 {
				began := time.Now()
				require.NoError(t, f.Sync())
				took = append(took, time.Since(began))
			}
		})
		return took
	}
	one := draw(1)
	require.Equal(t, one, draw(1))
	require.NotEqual(t, one, draw(2))
	below := 0
	for _, d := range one {
		require.GreaterOrEqual(t, d, between.Min)
		require.LessOrEqual(t, d, between.Max)
		if d < 5*time.Millisecond {
			below++
		}
	}
	require.InDelta(t, 100, below, 30, "log-uniform: half of them are below the geometric mean")
}

// TestSyncsTakeTurns: of what would go on at one instant, timers come first, and then the
// syncs in the order of their turns, whichever began first. A power failure at that instant
// comes before the sync.
func TestSyncsTakeTurns(t *testing.T) {
	for range 20 {
		var mu sync.Mutex
		var got []string
		note := func(s string) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, s)
		}
		require.NoError(t, bubble.Run(t.Context(), bubble.Options{}, func(ctx context.Context) error {
			g, turns := disk.NewGroup(), bubble.TurnsOf(ctx)
			var wg sync.WaitGroup
			for i := 2; i >= 0; i-- {
				d := g.Disk(i)
				d.SyncTime(exactly(time.Millisecond), 1)
				d.TakeTurns(func(stop <-chan struct{}) { turns.Take(i, stop) })
				wg.Go(func() {
					f, err := d.Open("/f", true)
					require.NoError(t, err)
					err = f.Sync()
					require.Equal(t, i == 1, errors.Is(err, disk.ErrNoPower))
					note(fmt.Sprint(i))
				})
			}
			time.Sleep(time.Millisecond)
			g.Disk(1).PowerFail(disk.LoseAll)
			note("timer")
			wg.Wait()
			return nil
		}))
		require.Contains(t, got[:2], "timer", "before any sync")
		require.Equal(t, []string{"0", "2"}, slices.DeleteFunc(got, func(s string) bool { return s == "timer" || s == "1" }))
	}
}
