package disk

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// SectorSize is the number of bytes that a power failure keeps or loses together: the
// smallest unit of common drives, and the sector size that SQLite assumes if overwriting
// is safe. A drive with sectors of 4 KiB tears fewer writes.
const SectorSize = 512

// chunkSize is the number of bytes a file grows by in memory: whole sectors.
const chunkSize = 16 << 10

// remembered is how many contents of a sector before the present one, and how
// many sizes of a file, a power failure can go back to: the durable one and the
// latest few.
const remembered = 4

// node is a file's content, whatever names it has.
type node struct {
	id     int64
	size   int64
	chunks []*[chunkSize]byte // the content as programs see it; zeros from size on

	// What is pending, from the durable state on, without the present one. A
	// sector or a size that is not here is durable as it is.
	sectors []sector
	places  []int32 // by number of a sector: its place in sectors, from 1; 0 or out of range is none
	sizes   []int64
	copies  []byte // holds contents of sectors, and is used again after a sync

	locks locks
}

// sector is one whose present content is not durable.
type sector struct {
	number int64
	states [remembered][]byte // the first are contents it may go back to; nil is a sector that was not there
	known  int                // how many, at least 1
}

// remember adds a content to those that may come back.
func (s *sector) remember(content []byte) {
	if s.known == remembered {
		copy(s.states[1:], s.states[2:])
		s.known--
	}
	s.states[s.known] = content
	s.known++
}

// touch remembers the present content of the sectors with the bytes from (inclusive) to
// to (exclusive), which are about to change.
func (n *node) touch(from, to int64) {
	for i := from / SectorSize; i*SectorSize < to; i++ {
		s := n.pending(i)
		switch {
		case i*SectorSize < n.size:
			s.remember(n.keep(n.at(i)))
		case s.known == 0:
			s.remember(nil) // otherwise it had been cut off: there is no state to go back to
		}
	}
}

// at returns the whole of a sector that has bytes in the file.
func (n *node) at(number int64) []byte {
	at := number * SectorSize
	return n.chunks[at/chunkSize][at%chunkSize:][:SectorSize]
}

// pending returns what is kept of a sector that is about to change.
func (n *node) pending(number int64) *sector {
	if missing := int(number) + 1 - len(n.places); missing > 0 {
		n.places = append(n.places, make([]int32, missing)...)
	}
	if n.places[number] == 0 {
		n.sectors = append(n.sectors, sector{number: number})
		n.places[number] = int32(len(n.sectors))
	}
	return &n.sectors[n.places[number]-1]
}

// keep returns a copy of a sector's content.
func (n *node) keep(content []byte) []byte {
	if cap(n.copies)-len(n.copies) < SectorSize {
		n.copies = make([]byte, 0, max(8*SectorSize, 2*cap(n.copies))) // those before it stay with their sectors
	}
	at := len(n.copies)
	n.copies = append(n.copies, content...)
	return n.copies[at:]
}

// each hands over the file's bytes from (inclusive) to (exclusive), piece by
// piece, each with how far it is from the beginning.
func (n *node) each(from, to int64, do func(far int64, piece []byte)) {
	for at := from; at < to; {
		piece := n.chunks[at/chunkSize][at%chunkSize:]
		piece = piece[:min(int64(len(piece)), to-at)]
		do(at-from, piece)
		at += int64(len(piece))
	}
}

// read copies what the file has from off on, and returns how much that is.
func (n *node) read(p []byte, off int64) int {
	size := min(int64(len(p)), max(0, n.size-off))
	n.each(off, off+size, func(far int64, piece []byte) { copy(p[far:], piece) })
	return int(size)
}

func (n *node) write(p []byte, off int64) {
	end := off + int64(len(p))
	n.touch(min(off, n.size), end)
	if end > n.size {
		n.resize(end)
	}
	n.each(off, end, func(far int64, piece []byte) { copy(piece, p[far:]) })
}

func (n *node) truncate(to int64) {
	if to == n.size {
		return
	}
	n.touch(min(to, n.size), max(to, n.size))
	n.resize(to)
}

func (n *node) resize(to int64) {
	if len(n.sizes) == remembered {
		n.sizes = slices.Delete(n.sizes, 1, 2)
	}
	n.sizes = append(n.sizes, n.size)
	n.cut(to)
}

// cut sets the size. What is grown over reads as zeros.
func (n *node) cut(to int64) {
	n.each(to, n.size, func(_ int64, piece []byte) { clear(piece) })
	chunks := int((to + chunkSize - 1) / chunkSize)
	for len(n.chunks) < chunks {
		n.chunks = append(n.chunks, new([chunkSize]byte))
	}
	clear(n.chunks[chunks:])
	n.chunks, n.size = n.chunks[:chunks], to
}

// copy returns a file of the same content, all of it durable.
func (n *node) copy() *node {
	c := &node{}
	c.cut(n.size)
	n.each(0, n.size, func(far int64, piece []byte) { copy(c.chunks[far/chunkSize][:], piece) })
	return c
}

func (n *node) sync() {
	for _, s := range n.sectors {
		n.places[s.number] = 0
	}
	n.sectors, n.sizes, n.copies = n.sectors[:0], n.sizes[:0], n.copies[:0]
}

// survivor returns what remains of the file after a power failure; worst: only what is
// durable.
func (n *node) survivor(r *rand.Rand, worst bool) *node {
	f := newFate(r, worst)
	size := n.size
	if states := append(n.sizes, size); len(states) > 1 {
		size = states[f.choose(len(states))]
	}
	left := n.copy()
	left.id = n.id
	left.cut(max(size, n.size))
	slices.SortFunc(n.sectors, func(a, b sector) int { return cmp.Compare(a.number, b.number) })
	for _, s := range n.sectors {
		states := s.states[:s.known:s.known]
		if s.number*SectorSize < n.size {
			states = append(states, n.at(s.number))
		}
		kept := states[f.choose(len(states))]
		if s.number*SectorSize >= size {
			continue
		}
		here := left.at(s.number)
		clear(here)
		if kept == nil {
			f.leave(here[:min(SectorSize, size-s.number*SectorSize)])
		}
		copy(here, kept)
	}
	left.cut(size)
	return left
}

// fate decides what is kept of the pending changes of a file.
type fate struct {
	r       *rand.Rand
	all     bool // all are kept or all are lost
	lost    bool // if all: they are lost
	garbage bool // what was never written reads as garbage, not as zeros
}

func newFate(r *rand.Rand, worst bool) fate {
	if worst {
		return fate{all: true, lost: true}
	}
	return fate{r: r, all: r.IntN(2) == 0, lost: r.IntN(2) == 0, garbage: r.IntN(2) == 0}
}

// choose returns the number of the state that remains of n, from 0, the durable one, to
// n-1, the present one.
func (f fate) choose(n int) int {
	switch {
	case !f.all:
		return f.r.IntN(n)
	case f.lost:
		return 0
	}
	return n - 1
}

// leave fills a sector that has a place but was never written.
func (f fate) leave(sector []byte) {
	if !f.garbage {
		return
	}
	for i := range sector {
		sector[i] = byte(f.r.Uint32())
	}
}
