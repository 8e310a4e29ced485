package disk

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// SectorSize is the number of bytes that a power failure keeps or loses
// together: the smallest unit of common drives, and what SQLite takes for one
// where overwriting is safe. A drive with sectors of 4 KiB tears less.
const SectorSize = 512

// remembered is how many contents of a sector before the present one, and how
// many sizes of a file, a power failure can go back to: the durable one and the
// latest few.
const remembered = 4

// node is a file's content, whatever names it has.
type node struct {
	id   int64
	data []byte // as programs see it; what lies behind it, up to its capacity, is zero

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

// touch remembers the sectors that have bytes from (inclusive) to (exclusive),
// which are about to change.
func (n *node) touch(from, to int64) {
	for i := from / SectorSize; i*SectorSize < to; i++ {
		s := n.pending(i)
		at := i * SectorSize
		switch {
		case at < int64(len(n.data)):
			s.remember(n.keep(n.data[at:min(at+SectorSize, int64(len(n.data)))]))
		case s.known == 0:
			s.remember(nil) // otherwise it had been cut off: there is no state to go back to
		}
	}
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

// keep returns a copy of a sector's content, the rest of the sector being zero.
func (n *node) keep(content []byte) []byte {
	if cap(n.copies)-len(n.copies) < SectorSize {
		n.copies = make([]byte, 0, max(8*SectorSize, 2*cap(n.copies))) // those before it stay with their sectors
	}
	at := len(n.copies)
	n.copies = n.copies[:at+SectorSize]
	kept := n.copies[at:]
	clear(kept[copy(kept, content):])
	return kept
}

func (n *node) write(p []byte, off int64) {
	size := int64(len(n.data))
	end := off + int64(len(p))
	n.touch(min(off, size), end)
	if end > size {
		n.resize(end)
	}
	copy(n.data[off:], p)
}

func (n *node) truncate(to int64) {
	size := int64(len(n.data))
	if to == size {
		return
	}
	n.touch(min(to, size), max(to, size))
	n.resize(to)
}

func (n *node) resize(to int64) {
	size := int64(len(n.data))
	if len(n.sizes) == remembered {
		n.sizes = slices.Delete(n.sizes, 1, 2)
	}
	n.sizes = append(n.sizes, size)
	if to <= size {
		clear(n.data[to:]) // what is grown over again reads as zeros
		n.data = n.data[:to]
		return
	}
	if to > int64(cap(n.data)) { // a log grows by a page at a time
		grown := make([]byte, size, max(to, 2*size))
		copy(grown, n.data)
		n.data = grown
	}
	n.data = n.data[:to]
}

func (n *node) sync() {
	for _, s := range n.sectors {
		n.places[s.number] = 0
	}
	n.sectors, n.sizes, n.copies = n.sectors[:0], n.sizes[:0], n.copies[:0]
}

// survivor returns what is left of the file after a power failure.
func (n *node) survivor(r *rand.Rand) *node {
	left := &node{id: n.id}
	f := newFate(r)
	size := int64(len(n.data))
	if states := append(n.sizes, size); len(states) > 1 {
		size = states[f.choose(len(states))]
	}
	left.data = make([]byte, size)
	copy(left.data, n.data)
	slices.SortFunc(n.sectors, func(a, b sector) int { return cmp.Compare(a.number, b.number) })
	for _, s := range n.sectors {
		states := s.states[:s.known:s.known]
		at := s.number * SectorSize
		if at < int64(len(n.data)) {
			states = append(states, n.data[at:min(at+SectorSize, int64(len(n.data)))])
		}
		kept := states[f.choose(len(states))]
		if at >= size {
			continue
		}
		here := left.data[at:min(at+SectorSize, size)]
		clear(here)
		if kept == nil {
			f.leave(here)
		}
		copy(here, kept)
	}
	return left
}

// fate decides what is kept of several changes that are pending together.
type fate struct {
	r       *rand.Rand
	all     bool // they share one fate
	lost    bool // which, if all
	garbage bool // what was never written reads as garbage, not as zeros
}

func newFate(r *rand.Rand) fate {
	return fate{r: r, all: r.IntN(2) == 0, lost: r.IntN(2) == 0, garbage: r.IntN(2) == 0}
}

// choose returns which of n states is left, from 0, the durable one, to n-1, the
// present one.
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
