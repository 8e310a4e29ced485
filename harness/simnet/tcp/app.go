package tcp

import (
	"syscall"
	"time"

	"github.com/onebar/onebar/harness/access"
)

// Write takes what the application has written. The caller may use b again.
func (c *Conn) Write(b []byte) {
	c.buf = append(c.buf, b...)
	c.writes = append(c.writes, c.base+int64(len(c.buf)))
}

// Buffered is how many bytes were written and are not acknowledged.
func (c *Conn) Buffered() int { return len(c.buf) }

// Unread is how many bytes wait for the application.
func (c *Conn) Unread() int { return len(c.rcvBuf) - c.rcvRead }

// Read hands bytes to the application. Serve reports whether the peer is to be told that
// there is room again: the owner must then call Serve.
func (c *Conn) Read(b []byte) (n int, serve bool) {
	n = copy(b, c.rcvBuf[c.rcvRead:])
	c.rcvRead += n
	if c.rcvRead == len(c.rcvBuf) {
		c.rcvBuf, c.rcvRead = c.rcvBuf[:0], 0
	}
	left := c.promised - c.rcvNxt
	free := c.Capacity - int64(c.Unread())
	if c.state == open && left < c.Capacity/2 && free >= 2*left && free >= min(c.Capacity/2, MaxSegment) {
		c.windowAsked, serve = true, true
	}
	return n, serve
}

// CloseWrite ends the outgoing stream after what was written.
func (c *Conn) CloseWrite() { c.finAsked = true }

// Close is the application having no more use for the connection. Its stream ends in order,
// or by a reset if that is asked for or data has come that nobody will read.
func (c *Conn) Close(reset bool) {
	c.closed, c.finAsked = true, true
	c.abortAsked = reset || c.Unread() > 0
}

// Abandon makes Serve end the connection without a word to the peer.
func (c *Conn) Abandon() { c.abandoned = true }

// Abort resets the connection and tells the peer.
func (c *Conn) Abort(now time.Duration) {
	c.now = now
	if c.state == open || c.state == answering {
		c.emit(rst|ack, c.nxt, nil)
	}
	c.Fail(syscall.ECONNRESET)
}

// Shrink takes the size of the packets of the path, bytes, and sends again what was too
// large for it.
func (c *Conn) Shrink(now time.Duration, limit int) {
	c.now = now
	mss := max(limit-access.IPHeader-Header-stampSize, leastSegment)
	if mss >= c.mss || c.state != open {
		return
	}
	c.mss = mss
	for i := range c.queue() {
		if p := &c.queue()[i]; p.End-p.Begin > int64(mss)+1 {
			c.lose(p)
		}
	}
	c.output()
}

// SetKeepAlive turns keepalives on, as they are at first, or off.
func (c *Conn) SetKeepAlive(now time.Duration, on bool) {
	if c.keepOff == !on {
		return
	}
	c.now, c.keepOff, c.keepAt = now, !on, access.Never
	if on && c.state == open {
		c.keepAt = c.ends(access.KeepAlive)
	}
}

// Dialing reports whether the SYN of a dial is not answered yet.
func (c *Conn) Dialing() bool { return c.state == dialing }

// Gone reports whether the connection is over. What has arrived can still be read.
func (c *Conn) Gone() bool { return c.state == gone }

// Carries reports whether an application may still send or receive: the connection is open
// or about to be.
func (c *Conn) Carries() bool {
	return c.state == answering || c.state == open && (!c.finRcvd || !c.finSent)
}

// Failure is the syscall.Errno of a connection that broke, else nil.
func (c *Conn) Failure() error { return c.failure }

// WriteEnded reports whether the application has ended its stream.
func (c *Conn) WriteEnded() bool { return c.finAsked }

// PeerEnded reports whether the end of the peer's stream has arrived.
func (c *Conn) PeerEnded() bool { return c.finRcvd }

// progress notes that a transfer of cross traffic does not stall.
func (c *Conn) progress() {
	if c.Bulk != access.NoBulk {
		c.lingerAt = c.ends(access.CrossStall)
	}
}
