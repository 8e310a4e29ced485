package disk

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"path"
	"slices"
	"sync"

	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/onebar/onebar/harness"
)

// ErrNoPower is the error of every operation after a power failure, until [Disk.Revive].
// On a [File] that was open at the failure it is permanent. SQLite reports it as an I/O
// error.
var ErrNoPower = errors.New("the disk has lost its power: revive it and open its files again")

// LoseAll is the seed of the worst power failure: it loses every change that was not
// synced. Any other seed draws what is kept.
const LoseAll = math.MaxUint64

// Disk is a machine's storage. Its files have slash-separated names, which are cleaned as
// by path.Clean; directories need not be created. All its methods may be called from
// several goroutines. The owner closes the disk, or its group.
type Disk struct {
	mu      *sync.Mutex // of the group
	group   *Group
	number  int              // in the group
	names   map[string]*node // as programs see them
	durable map[string]*node // as they would be after a power failure that loses every change
	changes []change         // of names, not synced, oldest first
	nodes   int64            // made so far
	life    int64            // power failures so far
	off     bool
	lies    bool // syncs do nothing
	timing  timing
	faults  []*inForce // in the order in which they began
	counts  counts
	point   Point
	seed    uint64 // of the failure at point
	failed  func() // called after power failures
	vfs     string // name it is registered under
}

// change is a change of a name: a creation has no from, a removal no to.
type change struct {
	from, to string
	node     *node
}

func (c change) apply(names map[string]*node) {
	delete(names, c.from)
	if c.to != "" {
		names[c.to] = c.node
	}
}

// dir is the directory whose sync makes the change durable.
func (c change) dir() string { return path.Dir(cmp.Or(c.to, c.from)) }

// New returns an empty disk with its power on.
func New() *Disk { return NewGroup().Disk(0) }

// Close unregisters the disk from SQLite and removes its files outside memory. The
// connections on it must have been closed.
func (d *Disk) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.vfs == "" {
		return nil
	}
	vfs.Unregister(d.vfs)
	d.vfs = ""
	if err := d.group.release(); err != nil {
		return fmt.Errorf("close the disk: %w", err)
	}
	return nil
}

// PowerFail cuts the power at once: the seed decides which pending changes are kept or
// lost (see LoseAll), and every operation fails until Revive. It does nothing to a disk
// without power.
func (d *Disk) PowerFail(seed uint64) {
	d.mu.Lock()
	defer d.unlock()
	d.fail(seed)
}

// FailAt makes the power fail at a point, with the seed of a PowerFail. It replaces an
// earlier point that was not reached. The zero Point is none.
func (d *Disk) FailAt(p Point, seed uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.point, d.seed = p, seed
}

// OnFail makes the disk call f after each power failure, in the goroutine whose operation
// was interrupted or that called PowerFail. f may use the disk. SQLite waits for f, so f
// must not wait for SQLite. Nil is not called.
func (d *Disk) OnFail(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failed = f
}

// Lie makes every later sync succeed and do nothing, as a drive does whose cache is
// volatile: a planted fault.
func (d *Disk) Lie() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lies = true
}

// Revive restores the power, if it had failed.
func (d *Disk) Revive() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off = false
}

// Off reports whether the power has failed.
func (d *Disk) Off() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.off
}

// Failures returns how many power failures there have been.
func (d *Disk) Failures() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.life
}

// Count returns how many operations of a kind there have been since the disk was created,
// interrupted ones included.
func (d *Disk) Count(k Kind) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.counts[k]
}

// Names returns the names of all files, sorted.
func (d *Disk) Names() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.names))
}

// Open opens a file. If there is none, it creates one, or the error is fs.ErrNotExist
// without create. The caller closes the file.
func (d *Disk) Open(name string, create bool) (*File, error) {
	name = path.Clean(name)
	d.mu.Lock()
	defer d.unlock()
	n := d.names[name]
	switch {
	case d.off:
		return nil, fmt.Errorf("open %s: %w", name, ErrNoPower)
	case n == nil && !create:
		return nil, fmt.Errorf("open %s: %w", name, fs.ErrNotExist)
	case n == nil:
		n = d.newNode()
		if err := d.rename(Create, change{to: name, node: n}); err != nil {
			return nil, fmt.Errorf("create %s: %w", name, err)
		}
	}
	return &File{disk: d, node: n, life: d.life, name: name}, nil
}

