package outbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ncruces/go-sqlite3/vfs"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/reference/pay"
)

func openStore(tb testing.TB, dsn string) *Store {
	tb.Helper()
	s, err := OpenStore(dsn)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	return s
}

func testPayment(n int, order string) Payment {
	p := Payment{Payment: pay.Payment{
		Order: order, Payee: "m0", Amount: 100, Currency: "KES",
		Created: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).UnixMilli(),
	}}
	copy(p.Key[:], fmt.Sprintf("key %012d", n))
	return p
}

// snapshot copies what is on disk at this moment, as a power cut would leave
// it, and opens the copy.
func snapshot(tb testing.TB, dir string) *Store {
	tb.Helper()
	to := tb.TempDir()
	for _, name := range []string{"wallet.db", "wallet.db-wal"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		require.NoError(tb, err)
		require.NoError(tb, os.WriteFile(filepath.Join(to, name), b, 0o600))
	}
	return openStore(tb, filepath.Join(to, "wallet.db"))
}

func orders(tb testing.TB, s *Store) (got []string) {
	tb.Helper()
	hs, err := s.History()
	require.NoError(tb, err)
	for _, h := range hs {
		got = append(got, h.Order)
	}
	return got
}

func TestStateTransitions(t *testing.T) {
	all := []State{Queued, Sent, Unknown, Confirmed, Declined, Expired}
	allowed := map[[2]State]bool{
		{Queued, Sent}: true, {Queued, Expired}: true,
		{Sent, Unknown}: true, {Sent, Confirmed}: true, {Sent, Declined}: true, {Sent, Expired}: true,
		{Unknown, Confirmed}: true, {Unknown, Declined}: true, {Unknown, Expired}: true,
	}
	for _, from := range all {
		for _, to := range all {
			require.Equal(t, allowed[[2]State{from, to}], from.Follows(to), "%v to %v", from, to)
		}
	}
}

func TestFinalStateStaysOnDisk(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "wallet.db"))
	p, _, err := s.Accept(testPayment(1, "tea"))
	require.NoError(t, err)
	require.NoError(t, s.Change(new(p.With(Sent)), Queued, nil))
	require.NoError(t, s.Change(new(p.With(Declined)), Sent, nil))
	require.ErrorContains(t, s.Change(new(p.With(Confirmed)), Declined, nil), "cannot go from declined to confirmed")
	require.ErrorContains(t, s.Change(new(p.With(Confirmed)), Sent, nil), "is not sent on disk")
	// The tables refuse it too, whatever the program believes.
	err = s.do(func(d *db) error { return d.query("UPDATE payment SET state = 3", nil) })
	require.ErrorContains(t, err, "a final state never changes")
	err = s.do(func(d *db) error { return d.query("UPDATE payment SET amount = 1", nil) })
	require.ErrorContains(t, err, "a request never changes")
}

func TestSecondProgramIsKeptOut(t *testing.T) {
	dsn := filepath.Join(t.TempDir(), "wallet.db")
	openStore(t, dsn)
	_, err := OpenStore(dsn)
	require.ErrorContains(t, err, "another program has this wallet open")
}

func TestNamesOfTheFilesAreSynced(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	s := openStore(t, "wallet.db")
	require.NoError(t, s.do(func(d *db) error {
		require.True(t, filepath.IsAbs(d.c.Filename("main").String()), "or its folder is not found")
		return d.syncNames()
	}))
	require.ErrorIs(t, syncDir(filepath.Join(dir, "missing")), os.ErrNotExist)
}

func TestNewerFormatIsRefused(t *testing.T) {
	dsn := filepath.Join(t.TempDir(), "wallet.db")
	s, err := OpenStore(dsn)
	require.NoError(t, err)
	require.NoError(t, s.do(func(d *db) error { return d.query("PRAGMA user_version = 9", nil) }))
	require.NoError(t, s.Close())
	_, err = OpenStore(dsn)
	require.ErrorContains(t, err, "the queue has format 9 and this program knows 2")
}

