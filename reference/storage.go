package reference

import (
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"sync"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/disk"
)

// storage is where the stores of a side live: in files of this machine, or on a
// disk whose power fails when the side crashes.
type storage struct {
	dir  string
	disk *disk.Disk // nil: this machine's files

	mu    sync.Mutex
	seeds *rand.Rand // of the power failures
	base  int64      // commits before the script
}

// script begins: commits are numbered from here.
func (s *storage) script() {
	if s.disk != nil {
		s.base = s.disk.Count(disk.LogSync)
	}
}

// commits returns how many commits there have been in the script. A commit is a
// sync of SQLite's log.
func (s *storage) commits() int64 {
	if s.disk == nil {
		return 0
	}
	return s.disk.Count(disk.LogSync) - s.base
}

// failCommit has the power fail at the n-th commit of the script; 0 is none.
func (s *storage) failCommit(n int64, after bool, told func()) {
	if s.disk == nil {
		return
	}
	s.disk.OnFail(nil)
	s.disk.FailAt(disk.Point{}, 0)
	if n <= s.commits() {
		return // none, or it has been
	}
	s.disk.OnFail(func() {
		if s.commits() >= n {
			s.disk.OnFail(nil)
			told()
		}
	})
	s.disk.FailAt(disk.Point{Kind: disk.LogSync, N: s.base + n, After: after}, s.seed())
}

// seed draws that of a power failure.
func (s *storage) seed() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seeds.Uint64()
}

// newStorages returns where bank and wallets keep what they know.
func newStorages(env harness.Env, o Options) (bank, wallets *storage) {
	r := harness.Rand(env.Seed, harness.StreamDisk)
	at := func(d *disk.Disk) *storage {
		return &storage{
			dir: env.Dir, disk: d,
			seeds: rand.New(rand.NewPCG(r.Uint64(), r.Uint64())),
		}
	}
	return at(o.BankDisk), at(o.WalletDisk)
}

// layer names the file layer for SQLite; empty is the operating system's.
func (s *storage) layer() string {
	if s.disk == nil {
		return ""
	}
	return s.disk.VFS()
}

// file is the path of a file on the disk.
func (s *storage) file(name string) string { return filepath.Join(s.dir, name) }

// dsn names a file on the disk for SQLite.
func (s *storage) dsn(name string) string {
	if s.disk == nil {
		return s.file(name)
	}
	u := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(s.file(name)), RawQuery: url.Values{"vfs": {s.layer()}}.Encode()}
	return u.String()
}

// cut takes the power away, if it is not gone already.
func (s *storage) cut() {
	if s.disk == nil {
		return
	}
	s.disk.PowerFail(s.seed())
}

// failures returns how many power failures there have been.
func (s *storage) failures() int64 {
	if s.disk == nil {
		return 0
	}
	return s.disk.Failures()
}

// power gives the power back, if it was gone.
func (s *storage) power() {
	if s.disk != nil {
		s.disk.Revive()
	}
}
