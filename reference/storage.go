package reference

import (
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"sync"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/disk"
)

// storage is where the store of a side lives: in a file of this machine, or on a
// disk whose power fails when the side crashes.
type storage struct {
	file string
	disk *disk.Disk // nil: this machine's files

	mu    sync.Mutex
	seeds *rand.Rand // of the power failures
}

// newStorages returns where bank and wallets keep what they know.
func newStorages(env harness.Env, o Options) (bank, wallets *storage) {
	r := harness.Rand(env.Seed, harness.StreamDisk)
	at := func(name string, d *disk.Disk) *storage {
		return &storage{
			file: filepath.Join(env.Dir, name), disk: d,
			seeds: rand.New(rand.NewPCG(r.Uint64(), r.Uint64())),
		}
	}
	return at("bank.db", o.BankDisk), at("wallets.db", o.WalletDisk)
}

// layer names the file layer for SQLite; empty is the operating system's.
func (s *storage) layer() string {
	if s.disk == nil {
		return ""
	}
	return s.disk.VFS()
}

// dsn names the file for SQLite.
func (s *storage) dsn() string {
	if s.disk == nil {
		return s.file
	}
	u := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(s.file), RawQuery: url.Values{"vfs": {s.layer()}}.Encode()}
	return u.String()
}

// cut takes the power away, if it is not gone already.
func (s *storage) cut() {
	if s.disk == nil {
		return
	}
	s.mu.Lock()
	seed := s.seeds.Uint64()
	s.mu.Unlock()
	s.disk.PowerFail(seed)
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
