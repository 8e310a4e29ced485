package sqlite_test

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/sqlite"
)

// errClosed is what a store of the suite answers after its end.
var errClosed = errors.New("the suite's store is closed")

// testConfig is a store with one table, "item (n INTEGER PRIMARY KEY)", in a file.
func testConfig(path, vfs string) sqlite.Config {
	return sqlite.Config{
		Path: path, VFS: vfs, Kind: "box", Application: 0x74657374, Version: 4, Closed: errClosed, Create: true, Check: true,
		Schema: "CREATE TABLE item (n INTEGER PRIMARY KEY) STRICT;",
	}
}

// open opens a store until the test ends.
func open(tb testing.TB, cfg sqlite.Config) *sqlite.Store {
	tb.Helper()
	s, err := sqlite.Open(cfg)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	return s
}

// add is a change: one more item.
func add(n int) func(*sqlite.Tx) error {
	return func(tx *sqlite.Tx) error {
		_, err := tx.Exec("INSERT INTO item (n) VALUES (?)", n)
		return err
	}
}

// items returns what there is.
func items(tb testing.TB, s *sqlite.Store) (all []int) {
	tb.Helper()
	require.NoError(tb, s.View(func(tx *sqlite.Tx) (err error) {
		all, err = list(tx)
		return err
	}))
	return all
}

// list returns what there is, in order.
func list(tx *sqlite.Tx) (all []int, err error) {
	err = tx.Query("SELECT n FROM item ORDER BY n", func(r sqlite.Row) error {
		all = append(all, int(r.Int(0)))
		return nil
	})
	return all, err
}

// conforms holds stores to the contract of their methods. Config is called for each
// test, and returns one of a new file: see testConfig.
func conforms(t *testing.T, config func(t *testing.T) sqlite.Config) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, sqlite.Config){
		"update is seen and stays":          testUpdate,
		"error undoes":                      testError,
		"view changes nothing":              testView,
		"one bad change":                    testBadChange,
		"concurrent changes share a commit": testBatch,
		"close":                             testClose,
		"kill":                              testKill,
		"busy":                              testBusy,
		"hooks":                             testHooks,
		"files of other applications":       testIdentity,
		"another program":                   testLocked,
	} {
		t.Run(name, func(t *testing.T) { test(t, config(t)) })
	}
}

func testUpdate(t *testing.T, cfg sqlite.Config) {
	t.Helper()
	s, err := sqlite.Open(cfg)
	require.NoError(t, err)
	require.NoError(t, s.Update(add(1)))
	require.Equal(t, []int{1}, items(t, s))
	require.NoError(t, s.Close())
	cfg.Create = false
	require.Equal(t, []int{1}, items(t, open(t, cfg)))
}

func testError(t *testing.T, cfg sqlite.Config) {
	t.Helper()
	s := open(t, cfg)
	bad := errors.New("bad")
	require.ErrorIs(t, s.Update(func(tx *sqlite.Tx) error { return errors.Join(add(1)(tx), bad) }), bad)
	require.Empty(t, items(t, s))
	require.NoError(t, s.Update(add(2)))
	require.Error(t, s.Update(add(2)), "the number is taken")
	require.ErrorIs(t, s.View(func(*sqlite.Tx) error { return bad }), bad)
	require.Equal(t, []int{2}, items(t, s))
}

func testView(t *testing.T, cfg sqlite.Config) {
	t.Helper()
	s := open(t, cfg)
	require.ErrorContains(t, s.View(add(1)), "a View changes nothing")
	require.Empty(t, items(t, s))
}

// held begins a change that lasts until release is called.
func held(wg *sync.WaitGroup, s *sqlite.Store) (release func()) {
	hold, begun := make(chan struct{}), make(chan struct{})
	wg.Go(func() {
		once := sync.OnceFunc(func() { close(begun) })
		_ = s.Update(func(*sqlite.Tx) error {
			once()
			<-hold
			return nil
		})
	})
	<-begun
	return func() { close(hold) }
}

func testBadChange(t *testing.T, cfg sqlite.Config) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, cfg)
		bad := errors.New("bad")
		var wg sync.WaitGroup
		release := held(&wg, s)
		var good, refused error
		wg.Go(func() { good = s.Update(add(1)) })
		wg.Go(func() { refused = s.Update(func(tx *sqlite.Tx) error { return errors.Join(add(2)(tx), bad) }) })
		synctest.Wait()
		release()
		wg.Wait()
		require.NoError(t, good)
		require.ErrorIs(t, refused, bad)
		require.Equal(t, []int{1}, items(t, s))
	})
}

