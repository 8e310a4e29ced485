package simnet

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/link"
)

// toxicInForce is a stream toxic in force: connections dialed meanwhile get it.
type toxicInForce struct {
	harness.Toxic
	group *access.Group
	hits  int64
}

// beginToxic begins a stream toxic.
func (n *Network) beginToxic(g *access.Group, t *harness.Toxic) (end func() int64, err error) {
	if t == nil {
		return nil, errors.New("inject a stream toxic: the fault names none")
	}
	if err := t.Check(); err != nil {
		return nil, fmt.Errorf("inject a stream toxic: %w", err)
	}
	p := &toxicInForce{Toxic: *t, group: g}
	n.toxics = append(n.toxics, p)
	return n.ending(func() int64 {
		n.toxics = slices.DeleteFunc(n.toxics, func(x *toxicInForce) bool { return x == p })
		return p.hits
	}), nil
}

// toxicsOn returns the stream toxics that a new connection over links gets: those in
// force that are not used up.
func (n *Network) toxicsOn(g *access.Group) []*toxicInForce {
	var list []*toxicInForce
	for _, p := range n.toxics {
		if p.group == g && (p.Connections == 0 || p.hits < p.Connections) {
			list = append(list, p)
		}
	}
	return list
}

// chunk is what goes through a chain of toxics: bytes of the stream, or its end.
type chunk struct {
	kind chunkKind
	data []byte
}

type chunkKind uint8

const (
	bytesOf chunkKind = iota + 1 // the stream
	endOf                        // the source has ended
	cut                          // a toxic has ended the stream
)

// chunkSize is how much toxiproxy reads at once: io.Copy's buffer.
const chunkSize = 32 << 10

// apart is how long after a slice the next one goes at least, so that each is a
// write of its own.
const apart = time.Microsecond

// stage is one toxic in a chain. It holds one chunk at a time, cut up or not.
type stage struct {
	harness.Toxic
	place int // in the chain
	chain *chain

	held  []chunk       // to be passed on, in order
	ready time.Duration // until then nothing is passed on or taken
	cutAt time.Duration // then it ends the stream, whatever it holds
	taken uint64        // chunks so far
	left  int64         // of limit_data
	over  bool          // it has passed on an end: what comes now is lost
}

func newStage(l *chain, place int, t harness.Toxic, now time.Duration) *stage {
	s := &stage{Toxic: t, place: place, chain: l, cutAt: never, left: t.Attributes["bytes"]}
	s.expect(now)
	return s
}

// wait returns an attribute that is a time.
func (s *stage) wait(name string, unit time.Duration) time.Duration {
	return time.Duration(s.Attributes[name]) * unit
}

// expect sets when timeout ends the stream: so long after the connection was made
// or the last bytes were thrown away, as toxiproxy has it; 0 is never.
func (s *stage) expect(now time.Duration) {
	if t := s.wait("timeout", time.Millisecond); s.Type == "timeout" && t > 0 {
		s.cutAt = now + t
	}
}

// free reports whether the stage may be given a chunk.
func (s *stage) free(now time.Duration) bool {
	return s.over || len(s.held) == 0 && now >= s.ready
}

// take is given a chunk while it is free.
func (s *stage) take(c chunk, now time.Duration) {
	if s.over {
		return
	}
	s.taken++
	switch s.Type {
	case "limit_data":
		s.limit(c)
	case "slicer":
		s.slice(c)
	case "slow_close":
		if c.kind != bytesOf {
			s.ready = now + s.wait("delay", time.Millisecond)
		}
		s.held = append(s.held, c)
	case "timeout":
		if c.kind == bytesOf {
			s.expect(now)
			return
		}
		s.held = append(s.held, c)
	case "reset_peer": // what its chain makes of the cut, see deliver
		s.ready = now + s.wait("timeout", time.Millisecond)
		s.held = append(s.held, chunk{kind: cut})
	}
}

// limit passes bytes on up to the limit, and then ends the stream.
func (s *stage) limit(c chunk) {
	if c.kind == bytesOf {
		c.data = c.data[:min(s.left, int64(len(c.data)))]
		s.left -= int64(len(c.data))
	}
	if c.kind != bytesOf || len(c.data) > 0 {
		s.held = append(s.held, c)
	}
	if c.kind == bytesOf && s.left == 0 {
		s.held = append(s.held, chunk{kind: cut})
	}
}

// slice cuts bytes up, as drawn for this chunk of the flow.
func (s *stage) slice(c chunk) {
	if c.kind != bytesOf {
		s.held = append(s.held, c)
		return
	}
	size, vary := int(s.Attributes["average_size"]), int(s.Attributes["size_variation"])
	f := s.chain.to.flow
	if f == nil {
		f = s.chain.from.flow
	}
	draw := link.Rand(s.chain.from.n.seed, f.link.ID(s.Direction()), link.Key{Flow: f.ID, Ordinal: uint64(s.place)<<32 | s.taken})
	var halve func(b []byte)
	halve = func(b []byte) {
		if len(b)-size <= vary {
			s.held = append(s.held, chunk{bytesOf, b})
			return
		}
		middle := len(b) / 2
		if vary > 0 {
			middle += draw.IntN(2*vary) - vary
		}
		halve(b[:middle])
		halve(b[middle:])
	}
	halve(c.data)
}

// pass returns what the stage passes on at now, if it is anything.
func (s *stage) pass(now time.Duration) (c chunk, ok bool) {
	switch {
	case s.over:
		return chunk{}, false
	case now >= s.cutAt:
		c = chunk{kind: cut}
	case len(s.held) == 0 || now < s.ready:
		return chunk{}, false
	default:
		c = s.held[0]
		s.held = s.held[1:]
	}
	s.over = c.kind != bytesOf
	if s.Type == "slicer" {
		s.ready = now + max(apart, s.wait("delay", time.Microsecond))
	}
	return c, true
}

// wake is when the stage will do something by itself.
func (s *stage) wake(now time.Duration) time.Duration {
	switch {
	case s.over:
		return never
	case s.ready > now:
		return min(s.ready, s.cutAt)
	}
	return s.cutAt
}
