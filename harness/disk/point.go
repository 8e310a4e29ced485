package disk

// Kind is a kind of operation that changes something on a disk.
type Kind uint8

// The kinds of operations. Only changes count; reads, locks and whatever
// happens to nameless temporary files do not.
const (
	Any      Kind = iota // each of those below but LogSync
	Write                // of a file's content
	Truncate             // any change of a file's size that is not a write
	Sync                 // of a file's content and size
	LogSync              // a Sync of an SQLite log or rollback journal, which makes a commit durable; it counts as Sync, too
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
	N    int64 // its number among them since the disk was created, from 1; see Disk.Count

	// After makes the power fail after the operation, but before the operation returns
	// to its caller. Otherwise the power fails during the operation: a write is one more
	// pending change, and a sync may have synced nothing.
	After bool
}

// operation is an operation that is about to happen.
type operation struct {
	kind  Kind
	log   bool // of an SQLite log or journal
	grows bool // it makes a file larger
}

// count adds an operation and reports whether it is that of the point.
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