func testBatch(t *testing.T, cfg sqlite.Config) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		commits := 0 // the writer's until the end of its work
		cfg.Hooks.Done = func() { commits++ }
		cfg.MaxBatch = 8
		s := open(t, cfg)
		var wg sync.WaitGroup
		release := held(&wg, s)
		for n := range 16 {
			wg.Go(func() { require.NoError(t, s.Update(add(n))) })
		}
		synctest.Wait()
		release()
		wg.Wait()
		require.Len(t, items(t, s), 16)
		require.Equal(t, 3, commits, "that of the one who held it up, and two full ones")
	})
}

func testClose(t *testing.T, cfg sqlite.Config) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, cfg)
		var wg sync.WaitGroup
		release := held(&wg, s)
		wg.Go(func() { require.NoError(t, s.Update(add(1)), "it was handed over before the end") })
		synctest.Wait()
		wg.Go(func() { require.NoError(t, s.Close()) })
		synctest.Wait()
		require.ErrorIs(t, s.Update(add(2)), errClosed)
		release()
		wg.Wait()
		require.ErrorIs(t, s.View(func(*sqlite.Tx) error { return nil }), errClosed)
		_, err := s.Start(add(3))
		require.ErrorIs(t, err, errClosed)
		require.NoError(t, s.Kill(), "to end it twice is harmless")
		require.Equal(t, []int{1}, items(t, open(t, cfg)))
	})
}

func testKill(t *testing.T, cfg sqlite.Config) {
	t.Helper()
	s, err := sqlite.Open(cfg)
	require.NoError(t, err)
	require.NoError(t, s.Update(add(1)))
	hold, begun, told := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		told <- s.Update(func(tx *sqlite.Tx) error {
			close(begun)
			<-hold
			return add(2)(tx)
		})
	}()
	<-begun
	killed := make(chan error)
	go func() { killed <- s.Kill() }()
	for ended := false; !ended; { // until it has begun
		_, err := s.Start(add(3))
		ended = errors.Is(err, errClosed)
	}
	close(hold)
	require.ErrorIs(t, <-told, errClosed)
	require.NoError(t, <-killed)
	require.Equal(t, []int{1}, items(t, open(t, cfg)))
}

func testBusy(t *testing.T, cfg sqlite.Config) {
	t.Helper()
	cfg.Queue = 1
	s := open(t, cfg)
	var wg sync.WaitGroup
	release := held(&wg, s)
	done, err := s.Start(add(1))
	require.NoError(t, err)
	_, err = s.Start(add(2))
	require.ErrorIs(t, err, sqlite.ErrBusy)
	short, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, s.Await(short, done), context.Canceled)
	release()
	require.NoError(t, s.Await(context.Background(), done))
	wg.Wait()
	require.Equal(t, []int{1}, items(t, s))
}

func testHooks(t *testing.T, cfg sqlite.Config) {
	t.Helper()
	var calls []string // of the writer; read when it waits
	note := func(s string) { calls = append(calls, s) }
	refuse, bad := false, errors.New("bad")
	cfg.Hooks = sqlite.Hooks{
		Begin: func() { note("begin") },
		Flush: func(_ context.Context, tx *sqlite.Tx) error {
			note("flush")
			if refuse {
				return bad
			}
			return add(100)(tx)
		},
		Done: func() { note("done") },
		Undone: func(tx *sqlite.Tx, cause error) error {
			items, err := list(tx)
			require.Equal(t, []int{1, 100}, items, "what it changed is undone")
			require.ErrorIs(t, cause, bad)
			note("undone")
			return err
		},
	}
	s := open(t, cfg)
	require.NoError(t, s.Update(add(1)))
	require.Equal(t, []int{1, 100}, items(t, s), "what Flush writes belongs to it; a view has no hooks")
	refuse = true
	require.ErrorIs(t, s.Update(add(2)), bad)
	require.Equal(t, []string{"begin", "flush", "done", "begin", "flush", "undone"}, calls)
}

func testIdentity(t *testing.T, cfg sqlite.Config) {
	t.Helper()
	missing := cfg
	missing.Create = false
	_, err := sqlite.Open(missing)
	require.ErrorIs(t, err, fs.ErrNotExist)
	s, err := sqlite.Open(cfg)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	for want, change := range map[string]func(*sqlite.Config){
		"a database, but not a bin":                     func(c *sqlite.Config) { c.Application, c.Kind = 7, "bin" },
		"the box has format 4 and this program knows 5": func(c *sqlite.Config) { c.Version = 5 },
		"the file is damaged: it was not made with":     func(c *sqlite.Config) { c.Schema = "CREATE TABLE other (n INTEGER PRIMARY KEY) STRICT;" },
	} {
		other := cfg
		change(&other)
		_, err := sqlite.Open(other)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, cfg.Path)
	}
}

func testLocked(t *testing.T, cfg sqlite.Config) {
	t.Helper()
	open(t, cfg)
	second, err := sqlite.Open(cfg)
	if cfg.Exclusive {
		require.ErrorIs(t, err, sqlite.ErrLocked)
		return
	}
	require.NoError(t, err)
	require.NoError(t, second.Close())
}