// Remove removes a name. Files open under it stay usable. The error may be
// fs.ErrNotExist.
func (d *Disk) Remove(name string) error {
	name = path.Clean(name)
	d.mu.Lock()
	defer d.unlock()
	if !d.off && d.names[name] == nil {
		return fmt.Errorf("remove %s: %w", name, fs.ErrNotExist)
	}
	if err := d.rename(Remove, change{from: name}); err != nil {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	return nil
}

// Rename gives a file another name in the same directory, and replaces a file of that
// name. A power failure keeps either the old names or the new ones. The error may be
// fs.ErrNotExist.
func (d *Disk) Rename(from, to string) error {
	from, to = path.Clean(from), path.Clean(to)
	if path.Dir(from) != path.Dir(to) {
		return fmt.Errorf("rename %s to %s: a name stays in its directory", from, to)
	}
	d.mu.Lock()
	defer d.unlock()
	n := d.names[from]
	if !d.off && n == nil {
		return fmt.Errorf("rename %s: %w", from, fs.ErrNotExist)
	}
	if err := d.rename(Rename, change{from: from, to: to, node: n}); err != nil {
		return fmt.Errorf("rename %s: %w", from, err)
	}
	return nil
}

// SyncDir makes the changes of the names in a directory durable.
func (d *Disk) SyncDir(dir string) error {
	d.mu.Lock()
	defer d.unlock()
	if err := d.syncDir(path.Clean(dir)); err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return nil
}

// What follows is called with mu held.

// unlock unlocks mu and calls the functions of OnFail that are due.
func (d *Disk) unlock() { d.group.unlock() }

func (d *Disk) newNode() *node {
	d.nodes++
	return &node{id: d.nodes}
}

// do counts an operation and carries it out, unless the power fails before. An operation
// that a fault refuses does not count.
func (d *Disk) do(o operation, apply func()) error {
	if d.off {
		return ErrNoPower
	}
	if err := d.refused(o); err != nil {
		return err
	}
	g := d.group
	own, shared := d.counts.count(o, d.point), g.counts.count(o, g.point)
	after := (!own || d.point.After) && (!shared || g.point.After)
	sync := o.kind == Sync || o.kind == SyncDir
	if !sync || !d.lies && after {
		apply()
	}
	switch {
	case shared:
		g.fail(g.seed)
	case own:
		d.fail(d.seed)
	default:
		return nil
	}
	return ErrNoPower
}

func (d *Disk) rename(k Kind, c change) error {
	return d.do(operation{kind: k}, func() {
		c.apply(d.names)
		d.changes = append(d.changes, c)
	})
}

func (d *Disk) syncDir(dir string) error {
	return d.do(operation{kind: SyncDir}, func() {
		d.changes = slices.DeleteFunc(d.changes, func(c change) bool {
			if c.dir() != dir {
				return false
			}
			c.apply(d.durable)
			return true
		})
	})
}

// fail cuts the power.
func (d *Disk) fail(seed uint64) {
	if d.off {
		return
	}
	d.off = true
	d.life++
	d.timing.wake()
	d.group.tell(d.failed)
	d.point = Point{}
	r := harness.Rand(seed, harness.StreamDisk)
	worst := seed == LoseAll
	f := newFate(r, worst)
	for _, c := range d.changes {
		if f.choose(2) == 1 {
			c.apply(d.durable)
		}
	}
	d.changes = nil
	left := map[*node]*node{}
	for _, name := range slices.Sorted(maps.Keys(d.durable)) {
		n := d.durable[name]
		if left[n] == nil {
			left[n] = n.survivor(r, worst)
		}
		d.durable[name] = left[n]
	}
	d.names = maps.Clone(d.durable)
}
