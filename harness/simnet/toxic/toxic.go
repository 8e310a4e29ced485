// Package toxic is a model of the toxics of toxiproxy that change a stream: limit_data,
// slicer, slow_close, timeout and reset_peer. A [Chain] takes bytes from one connection,
// and hands them to another as its toxics have it. It has no goroutine, no clock and no lock.
package toxic

import (
	"math/rand/v2"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
)

// Chunk is what goes through a chain: bytes of the stream, or its end.
type Chunk struct {
	Kind Kind
	Data []byte
}

// Kind is what a Chunk is.
type Kind uint8

// The kinds of chunks.
const (
	Bytes Kind = iota + 1 // of the stream
	End                   // the source has ended
	Cut                   // a toxic has ended the stream
)

// ChunkSize is how many bytes toxiproxy reads at once: io.Copy's buffer.
const ChunkSize = 32 << 10

// apart is how long after a slice the next one goes at least, so that each is a
// write of its own.
const apart = time.Microsecond

// Ends are the connections at both ends of a chain.
type Ends interface {
	// Read takes what has come from the source, at most ChunkSize bytes, or its end. It is
	// false if that is nothing yet.
	Read() (Chunk, bool)
	// HasRoom reports whether the destination takes a chunk.
	HasRoom() bool
	// Deliver hands a chunk to the destination.
	Deliver(Chunk)
}

// Chain is one direction of a proxied connection. The zero Chain has no toxics.
type Chain struct {
	// Draw returns the random numbers for a number of the chain.
	Draw   func(ordinal uint64) *rand.Rand
	stages []*stage // in the order of the stream
	resets bool
}

// Add adds a toxic behind the others, of a connection that is made at now.
func (l *Chain) Add(t harness.Toxic, now time.Duration) {
	s := &stage{Toxic: t, place: len(l.stages), draw: l.Draw, cutAt: access.Never, left: t.Attributes["bytes"]}
	s.expect(now)
	l.stages = append(l.stages, s)
	l.resets = l.resets || t.Type == "reset_peer"
}

// Resets reports whether one of the toxics is reset_peer: it ends the stream by a reset.
func (l *Chain) Resets() bool { return l.resets }

// Step moves one chunk by one place, the one that is farthest if several could be. It is
// false if none could.
func (l *Chain) Step(now time.Duration, ends Ends) bool {
	for i := len(l.stages); i >= 0; i-- {
		if i == len(l.stages) && !ends.HasRoom() || i < len(l.stages) && !l.stages[i].free(now) {
			continue
		}
		from := ends.Read
		if i > 0 {
			from = func() (Chunk, bool) { return l.stages[i-1].pass(now) }
		}
		switch c, ok := from(); {
		case !ok:
			continue
		case i == len(l.stages):
			ends.Deliver(c)
		default:
			l.stages[i].take(c, now)
		}
		return true
	}
	return false
}

// Next is when a toxic will do something by itself, access.Never if none will.
func (l *Chain) Next(now time.Duration) time.Duration {
	at := access.Never
	for _, s := range l.stages {
		at = min(at, s.wake(now))
	}
	return at
}

// stage is one toxic in a chain. It holds one chunk at a time, cut up or not.
type stage struct {
	harness.Toxic
	place int // in the chain
	draw  func(ordinal uint64) *rand.Rand

	held  []Chunk       // to be passed on, in order
	ready time.Duration // until then nothing is passed on or taken
	cutAt time.Duration // then it ends the stream, whatever it holds
	taken uint64        // chunks so far
	left  int64         // of limit_data
	over  bool          // it has passed on an end: what comes now is lost
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

func (s *stage) free(now time.Duration) bool {
	return s.over || len(s.held) == 0 && now >= s.ready
}

func (s *stage) take(c Chunk, now time.Duration) {
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
		if c.Kind != Bytes {
			s.ready = now + s.wait("delay", time.Millisecond)
		}
		s.held = append(s.held, c)
	case "timeout":
		if c.Kind == Bytes {
			s.expect(now)
			return
		}
		s.held = append(s.held, c)
	case "reset_peer": // what its chain makes of the cut, see Chain.Resets
		s.ready = now + s.wait("timeout", time.Millisecond)
		s.held = append(s.held, Chunk{Kind: Cut})
	}
}

// limit passes bytes on up to the limit, and then ends the stream.
func (s *stage) limit(c Chunk) {
	if c.Kind == Bytes {
		c.Data = c.Data[:min(s.left, int64(len(c.Data)))]
		s.left -= int64(len(c.Data))
	}
	if c.Kind != Bytes || len(c.Data) > 0 {
		s.held = append(s.held, c)
	}
	if c.Kind == Bytes && s.left == 0 {
		s.held = append(s.held, Chunk{Kind: Cut})
	}
}

// slice cuts bytes up, as drawn for this chunk of the flow.
func (s *stage) slice(c Chunk) {
	if c.Kind != Bytes {
		s.held = append(s.held, c)
		return
	}
	size, vary := int(s.Attributes["average_size"]), int(s.Attributes["size_variation"])
	draw := s.draw(uint64(s.place)<<32 | s.taken)
	var halve func(b []byte)
	halve = func(b []byte) {
		if len(b)-size <= vary {
			s.held = append(s.held, Chunk{Bytes, b})
			return
		}
		middle := len(b) / 2
		if vary > 0 {
			middle += draw.IntN(2*vary) - vary
		}
		halve(b[:middle])
		halve(b[middle:])
	}
	halve(c.Data)
}

// pass returns what the stage passes on at now, if it is anything.
func (s *stage) pass(now time.Duration) (c Chunk, ok bool) {
	switch {
	case s.over:
		return Chunk{}, false
	case now >= s.cutAt:
		c = Chunk{Kind: Cut}
	case len(s.held) == 0 || now < s.ready:
		return Chunk{}, false
	default:
		c = s.held[0]
		s.held = s.held[1:]
	}
	s.over = c.Kind != Bytes
	if s.Type == "slicer" {
		s.ready = now + max(apart, s.wait("delay", time.Microsecond))
	}
	return c, true
}

// wake is when the stage will do something by itself.
func (s *stage) wake(now time.Duration) time.Duration {
	switch {
	case s.over:
		return access.Never
	case s.ready > now:
		return min(s.ready, s.cutAt)
	}
	return s.cutAt
}
