package disk

import (
	"errors"
	"os"
	"slices"
	"sync"

	"github.com/onebar/onebar/harness"
)

// Group is the disks of machines that can lose their power together, such as all
// phones of a run. Their operations are also counted together, in the order in
// which they come, so that the power can fail at the n-th operation of them all. Each disk
// can still fail alone. All methods may be called from several goroutines. The
// owner closes it.
type Group struct {
	mu     sync.Mutex // of the disks, too
	disks  []*Disk
	counts counts
	point  Point
	seed   uint64   // of the failure at point
	failed func()   // told of power failures of the group
	told   []func() // are to be told of what has just failed, once mu is free
	life   int64    // power failures of the group so far

	registered int    // disks that are file layers of SQLite
	scratch    string // directory of shared memory
}

// NewGroup returns a group without disks.
func NewGroup() *Group { return &Group{} }

// Disk returns the i-th disk, from 0. The first call for a number makes it, empty
// and with its power on, and those before it.
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

// PowerFail takes the power of every disk away at once. What each of them keeps is
// drawn from the seed, for each disk on its own. It does nothing if no disk has power.
func (g *Group) PowerFail(seed uint64) {
	g.mu.Lock()
	defer g.unlock()
	g.fail(seed)
}

// FailAt has the power of every disk fail at a point, whose operations are counted
// over the disks, with the seed of a PowerFail. It replaces a point that was not
// reached; the zero Point is none.
func (g *Group) FailAt(p Point, seed uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.point, g.seed = p, seed
}

// OnFail has f called after each power failure of the group, as [Disk.OnFail] does
// for a disk. Nil is nobody.
func (g *Group) OnFail(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failed = f
}

// Lie has every sync of the disks there are from now on succeed and do nothing, see
// [Disk.Lie].
func (g *Group) Lie() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, d := range g.disks {
		d.lies = true
	}
}

// Off reports whether the power of at least one disk is gone.
func (g *Group) Off() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.ContainsFunc(g.disks, func(d *Disk) bool { return d.off })
}

// Failures returns how many power failures of the group there have been. Those of
// one disk alone are not among them.
func (g *Group) Failures() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.life
}

// Count returns how many operations of a kind there have been on all disks, those
// cut short included.
func (g *Group) Count(k Kind) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.counts[k]
}

// What follows is called with mu held.

// unlock ends the hold of mu and tells of power failures.
func (g *Group) unlock() {
	told := g.told
	g.told = nil
	g.mu.Unlock()
	for _, f := range told {
		f()
	}
}

// tell has f called by unlock. f may be nil.
func (g *Group) tell(f func()) {
	if f != nil {
		g.told = append(g.told, f)
	}
}

// fail takes the power of every disk away.
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
	if g.scratch == "" {
		g.scratch, err = makeScratch()
	}
	return g.scratch, err
}

// release is told that a disk is no longer a file layer of SQLite, and removes the
// directory of shared memory after the last.
func (g *Group) release() error {
	g.registered--
	if g.registered > 0 || g.scratch == "" {
		return nil
	}
	scratch := g.scratch
	g.scratch = ""
	return os.RemoveAll(scratch)
}
