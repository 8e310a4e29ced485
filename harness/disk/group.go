package disk

import (
	"errors"
	"slices"
	"sync"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/scratch"
)

// Group holds the disks of machines that can lose their power together, such as all phones
// of a run. It also counts the operations of all its disks, so the power can fail at the
// n-th of them. Each disk can still fail alone. All methods may be called from several
// goroutines. The owner closes it.
type Group struct {
	mu     sync.Mutex // of the disks, too
	disks  []*Disk
	counts counts
	point  Point
	seed   uint64   // of the failure at point
	failed func()   // called after power failures of the group
	told   []func() // to be called when mu is unlocked
	life   int64    // power failures of the group so far

	registered int             // disks that are file layers of SQLite
	scratch    *scratch.Folder // of shared memory; nil is none
}

// NewGroup returns a group without disks.
func NewGroup() *Group { return &Group{} }

// Disk returns the i-th disk, from 0. The first call for a number creates it and the disks
// before it, empty and with their power on.
func (g *Group) Disk(i int) *Disk {
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.disks) <= i {
		g.disks = append(g.disks, &Disk{
			mu: &g.mu, group: g, number: len(g.disks), names: map[string]*node{}, durable: map[string]*node{},
		})
	}
	return g.disks[i]
}

// Close closes every disk.
func (g *Group) Close() error {
	g.mu.Lock()
	disks := slices.Clone(g.disks)
	g.mu.Unlock()
	var errs []error
	for _, d := range disks {
		errs = append(errs, d.Close())
	}
	return errors.Join(errs...)
}

// PowerFail cuts the power of every disk at once. What each disk keeps is drawn from the
// seed, independently. It does nothing if no disk has power.
func (g *Group) PowerFail(seed uint64) {
	g.mu.Lock()
	defer g.unlock()
	g.fail(seed)
}

// FailAt makes the power of every disk fail at a point, whose operations are counted over
// all disks, with the seed of a PowerFail. It replaces an earlier point that was not
// reached. The zero Point is none.
func (g *Group) FailAt(p Point, seed uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.point, g.seed = p, seed
}

// OnFail makes the group call f after each of its power failures, as [Disk.OnFail] does
// for a disk. Nil is not called.
func (g *Group) OnFail(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failed = f
}

// Lie makes every later sync of the present disks succeed and do nothing, see [Disk.Lie].
func (g *Group) Lie() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, d := range g.disks {
		d.lies = true
	}
}

// Off reports whether at least one disk has no power.
func (g *Group) Off() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.ContainsFunc(g.disks, func(d *Disk) bool { return d.off })
}

// Failures returns how many power failures of the group there have been. It does not count
// those of one disk alone.
func (g *Group) Failures() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.life
}

// Count returns how many operations of a kind there have been on all disks, interrupted
// ones included.
func (g *Group) Count(k Kind) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.counts[k]
}

// What follows is called with mu held.

// unlock unlocks mu and calls the functions of OnFail that are due.
func (g *Group) unlock() {
	told := g.told
	g.told = nil
	g.mu.Unlock()
	for _, f := range told {
		f()
	}
}

// tell makes unlock call f. f may be nil.
func (g *Group) tell(f func()) {
	if f != nil {
		g.told = append(g.told, f)
	}
}

// fail cuts the power of every disk.
func (g *Group) fail(seed uint64) {
	if !slices.ContainsFunc(g.disks, func(d *Disk) bool { return !d.off }) {
		return
	}
	g.life++
	g.point = Point{}
	r := harness.Rand(seed, harness.StreamDisk)
	for _, d := range g.disks {
		d.fail(r.Uint64())
	}
	g.tell(g.failed)
}

// scratchDir returns the directory of shared memory and makes it if there is none.
func (g *Group) scratchDir() (dir string, err error) {
	if g.scratch == nil {
		if g.scratch, err = makeScratch(); err != nil {
			return "", err
		}
	}
	return g.scratch.Path, nil
}

// release is called when a disk is no longer a file layer of SQLite. After the last one it
// removes the directory of shared memory.
func (g *Group) release() error {
	g.registered--
	if g.registered > 0 || g.scratch == nil {
		return nil
	}
	folder := g.scratch
	g.scratch = nil
	return folder.Remove()
}