func TestFullDiskRefusesThePayment(t *testing.T) {
	s := openStore(t, "file:"+filepath.Join(t.TempDir(), "wallet.db")+"?_pragma=max_page_count(40)")
	taken := 0
	var err error
	for ; err == nil; taken++ {
		require.Less(t, taken, 100_000, "the disk never fills")
		_, _, err = s.Accept(testPayment(taken, fmt.Sprint(taken)))
	}
	require.ErrorContains(t, err, "full")
	require.Len(t, orders(t, s), taken-1, "what was refused is not there, and reading goes on")
	hs, err := s.History()
	require.NoError(t, err)
	require.NoError(t, s.Change(new(hs[0].With(Sent)), Queued, nil), "and so does what needs no room")
}

// brokenDisk is a file layer of which so many of the next syncs fail.
type brokenDisk struct {
	vfs.VFS
	fail atomic.Int64
}

type brokenFile struct {
	vfs.File
	disk *brokenDisk
}

func (d *brokenDisk) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, flags, err := d.VFS.(vfs.VFSFilename).OpenFilename(name, flags)
	return brokenFile{f, d}, flags, err
}

func (f brokenFile) Sync(flags vfs.SyncFlag) error {
	if f.disk.fail.Add(-1) >= 0 {
		return errors.New("the disk has an error")
	}
	return f.File.Sync(flags)
}

func TestFailedCommitDoesNotComeBack(t *testing.T) {
	disk := &brokenDisk{VFS: vfs.Find("")}
	vfs.Register("broken", disk)
	t.Cleanup(func() { vfs.Unregister("broken") })
	dir := t.TempDir()
	s := openStore(t, "file:"+filepath.Join(dir, "wallet.db")+"?vfs=broken")
	take := func(n int, order string) error {
		_, _, err := s.Accept(testPayment(n, order))
		return err
	}
	require.NoError(t, take(1, "tea"))
	disk.fail.Store(1)
	require.Error(t, take(2, "bun"))
	require.Equal(t, []string{"tea"}, orders(t, snapshot(t, dir)), "it is written over before the user is told")
	disk.fail.Store(1000)
	require.Error(t, take(3, "jam"))
	require.Error(t, take(4, "ham"), "while that cannot be made durable nothing else is done")
	disk.fail.Store(0)
	require.Equal(t, []string{"tea"}, orders(t, s), "reading is enough")
	require.Equal(t, []string{"tea"}, orders(t, snapshot(t, dir)))
	require.NoError(t, take(5, "egg"))
	require.Equal(t, []string{"tea", "egg"}, orders(t, snapshot(t, dir)))
}

func TestFullDiskCanBeRead(t *testing.T) {
	disk := &brokenDisk{VFS: vfs.Find("")}
	vfs.Register("broken", disk)
	t.Cleanup(func() { vfs.Unregister("broken") })
	s := openStore(t, "file:"+filepath.Join(t.TempDir(), "wallet.db")+"?vfs=broken")
	_, _, err := s.Accept(testPayment(1, "tea"))
	require.NoError(t, err)
	disk.fail.Store(1000)
	_, _, err = s.Accept(testPayment(2, "bun"))
	require.Error(t, err)
	require.Equal(t, []string{"tea"}, orders(t, s))
	disk.fail.Store(0)
}

func TestOneBadChangeDoesNotFailItsBatch(t *testing.T) {
	dsn := filepath.Join(t.TempDir(), "wallet.db")
	synctest.Test(t, func(t *testing.T) {
		s, err := OpenStore(dsn)
		require.NoError(t, err)
		hold, bad := make(chan struct{}), errors.New("bad")
		results := make([]error, 3)
		var wg sync.WaitGroup
		wg.Go(func() {
			results[0] = s.do(func(*db) error {
				<-hold
				return nil
			})
		})
		synctest.Wait()
		wg.Go(func() { _, _, results[1] = s.Accept(testPayment(1, "tea")) })
		wg.Go(func() { results[2] = s.do(func(*db) error { return bad }) })
		synctest.Wait()
		close(hold)
		wg.Wait()
		require.NoError(t, results[0])
		require.NoError(t, results[1])
		require.ErrorIs(t, results[2], bad)
		require.Equal(t, []string{"tea"}, orders(t, s))
		require.NoError(t, s.Close())
		require.ErrorIs(t, s.do(func(*db) error { return nil }), ErrClosed)
	})
}

