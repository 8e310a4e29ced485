package disk

// Kind is what a program asks of a disk that changes something.
type Kind uint8

// The kinds of operations. Only changes count; reads, locks and whatever
// happens to nameless temporary files do not.
const (
	Any      Kind = iota // each of those below but LogSync
	Write                // of a file's content
	Truncate             // any change of a file's size that is not a write
	Sync                 // of a file's content and size
	LogSync              // those Syncs that are of an SQLite log or rollback journal: what makes commits; they count as Sync, too
	Create               // of a name
	Remove               // of a name
	Rename               // of a name
	SyncDir              // of the names in a directory
	kinds
)

// String returns the kind in lower case.
func (k Kind) String() string {
	switch k {
	case Any:
		return "any"
	case Write:
		return "write"
	case Truncate:
		return "truncate"
	case Sync:
		return "sync"
	case LogSync:
		return "log sync"
	case Create:
		return "create"
	case Remove:
		return "remove"
	case Rename:
		return "rename"
	case SyncDir:
		return "sync of a directory"
	case kinds:
	}
	return "unknown"
}

// Point is an operation of a disk.
type Point struct {
	Kind Kind  // which operations count
	N    int64 // its number among them in the life of the disk, from 1; see Disk.Count

	// After has the power fail when the operation is over, but before whoever
	// asked for it hears of it. Otherwise it fails meanwhile: a write is one more
	// change that is kept or lost, a sync has synced nothing for certain.
	After bool
}

// operation is one that is about to happen.
type operation struct {
	kind Kind
	log  bool // of an SQLite log or journal
}

// count adds an operation and reports whether the point is reached with it.
func (c *counts) count(o operation, p Point) (reached bool) {
	c[Any]++
	c[o.kind]++
	log := o.kind == Sync && o.log
	if log {
		c[LogSync]++
	}
	counted := p.Kind == Any || p.Kind == o.kind || p.Kind == LogSync && log
	return p.N > 0 && counted && c[p.Kind] == p.N
}

// counts are how many operations there have been, by kind.
type counts [kinds]int64
