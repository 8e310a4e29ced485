package server

import (
	"net"
	"net/netip"

	"github.com/onebar/onebar/reference/pay"
)

// table holds the open connections within their limits, and decides which one is
// closed to make room. It has no lock and no clock. Events are numbered, because
// in virtual time many come at the same instant.
type table struct {
	total, perAddress, perWallet int // 1 or more

	events uint64
	conns  map[*conn]bool
}

// place is the entry of a connection in a table.
type place struct {
	address     netip.Prefix  // where it comes from; invalid if that is no IP address
	payer       pay.PublicKey // known when first is not 0; zero: not known to the bank
	first, last uint64        // events: of the first request, 0 before it; of the latest accept, request or answer
	outstanding int           // requests without an answer
}

// add adds c and returns the connection that it removed to make room, if any: the caller
// closes that one. It is not ok if there is no room.
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

// before reports whether c is closed before o: first a connection without a request, then
// the one that has been silent for longer.
func (c *conn) before(o *conn) bool {
	if (c.first == 0) != (o.first == 0) {
		return c.first == 0
	}
	return c.last < o.last
}

// request records a request of c, whose wallet is payer. If c is one connection too many of
// the wallet, it removes the one whose first request is the oldest and returns it: the
// caller closes that one. Unknown wallets, whose payer is zero, are not limited.
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

// answered records that a request of c is over.
func (t *table) answered(c *conn) {
	t.event(c)
	c.outstanding--
}

func (t *table) remove(c *conn) { delete(t.conns, c) }

func (t *table) event(c *conn) {
	t.events++
	c.last = t.events
}

// addressOf returns the prefix under which connections from a are counted: its IPv4
// address, or the /64 network of its IPv6 address, because a phone has all addresses of one
// /64 (RFC 6459). It is invalid if a is not an IP address, as in memory or on a Unix socket.
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