// TestStoreAgainstModel drives a store with random operations, restarts and
// power cuts, beside a map that says what must be on disk.
func TestStoreAgainstModel(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds: every step syncs a disk")
	}
	base, dirs := t.TempDir(), 0
	newDir := func() string {
		dirs++
		dir := filepath.Join(base, fmt.Sprint(dirs))
		require.NoError(t, os.Mkdir(dir, 0o700))
		return dir
	}
	rapid.Check(t, func(t *rapid.T) {
		dir := newDir()
		s, err := OpenStore(filepath.Join(dir, "wallet.db"))
		require.NoError(t, err)
		defer func() { _ = s.Close() }()
		model := map[pay.Key]Payment{}
		open := map[string]pay.Key{} // the payment of an order that is not refused
		n := 0
		check := func(s *Store) {
			hs, err := s.History()
			require.NoError(t, err)
			require.Len(t, hs, len(model))
			for _, h := range hs {
				require.Equal(t, model[h.Key].State, h.State)
				require.Equal(t, model[h.Key].Tries, len(h.Attempts))
				require.Equal(t, model[h.Key].Payment, h.Payment.Payment)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"press": func(t *rapid.T) {
				n++
				order := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "order")
				got, fresh, err := s.Accept(testPayment(n, order))
				require.NoError(t, err)
				key, exists := open[order]
				require.Equal(t, !exists, fresh)
				if exists {
					require.Equal(t, key, got.Key)
					return
				}
				open[order], model[got.Key] = got.Key, got
			},
			"change": func(t *rapid.T) {
				if len(open) == 0 {
					t.Skip("nothing to change")
				}
				key, ok := open[rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "order")]
				if !ok {
					t.Skip("no such payment")
				}
				p := model[key]
				to := rapid.SampledFrom([]State{Sent, Unknown, Confirmed, Declined, Expired, p.State}).Draw(t, "to")
				next := p.With(to)
				var a *Attempt
				if rapid.Bool().Draw(t, "with attempt") {
					next.Tries++
					a = &Attempt{N: next.Tries, Began: time.Unix(1, 0)}
				}
				err := s.Change(&next, p.State, a)
				if to != p.State && !p.State.Follows(to) {
					require.Error(t, err)
					return
				}
				require.NoError(t, err)
				model[key] = next
				if to == Declined || to == Expired {
					delete(open, p.Order)
				}
			},
			"restart": func(t *rapid.T) {
				require.NoError(t, s.Close())
				s, err = OpenStore(filepath.Join(dir, "wallet.db"))
				require.NoError(t, err)
			},
			"power cut": func(t *rapid.T) {
				to := newDir()
				for _, name := range []string{"wallet.db", "wallet.db-wal"} {
					if b, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
						require.NoError(t, os.WriteFile(filepath.Join(to, name), b, 0o600))
					}
				}
				require.NoError(t, s.Close())
				dir = to
				s, err = OpenStore(filepath.Join(dir, "wallet.db"))
				require.NoError(t, err)
			},
			"": func(*rapid.T) { check(s) },
		})
	})
}

func BenchmarkAccept(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s := openStore(b, filepath.Join(b.TempDir(), "wallet.db"))
			var n atomic.Int64
			b.ReportAllocs()
			b.SetParallelism(writers / 2)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := int(n.Add(1))
					if _, _, err := s.Accept(testPayment(i, fmt.Sprint(i))); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
