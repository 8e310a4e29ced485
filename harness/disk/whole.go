package disk

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
)

// Restore replaces what is on the disk with a copy of what programs see on another
// disk at this instant. The copy is durable. It is done without power: if the disk
// has power, it fails first as with [Disk.PowerFail], and [Disk.Revive] gives it back.
func (d *Disk) Restore(from *Disk) {
	names := from.copy()
	d.mu.Lock()
	defer d.unlock()
	d.fail(0)
	for _, n := range names {
		d.nodes++
		n.id = d.nodes
	}
	d.names, d.durable, d.changes = names, maps.Clone(names), nil
}

// copy returns the files as programs see them.
func (d *Disk) copy() map[string]*node {
	d.mu.Lock()
	defer d.mu.Unlock()
	names := map[string]*node{}
	for name, n := range d.names {
		names[name] = n.copy()
	}
	return names
}

// Place makes a file with this content: it writes and syncs a file of another name,
// and renames it. A power failure leaves the whole file or none; SyncDir makes it
// durable. The error may be fs.ErrExist.
func (d *Disk) Place(name string, content []byte) error {
	if d.has(name) {
		return fmt.Errorf("place %s: %w", name, fs.ErrExist)
	}
	part := name + ".part"
	f, err := d.Open(part, true)
	if err != nil {
		return err
	}
	if size, _ := f.Size(); size > 0 { // of an attempt that a power failure interrupted
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = f.WriteAt(content, 0)
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return err
	}
	return d.Rename(part, name)
}

// has reports whether there is a file of this name.
func (d *Disk) has(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.names[path.Clean(name)] != nil
}
