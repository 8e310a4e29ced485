package cli

import (
	"bufio"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	must "github.com/stretchr/testify/require" // this package has a require of its own
)

// names returns the files of a folder.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must.NoError(t, err)
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// TestLostQueueDoesNotPayTwice: the queue is deleted, and the same order is paid
// again.
func TestLostQueueDoesNotPayTwice(t *testing.T) {
	w := newTown(t)
	w.serve("127.0.0.1:0")()
	w.open()
	stop := w.serve(w.address)
	defer stop()
	works(t, w.pay("tea", "250")...)
	must.NoError(t, os.Remove(filepath.Join(w.wallet, "wallet.db")))
	fails(t, "there is no wallet queue", w.pay("tea", "250")...)
	assert.NotContains(t, names(t, w.wallet), "wallet.db")
	fails(t, "exists already", "wallet", "init", "--dir", w.wallet, "--account", "alice", "--bank", w.address, "--bank-key", read(t, w.bank, "bank.pub"))

	// Whoever insists, with an empty queue for the same keys, is told by the bank.
	keys := read(t, w.wallet, "wallet.json")
	must.NoError(t, os.RemoveAll(w.wallet))
	works(t, "wallet", "init", "--dir", w.wallet, "--account", "alice", "--bank", w.address, "--bank-key", read(t, w.bank, "bank.pub"))
	must.NoError(t, os.WriteFile(filepath.Join(w.wallet, "wallet.json"), []byte(keys), 0o600))
	out := works(t, w.pay("tea", "250")...)
	assert.Regexp(t, `tea: 250 minor units of KES to shop: declined: the order was paid before, with transfer \d+: do not pay it again\n`, out)
	assert.Regexp(t, `the order was paid before, with transfer \d+: do not pay it again`, works(t, "wallet", "history", "--dir", w.wallet))
	ledger := works(t, "bank", "ledger", "--dir", w.bank)
	assert.Equal(t, 1, strings.Count(ledger, " tea "))
	assert.Regexp(t, `alice +1000 +750 +KES`, ledger)
}

// TestFilesArePrivate: in folders that all may enter.
func TestFilesArePrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the folder's access list decides on Windows")
	}
	w := newTown(t)
	must.NoError(t, os.Mkdir(w.wallet, 0o755))
	must.NoError(t, os.Chmod(w.bank, 0o755))
	stop := w.serve("127.0.0.1:0")
	check := func() (n int) {
		for _, dir := range []string{w.bank, w.wallet} {
			must.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() || strings.HasSuffix(path, ".pub") {
					return err
				}
				info, err := d.Info()
				must.NoError(t, err)
				assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), path)
				n++
				return nil
			}))
		}
		return n
	}
	assert.GreaterOrEqual(t, check(), 5, "keys, lock, ledger, log and its index")
	stop()
	works(t, "bank", "ledger", "--dir", w.bank)
	check()
	w.open()
	stop = w.serve(w.address)
	works(t, w.pay("tea", "250")...)
	works(t, "bank", "ledger", "--dir", w.bank)
	works(t, "wallet", "history", "--dir", w.wallet)
	assert.GreaterOrEqual(t, check(), 8)
	stop()
}

// TestFailedInitLeavesTheWayFree: what a failure leaves does not stand in the way
// of the next attempt.
func TestFailedInitLeavesTheWayFree(t *testing.T) {
	key := strings.Repeat("ab", 64)
	for name, words := range map[string][]string{
		"bank":   {"bank", "init"},
		"wallet": {"wallet", "init", "--account", "a", "--bank", "h:1", "--bank-key", key},
	} {
		for _, obstacle := range []string{name + ".pub", map[string]string{"bank": "ledger.db", "wallet": "wallet.db"}[name]} {
			t.Run(obstacle, func(t *testing.T) {
				dir := t.TempDir()
				must.NoError(t, os.Mkdir(filepath.Join(dir, obstacle), 0o700))
				must.NoError(t, os.WriteFile(filepath.Join(dir, obstacle, "x"), nil, 0o600))
				words := append(words, "--dir", dir)
				fails(t, obstacle, words...)
				assert.NotContains(t, names(t, dir), name+".json")
				for _, left := range names(t, dir) {
					assert.NotContains(t, left, ".part")
				}
				must.NoError(t, os.RemoveAll(filepath.Join(dir, obstacle)))
				works(t, words...)
			})
		}
	}
	t.Run("keys lost", func(t *testing.T) {
		w := newTown(t)
		must.NoError(t, os.Remove(filepath.Join(w.bank, "bank.json")))
		fails(t, "holds accounts, but its bank.json is missing", "bank", "init", "--dir", w.bank)
	})
}

// TestHistoryBesideAWallet: a wallet that is paying holds its queue to itself, and
// its history is read all the same.
func TestHistoryBesideAWallet(t *testing.T) {
	w := newTown(t)
	w.serve("127.0.0.1:0")()
	w.open()
	ctx, cancel := context.WithCancel(t.Context())
	r, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- onebar(ctx, out, w.pay("tea", "250", "--wait", "1m")...)
		out.Close()
	}()
	_, err := bufio.NewReader(r).ReadString('\n') // it is queued, and the bank is away
	must.NoError(t, err)
	fails(t, "another program has this wallet open", "wallet", "sync", "--dir", w.wallet)
	before := names(t, w.wallet)
	assert.Regexp(t, `tea +shop +250 +KES `, works(t, "wallet", "history", "--dir", w.wallet))
	assert.Equal(t, before, names(t, w.wallet))
	go func() { _, _ = io.Copy(io.Discard, r) }()
	cancel()
	assert.Error(t, <-done)
}
