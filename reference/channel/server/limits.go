package server

import (
	"net"
	"net/netip"

	"github.com/onebar/onebar/reference/pay"
)

// table holds the open connections within their limits, and decides which one is
// closed to make room. It has no lock and no clock: events are numbered, so that
// the order is the same in virtual time, where many come at one instant.
type table struct {
	total, perAddress, perWallet int // 1 or more

	events uint64
	conns  map[*conn]bool
}

// place is what a table knows of a connection.
type place struct {
	address     netip.Prefix  // where it comes from; invalid if that is no IP address
	payer       pay.PublicKey // known when first is not 0; zero: not known to the bank
	first, last uint64        // events: of the first request, 0 before it; of the latest accept, request or answer
	outstanding int           // requests without an answer
}

// add adds c, unless there is no room and none can be made. It returns the
// connection that left the table to make room, if one did: the caller closes it.
func (t *table) add(c *conn) (gone *conn, ok bool) {
	var all, near crowd
	for o := range t.conns {
		all.count(o)
		if o.address == c.address && c.address.IsValid() {
			near.count(o)
		}
	}
	switch {
	case near.size >= t.perAddress:
		gone = near.next
	case all.size >= t.total:
		gone = all.next
	default:
		ok = true
	}
	if gone == nil && !ok {
		return nil, false
	}
	t.remove(gone)
	t.conns[c] = true
	t.event(c)
	return gone, true
}

// crowd counts connections and finds which of them is closed next.
type crowd struct {
	size int
	next *conn // nil if none may be closed
}

func (w *crowd) count(c *conn) {
	w.size++
	if c.outstanding == 0 && (w.next == nil || c.before(w.next)) {
		w.next = c
	}
}

// before reports whether c is closed rather than o: a connection without a request
// before one that had any, then the one that has been silent for longer.
func (c *conn) before(o *conn) bool {
	if (c.first == 0) != (o.first == 0) {
		return c.first == 0
	}
	return c.last < o.last
}

// request notes a request of c, whose wallet is payer. It returns the connection
// of the same wallet that left the table because c is one too many, if one did:
// the one whose first request is the oldest. The caller closes it. Wallets that the
// bank does not know, whose payer is zero, are not limited.
func (t *table) request(c *conn, payer pay.PublicKey) (gone *conn) {
	if !t.conns[c] {
		return nil
	}
	t.event(c)
	c.outstanding++
	if c.first != 0 {
		return nil
	}
	c.first, c.payer = c.last, payer
	if payer == (pay.PublicKey{}) {
		return nil
	}
	size := 0
	for o := range t.conns {
		if o == c || o.first == 0 || o.payer != payer {
			continue
		}
		size++
		if gone == nil || o.first < gone.first {
			gone = o
		}
	}
	if size < t.perWallet {
		return nil
	}
	t.remove(gone)
	return gone
}

// answered notes that a request of c is over.
func (t *table) answered(c *conn) {
	t.event(c)
	c.outstanding--
}

func (t *table) remove(c *conn) { delete(t.conns, c) }

func (t *table) event(c *conn) {
	t.events++
	c.last = t.events
}

// addressOf is what connections from a are counted under: its IPv4 address, or
// the /64 network of its IPv6 address, as a phone has all the addresses of one
// (RFC 6459). It is invalid if a is no IP address, as in memory or on
// a Unix socket.
func addressOf(a net.Addr) netip.Prefix {
	if a == nil {
		return netip.Prefix{}
	}
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Prefix{}
	}
	ip := ap.Addr().Unmap()
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	p, err := ip.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
