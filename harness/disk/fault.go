package disk

import (
	"errors"
	"slices"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// Errors of a disk that has power and a Fault.
var (
	// ErrFull is the error of an operation that needs room on a full disk. SQLite reports
	// it as SQLITE_FULL.
	ErrFull = errors.New("the disk is full")
	// ErrSync is the error of a sync that failed. What was to be synced is still pending.
	// SQLite reports it as an I/O error.
	ErrSync = errors.New("the disk could not sync")
)

// Fault is what is wrong with a disk that has power.
type Fault struct {
	Slow time.Duration // added to the time of each sync, see Disk.SyncTime
	Full bool          // no file can be created, and none can grow; what has its place can be written
	Fail bool          // the next sync of a file fails, and those after it do not
}

// inForce is a Fault that has begun. The disks of a group share it.
type inForce struct {
	Fault
	hits int64 // operations that were delayed or refused
}

// Inject begins a fault. end ends it, and returns how many operations it has delayed or
// refused. Faults add up.
func (d *Disk) Inject(f Fault) (end func() (hits int64)) { return d.group.inject(f, d) }

// Inject begins a fault on all disks of the group, as Disk.Inject does on one. If it is
// Fault.Fail, one sync fails: the first on any of the disks.
func (g *Group) Inject(f Fault) (end func() (hits int64)) { return g.inject(f, g.disks...) }

func (g *Group) inject(f Fault, disks ...*Disk) (end func() int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	begun := &inForce{Fault: f}
	for _, d := range disks {
		d.faults = append(d.faults, begun)
		d.timing.wake()
	}
	return func() int64 {
		g.mu.Lock()
		defer g.mu.Unlock()
		for _, d := range disks {
			d.faults = slices.DeleteFunc(d.faults, func(f *inForce) bool { return f == begun })
			d.timing.wake()
		}
		return begun.hits
	}
}

// What follows is called with mu held.

// slowed returns by how much the faults in force make a sync longer. It adds those that the
// sync has not met before to met, which hit it.
func (d *Disk) slowed(met []*inForce) (by time.Duration, _ []*inForce) {
	for _, f := range d.faults {
		by += f.Slow
		if f.Slow > 0 && !slices.Contains(met, f) {
			f.hits++
			met = append(met, f)
		}
	}
	return by, met
}

// refused returns the error of an operation that a fault does not let happen; nil is none.
func (d *Disk) refused(o operation) error {
	for _, f := range d.faults {
		switch {
		case f.Full && (o.kind == Create || o.grows):
			f.hits++
			return ErrFull
		case f.Fail && o.kind == Sync:
			f.hits++
			f.Fail = false
			return ErrSync
		}
	}
	return nil
}

// forSQLite has SQLite report a full disk as such.
func forSQLite(err error) error {
	if errors.Is(err, ErrFull) {
		return vfs.SystemError(err, sqlite3.FULL)
	}
	return err
}
