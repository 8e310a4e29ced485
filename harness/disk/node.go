package disk

import (
	"maps"
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
	data []byte // as programs see it

	// What is pending, from the durable state on, without the present one. No
	// entry means that the present one is durable. A nil content is a sector that
	// was not there.
	sectors map[int64][][]byte
	sizes   []int64

	locks locks
}

// remember adds a state to those that may come back.
func remember[T any](states []T, s T) []T {
	if len(states) == remembered {
		states = slices.Delete(states, 1, 2)
	}
	return append(states, s)
}

// touch remembers the sectors that have bytes from (inclusive) to (exclusive),
// which are about to change.
func (n *node) touch(from, to int64) {
	for i := from / SectorSize; i*SectorSize < to; i++ {
		var was []byte
		if at := i * SectorSize; at < int64(len(n.data)) {
			was = make([]byte, SectorSize)
			copy(was, n.data[at:])
		}
		states, pending := n.sectors[i]
		if was == nil && pending {
			continue // it had been cut off: there is no state to go back to
		}
		if n.sectors == nil {
			n.sectors = map[int64][][]byte{}
		}
		n.sectors[i] = remember(states, was)
	}
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
	n.sizes = remember(n.sizes, size)
	if to <= size {
		clear(n.data[to:]) // what is grown over again reads as zeros
		n.data = n.data[:to]
		return
	}
	n.data = append(n.data, make([]byte, to-size)...)
}

func (n *node) sync() {
	n.sectors, n.sizes = nil, nil
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
	for _, i := range slices.Sorted(maps.Keys(n.sectors)) {
		states := n.sectors[i]
		at := i * SectorSize
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
