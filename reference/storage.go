package reference

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"sync"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/bubble"
	"github.com/onebar/onebar/harness/disk"
)

// storage is where one machine keeps its store: in files of this machine, or on a disk
// whose power fails when the machine crashes.
type storage struct {
	dir  string
	disk *disk.Disk // nil: this machine's files
	side *side
	turn func(stop <-chan struct{}) // of the machine in virtual time, see bubble.Turns; nil is none
}

// side holds the power of all machines of a side.
type side struct {
	power power // of their disks; nil if they have no disks

	mu    sync.Mutex
	seeds *rand.Rand // of the power failures
	worst bool       // they lose everything that was not synced
	base  int64      // commits before the script

	storages []*storage
	commit   harness.Durations // how long a commit takes in the script
	timeSeed uint64            // of these times
	began    bool              // the script has begun
}

// power is the power of a disk or of a group of disks.
type power interface {
	PowerFail(seed uint64)
	FailAt(p disk.Point, seed uint64)
	OnFail(f func())
	Count(k disk.Kind) int64
	Inject(f disk.Fault) (end func() (hits int64))
}

// script is called when the script begins: commits are numbered from then on, and take time.
func (s *side) script() {
	s.began = true
	if s.power != nil {
		s.base = s.power.Count(disk.LogSync)
	}
	for _, st := range s.storages {
		st.timed()
	}
}

// commits returns how many commits there have been in the script. A commit is a
// sync of SQLite's log.
func (s *side) commits() int64 {
	if s.power == nil {
		return 0
	}
	return s.power.Count(disk.LogSync) - s.base
}

// failCommit makes the power fail at the n-th commit of the script; 0 is none.
func (s *side) failCommit(n int64, after bool, told func()) {
	if s.power == nil {
		return
	}
	s.power.OnFail(nil)
	s.power.FailAt(disk.Point{}, 0)
	if n <= s.commits() {
		return // none, or it has been
	}
	s.power.OnFail(func() {
		if s.commits() >= n {
			s.power.OnFail(nil)
			told()
		}
	})
	s.power.FailAt(disk.Point{Kind: disk.LogSync, N: s.base + n, After: after}, s.seed())
}

func (s *side) seed() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	seed := s.seeds.Uint64()
	if s.worst {
		return disk.LoseAll
	}
	return seed
}

// lose says what the next power failures lose of what was not synced: all, or what is drawn.
func (s *side) lose(all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.worst = all
}

// inject begins a fault of the disks of every machine.
func (s *side) inject(f harness.DiskFault) (end func() int64) {
	if s.power == nil {
		return func() int64 { return 0 }
	}
	return s.power.Inject(disk.Fault(f))
}

func (s *side) cut() {
	if s.power != nil {
		s.power.PowerFail(s.seed())
	}
}

// newStorages returns the storage of the bank and of each wallet, and the two sides.
func newStorages(ctx context.Context, env harness.Env, o Options) (bank *storage, wallets []*storage, sides map[harness.Side]*side) {
	r := harness.Rand(env.Seed, harness.StreamDisk)
	newSide := func() *side {
		return &side{seeds: rand.New(rand.NewPCG(r.Uint64(), r.Uint64())), commit: env.Commit}
	}
	server, client := newSide(), newSide()
	if o.BankDisk != nil {
		server.power = o.BankDisk
	}
	if o.WalletDisks != nil {
		client.power = o.WalletDisks
	}
	server.timeSeed, client.timeSeed = r.Uint64(), r.Uint64()
	bank = &storage{dir: env.Dir, disk: o.BankDisk, side: server}
	for i := range env.Workload.Wallets {
		s := &storage{dir: env.Dir, side: client}
		if o.WalletDisks != nil {
			s.disk = o.WalletDisks.Disk(i)
		}
		wallets = append(wallets, s)
	}
	server.storages, client.storages = []*storage{bank}, wallets
	if turns := bubble.TurnsOf(ctx); turns != nil {
		for i, s := range append([]*storage{bank}, wallets...) {
			s.turn = func(stop <-chan struct{}) { turns.Take(i, stop) }
			if s.disk != nil {
				s.disk.TakeTurns(s.turn)
			}
		}
	}
	return bank, wallets, map[harness.Side]*side{harness.Server: server, harness.Client: client}
}

// layer returns the name of the file layer for SQLite; empty is the operating system's.
func (s *storage) layer() string {
	if s.disk == nil {
		return ""
	}
	return s.disk.VFS()
}

// file returns the path of a file on the storage. On a disk in memory it does not name the
// folder of the run, so that the errors of a run can be repeated.
func (s *storage) file(name string) string {
	if s.disk != nil {
		return "/" + name
	}
	return filepath.Join(s.dir, name)
}

// cut cuts the power, if it has not failed already.
func (s *storage) cut() {
	if s.disk != nil {
		s.disk.PowerFail(s.side.seed())
	}
}

func (s *storage) failures() int64 {
	if s.disk == nil {
		return 0
	}
	return s.disk.Failures()
}

func (s *storage) off() bool { return s.disk != nil && s.disk.Off() }

// revive restores the power, if it had failed. Commits take no time until timed is called:
// the time that a store takes to open is a part of the restart.
func (s *storage) revive() {
	if s.disk != nil {
		s.disk.SyncTime(harness.Durations{}, 0)
		s.disk.Revive()
	}
}

// timed makes commits take time, if the script has begun.
func (s *storage) timed() {
	if s.disk != nil && s.side.began {
		s.disk.SyncTime(s.side.commit, s.side.timeSeed)
	}
}
