package outbox

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/disk"
	"github.com/onebar/onebar/reference/pay"
	"github.com/onebar/onebar/reference/sqlite"
)

// facts are what a queue's file says of itself.
func facts(t *testing.T, s *Store) (all []string) {
	t.Helper()
	for _, sql := range []string{
		"PRAGMA user_version", "PRAGMA page_size", "PRAGMA page_count", "PRAGMA journal_mode", "PRAGMA synchronous",
		"PRAGMA foreign_keys", "PRAGMA encoding", "PRAGMA auto_vacuum", "PRAGMA integrity_check",
		"SELECT type || name || coalesce(sql, '') FROM sqlite_schema", "SELECT n FROM voided",
	} {
		require.NoError(t, s.db.Update(func(tx *sqlite.Tx) error {
			return tx.Query(sql, func(r sqlite.Row) error {
				all = append(all, sql+": "+r.Text(0))
				return nil
			})
		}))
	}
	return all
}

// TestImageIsWhatTheSchemaMakes: a queue placed as a whole file, on this machine or
// on a disk, is the one that the schema makes in an empty file.
func TestImageIsWhatTheSchemaMakes(t *testing.T) {
	dir, d := t.TempDir(), disk.New()
	empty := filepath.Join(dir, "empty.db")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	var all [][]string
	for _, cfg := range []Config{{Path: empty}, {Path: filepath.Join(dir, "placed.db")}, {Path: "/placed.db", VFS: d.VFS()}} {
		s, err := Create(cfg)
		require.NoError(t, err)
		all = append(all, facts(t, s))
		require.NoError(t, s.Close())
	}
	require.Contains(t, all[0], "PRAGMA journal_mode: wal")
	require.Contains(t, all[0], "PRAGMA page_size: 1024")
	require.Equal(t, all[0], all[1])
	require.Equal(t, all[0], all[2])
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 4, "two queues with their marks, and nothing else is left: %v", entries)
	require.NoError(t, d.Close())
}

func payment(n byte) Payment {
	return Payment{Payment: pay.Payment{
		Key: pay.Key{n + 1}, Order: fmt.Sprint("o", n), Payee: "m0", Amount: 100, Currency: "KES", Created: 1, Deadline: 2,
	}}
}

// TestLogWithoutQueue: if the queue was deleted and its log was not, no empty queue is made,
// and none that the log was read into.
func TestLogWithoutQueue(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wallet.db")
	s, err := Create(Config{Path: path})
	require.NoError(t, err)
	_, _, err = s.Accept(payment(0))
	require.NoError(t, err)
	require.NoError(t, s.Kill())
	info, err := os.Stat(path + "-wal")
	require.NoError(t, err)
	require.Positive(t, info.Size(), "a killed store leaves its log")

	s, err = Open(Config{Path: path})
	require.NoError(t, err)
	all, err := s.History()
	require.NoError(t, err)
	require.Len(t, all, 1, "and finds it again")
	require.NoError(t, s.Kill())

	require.NoError(t, os.Remove(path))
	_, err = Open(Config{Path: path})
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = Create(Config{Path: path})
	require.ErrorIs(t, err, fs.ErrExist, "its mark says that it was in use")
	require.NoError(t, os.Remove(markPath(path)))
	s, err = Create(Config{Path: path})
	require.NoError(t, err)
	all, err = s.History()
	require.NoError(t, err)
	require.Empty(t, all)
	require.NoError(t, s.Close())
}

// TestManyMakeOneQueue: of several calls that create a queue at the same time one gets it, and
// nothing that it accepts is written to another's file.
func TestManyMakeOneQueue(t *testing.T) {
	total := 0
	for range 20 {
		path := filepath.Join(t.TempDir(), "wallet.db")
		stores := make([]*Store, 4)
		var wg sync.WaitGroup
		for i := range stores {
			wg.Go(func() {
				s, err := Create(Config{Path: path})
				if err == nil {
					stores[i] = s
					_, _, err = s.Accept(payment(byte(i)))
				}
				if s != nil && err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		have := 0
		for _, s := range stores {
			if s != nil {
				have++
				require.NoError(t, s.Kill())
			}
		}
		require.LessOrEqual(t, have, 1)
		total += have
		s, err := Open(Config{Path: path})
		require.NoError(t, err)
		all, err := s.History()
		require.NoError(t, err)
		require.Len(t, all, have)
		require.NoError(t, s.Close())
	}
	require.Positive(t, total)
}
