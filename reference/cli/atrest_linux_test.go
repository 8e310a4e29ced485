package cli

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	must "github.com/stretchr/testify/require" // this package has a require of its own
)

const nobody = 65534

// onReadOnly runs a command as a user who may read the folder and write nothing
// in it: root may do all.
func onReadOnly(t *testing.T, words ...string) string {
	t.Helper()
	var out bytes.Buffer
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // the thread ends with the goroutine, and its user with it
		if os.Getuid() == 0 {
			if err := syscall.Setfsuid(nobody); err != nil {
				done <- err
				return
			}
		}
		done <- onebar(t.Context(), &out, words...)
	}()
	must.NoError(t, <-done)
	return out.String()
}

// TestReadOnlyDisk reads what a bank and a wallet left, closed and killed, where
// nothing can be written.
func TestReadOnlyDisk(t *testing.T) {
	w := newTown(t)
	w.serve("127.0.0.1:0")()
	w.open()
	stop := w.serve(w.address)
	works(t, w.pay("tea", "250")...)
	killed := t.TempDir() // the bank's files as a crash would leave them
	for _, name := range names(t, w.bank) {
		must.NoError(t, os.WriteFile(filepath.Join(killed, name), []byte(read(t, w.bank, name)), 0o600))
	}
	stop()
	must.NotContains(t, names(t, w.bank), "ledger.db-wal")
	must.Contains(t, names(t, killed), "ledger.db-wal")
	for _, dir := range []string{w.bank, w.wallet, killed} {
		must.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
		must.NoError(t, os.Chmod(filepath.Dir(filepath.Dir(dir)), 0o755))
		must.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			must.NoError(t, err)
			mode := os.FileMode(0o400)
			if d.IsDir() {
				mode = 0o500
				t.Cleanup(func() { _ = os.Chmod(path, 0o700) })
			}
			if os.Getuid() == 0 {
				must.NoError(t, os.Lchown(path, nobody, -1))
			}
			return os.Chmod(path, mode)
		}))
	}
	for _, dir := range []string{w.bank, killed} {
		before := names(t, dir)
		ledger := onReadOnly(t, "bank", "ledger", "--dir", dir)
		assert.Regexp(t, `alice +1000 +750 +KES`, ledger)
		assert.Contains(t, ledger, "The books are right.")
		assert.Equal(t, before, names(t, dir))
	}
	before := names(t, w.wallet)
	assert.Regexp(t, `tea +shop +250 +KES .* confirmed `, onReadOnly(t, "wallet", "history", "--dir", w.wallet))
	assert.Equal(t, before, names(t, w.wallet))
}

// TestFullDisk: on a disk without room an init fails and leaves the way free; a
// bank stays up, pays nobody, and goes on when there is room.
func TestFullDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("takes five seconds: wallets wait for a bank that is busy")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("a disk of one megabyte cannot be made here: %v", err)
	}
	t.Cleanup(func() { must.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	ballast := filepath.Join(dir, "ballast")
	fill := func() {
		t.Helper()
		f, err := os.Create(ballast)
		must.NoError(t, err)
		defer f.Close()
		_, err = io.Copy(f, io.LimitReader(zeros{}, 2<<20))
		must.ErrorIs(t, err, syscall.ENOSPC)
	}
	w := newTown(t)
	w.bank = filepath.Join(dir, "bank")
	must.NoError(t, os.Mkdir(w.bank, 0o700))
	fill()
	fails(t, "full", "bank", "init", "--dir", w.bank)
	assert.NotContains(t, names(t, w.bank), "bank.json")
	must.NoError(t, os.Remove(ballast))
	works(t, "bank", "init", "--dir", w.bank)
	works(t, "bank", "enroll", "--dir", w.bank, "--account", "shop", "--currency", "KES")
	w.serve("127.0.0.1:0")()
	w.open()
	stop := w.serve(w.address)
	works(t, w.pay("tea", "1")...)
	fill()
	refused := 0
	for _, order := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		if exit := onebar(t.Context(), io.Discard, w.pay(order, "1", "--wait", "300ms")...); exit != nil {
			assert.Equal(t, exitUnknown, exitCode(t, w.pay(order, "1", "--wait", "300ms")...))
			refused++
		}
	}
	must.Positive(t, refused, "the disk was never full")
	must.NoError(t, os.Remove(ballast))
	works(t, "wallet", "sync", "--dir", w.wallet)
	stop()
	assert.Regexp(t, `alice +1000 +991 +KES`, works(t, "bank", "ledger", "--dir", w.bank))
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
