package history

import (
	"bytes"
	"math"
	"time"

	"github.com/onebar/onebar/harness"
)

// parsePacket reads a line as appendPacket writes it, without the cost of
// encoding/json: most lines of a history are packets. A line that is written in
// any other way is refused, also a valid one, and left to encoding/json.
func parsePacket(line []byte) (p *harness.Packet, ok bool) {
	c := cursor{rest: line, ok: true}
	at := c.number(`{"at":`)
	if !c.has(`,"packet":{"at":`) {
		return nil, false
	}
	p = &harness.Packet{At: time.Duration(c.number(""))}
	p.Client = int(c.number(`,"client":`))
	p.Flow = int(c.number(`,"flow":`))
	p.N = c.optional(`,"n":`)
	if c.want(`,"dir":"`); c.has(`up"`) {
		p.Direction = harness.Up
	} else if c.want(`down"`); c.ok {
		p.Direction = harness.Down
	}
	p.Size = int(c.number(`,"size":`))
	p.Delay = time.Duration(c.optional(`,"delay":`))
	p.Late = time.Duration(c.optional(`,"late":`))
	if c.has(`,"drop":"`) {
		end := bytes.IndexByte(c.rest, '"')
		if end <= 0 || p.Drop.UnmarshalText(c.rest[:end]) != nil {
			return nil, false
		}
		c.rest = c.rest[end+1:]
	}
	p.Retransmit = c.has(`,"rtx":true`)
	p.Copy = c.has(`,"copy":true`)
	p.Corrupt = c.has(`,"corrupt":true`)
	p.Cross = c.has(`,"cross":true`)
	p.Link = c.optionalText(`,"link":"`)
	if c.want("}}\n"); !c.ok || len(c.rest) > 0 || at != int64(p.At) {
		return nil, false
	}
	return p, true
}

// cursor reads a line from left to right; ok is lost at the first thing that is
// not as wanted.
type cursor struct {
	rest []byte
	ok   bool
}

// has skips s if it comes next.
func (c *cursor) has(s string) bool {
	if !c.ok || len(c.rest) < len(s) || string(c.rest[:len(s)]) != s {
		return false
	}
	c.rest = c.rest[len(s):]
	return true
}

func (c *cursor) want(s string) { c.ok = c.has(s) }

func (c *cursor) optional(name string) int64 {
	if !c.has(name) {
		return 0
	}
	return c.number("")
}

// number reads a name and a JSON integer: no sign but a minus, no leading zero,
// and at most 18 digits, which always fit.
func (c *cursor) number(name string) int64 {
	c.want(name)
	negative := c.has("-")
	n, v := 0, int64(0)
	for n < len(c.rest) && c.rest[n] >= '0' && c.rest[n] <= '9' && n <= 18 {
		v = v*10 + int64(c.rest[n]-'0')
		n++
	}
	c.ok = c.ok && n > 0 && n <= 18 && (n == 1 || c.rest[0] != '0') && v <= math.MaxInt
	c.rest = c.rest[n:]
	if negative {
		return -v
	}
	return v
}
