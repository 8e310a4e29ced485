package outbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/sqlite"
)

func openStore(tb testing.TB, path string) *Store {
	tb.Helper()
	return openWith(tb, Config{Path: path})
}

// openWith makes the queue if there is none.
func openWith(tb testing.TB, cfg Config) *Store {
	tb.Helper()
	s, err := Open(cfg)
	if errors.Is(err, fs.ErrNotExist) {
		s, err = Create(cfg)
	}
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	return s
}

// exec runs a statement that no method would.
func (s *Store) exec(sql string) error {
	return s.db.Update(func(tx *sqlite.Tx) error {
		_, err := tx.Exec(sql)
		return err
	})
}

func testPayment(n int, order string) Payment {
	p := Payment{Payment: pay.Payment{
		Order: order, Payee: "m0", Amount: 100, Currency: "KES",
		Created: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).UnixMilli(),
	}}
	copy(p.Key[:], fmt.Sprintf("key %012d", n))
	return p
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
			if from.Follows(to) {
				require.Less(t, from.step(), to.step(), "%v to %v", from, to)
			}
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
	err = s.exec("UPDATE payment SET state = 'confirmed'")
	require.ErrorContains(t, err, "a final state never changes")
	err = s.exec("UPDATE payment SET amount = 1")
	require.ErrorContains(t, err, "a request never changes")
}

func TestSecondProgramIsKeptOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wallet.db")
	openStore(t, path)
	_, err := Open(Config{Path: path})
	require.ErrorContains(t, err, "another program has this wallet open")
}

func TestNewerFormatIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wallet.db")
	s, err := Create(Config{Path: path})
	require.NoError(t, err)
	require.NoError(t, s.exec("PRAGMA user_version = 9"))
	require.NoError(t, s.Close())
	_, err = Open(Config{Path: path})
	require.ErrorContains(t, err, "the wallet queue has format 9 and this program knows 4")
}

func TestFullDiskRefusesThePayment(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "wallet.db"))
	require.NoError(t, s.exec("PRAGMA max_page_count=40"))
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
		s, err := Create(Config{Path: filepath.Join(dir, "wallet.db")})
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
				require.Equal(t, model[h.Key].AttemptCount, len(h.Attempts))
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
					next.AttemptCount++
					a = &Attempt{N: next.AttemptCount, Began: time.Unix(1, 0)}
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
				s, err = Open(Config{Path: filepath.Join(dir, "wallet.db")})
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
				s, err = Open(Config{Path: filepath.Join(dir, "wallet.db")})
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

// TestTablesAgreeWithTransitions makes the tables check every change of state there
// could be.
func TestTablesAgreeWithTransitions(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "wallet.db"))
	undone := errors.New("undone")
	for _, from := range states() {
		leaves := false
		for _, to := range states() {
			leaves = leaves || from.Follows(to)
			err := s.db.Update(func(tx *sqlite.Tx) error {
				_, err := tx.Exec(`INSERT INTO payment (key, ordered, payee, amount, currency, created, deadline, state, checksum)
					VALUES (randomblob(16), 'tea', 'm0', 1, 'KES', 1, 1, ?, 0)`, from.String())
				require.NoError(t, err)
				_, err = tx.Exec(`INSERT INTO payment (key, ordered, payee, amount, currency, created, deadline, state, checksum)
					VALUES (randomblob(16), 'tea', 'm0', 1, 'KES', 1, 1, 'queued', 0)`)
				if from.Refused() {
					require.NoError(t, err, "the order may be paid anew after %v", from)
				} else {
					require.ErrorContains(t, err, "UNIQUE", "a second payment beside one that is %v", from)
				}
				_, err = tx.Exec(`UPDATE payment SET state = ? WHERE state = ?`, to.String(), from.String())
				if from.Follows(to) {
					require.NoError(t, err, "%v to %v", from, to)
				} else {
					require.ErrorContains(t, err, "no such change of state", "%v to %v", from, to)
				}
				return undone
			})
			require.ErrorIs(t, err, undone)
		}
		require.Equal(t, !leaves, from.Final(), "%v", from)
		require.Contains(t, sqlAny(), "'"+from.String()+"'")
		parsed, err := parseState(from.String())
		require.NoError(t, err)
		require.Equal(t, from, parsed)
	}
	require.Error(t, s.exec("INSERT INTO payment (key, ordered, payee, amount, currency, created, deadline, state, checksum) VALUES (randomblob(16), 'x', 'm0', 1, 'KES', 1, 1, 'paid', 0)"))
}

// TestIndexesAreUsed: the queries repeat the conditions of the partial indexes.
func TestIndexesAreUsed(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "wallet.db"))
	for where, index := range map[string]string{
		sqlNotRefused() + " AND ordered = 'x'": "one_payment_per_order",
		sqlUnfinished():                        "unfinished",
	} {
		var plan []string
		require.NoError(t, s.db.View(func(tx *sqlite.Tx) error {
			return tx.Query("EXPLAIN QUERY PLAN SELECT "+columns+" FROM payment WHERE "+where+" ORDER BY id", func(r sqlite.Row) error {
				plan = append(plan, r.Text(3))
				return nil
			})
		}))
		require.Contains(t, fmt.Sprint(plan), index)
	}
}
