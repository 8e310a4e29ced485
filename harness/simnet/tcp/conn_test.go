package tcp

import (
	"bytes"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/access"
)

// end is an end of a connection whose peer is half a second away.
type end struct {
	Conn
	sent   []Segment
	opened bool
	ended  int
}

func (e *end) Send(s Segment) { e.sent = append(e.sent, s) }
func (e *end) Opened()        { e.opened = true }
func (e *end) Arrived()       {}
func (e *end) Acked()         {}
func (e *end) Ended()         { e.ended++ }

func newEnd() *end {
	e := &end{}
	e.Init(e, Settings{Capacity: 1 << 20})
	return e
}

// play lets two ends exchange what they send until only keepalives are to come, and
// returns the segments of a. Lose says which of these are lost, by their numbers from 0.
func play(now *time.Duration, a, b *end, lose ...int) (sent []Segment) {
	const delay = 500 * time.Millisecond
	type flight struct {
		to *end
		at time.Duration
		s  Segment
	}
	var flights []flight
	for {
		a.Serve(*now)
		b.Serve(*now)
		for _, s := range a.sent {
			if !slices.Contains(lose, len(sent)) {
				flights = append(flights, flight{b, *now + delay, s})
			}
			sent = append(sent, s)
		}
		for _, s := range b.sent {
			flights = append(flights, flight{a, *now + delay, s})
		}
		a.sent, b.sent = nil, nil
		next := min(a.Next(), b.Next())
		if len(flights) > 0 {
			next = min(next, flights[0].at)
		} else if next-*now > 10*time.Second {
			return sent
		}
		*now = max(next, *now+1) // RACK tells instants apart
		switch {
		case len(flights) > 0 && flights[0].at == next:
			f := flights[0]
			flights = flights[1:]
			f.to.Input(*now, &f.s)
		case a.Next() == next:
			a.Expire(*now)
		default:
			b.Expire(*now)
		}
	}
}

// connect opens a connection of a to b.
func connect(t *testing.T) (now time.Duration, a, b *end) {
	t.Helper()
	a, b = newEnd(), newEnd()
	now = time.Second
	a.Dial()
	a.Serve(now)
	require.Len(t, a.sent, 1)
	require.True(t, a.sent[0].Opens())
	b.Answer(now, &a.sent[0])
	a.sent = nil
	play(&now, a, b)
	require.True(t, a.opened && b.opened)
	return now, a, b
}

// TestLossIsRepaired loses segments of a stream of twenty. Each is sent again once, and
// nothing else is.
func TestLossIsRepaired(t *testing.T) {
	stream := bytes.Repeat([]byte("0123456789abcdef"), 20*MaxSegment/16)
	for _, tc := range []struct {
		name  string
		lose  []int
		again int // segments sent twice
	}{
		{"none", nil, 0},
		{"the first", []int{0}, 1},
		{"one in the middle", []int{5}, 1},
		{"three", []int{3, 5, 7}, 3},
		{"the last", []int{19}, 1},
		{"the last three", []int{17, 18, 19}, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			now, a, b := connect(t)
			a.Write(stream)
			sent := play(&now, a, b, tc.lose...)
			got := make([]byte, len(stream)+1)
			n, _ := b.Read(got)
			require.Equal(t, stream, got[:n])
			require.Zero(t, a.Buffered())
			seen, again := make(map[int64]bool), 0
			for _, s := range sent {
				if len(s.Data) > 0 && seen[s.Seq] {
					again++
				}
				seen[s.Seq] = seen[s.Seq] || len(s.Data) > 0
			}
			require.Equal(t, tc.again, again)
		})
	}
}

// TestEnds closes one end in order and then the other; the one that was first waits for a
// minute.
func TestEnds(t *testing.T) {
	now, a, b := connect(t)
	a.CloseWrite()
	play(&now, a, b)
	require.True(t, b.PeerEnded())
	require.True(t, a.Carries())
	b.CloseWrite()
	play(&now, a, b)
	require.True(t, a.PeerEnded())
	require.Equal(t, 1, b.ended)
	require.Zero(t, a.ended)
	left := a.Next() - now
	require.InDelta(t, 60, left.Seconds(), 3)
	a.Expire(a.Next())
	require.Equal(t, 1, a.ended)
	require.Equal(t, access.Never, a.Next())
	require.NoError(t, a.Failure())
}

// TestReset closes an end that has data nobody has read: the peer sees a reset.
func TestReset(t *testing.T) {
	now, a, b := connect(t)
	a.Write([]byte("unread"))
	play(&now, a, b)
	b.Close(false)
	play(&now, a, b)
	require.ErrorIs(t, a.Failure(), syscall.ECONNRESET)
	require.Equal(t, 1, a.ended)
	require.Equal(t, 1, b.ended)
}

// TestNobodyAnswers dials into the void: seven SYNs, and it is over after 127 s, as with
// Linux's tcp_syn_retries.
func TestNobodyAnswers(t *testing.T) {
	a := newEnd()
	a.Dial()
	a.Serve(0)
	var now time.Duration
	for !a.Gone() {
		now = a.Next()
		a.Expire(now)
	}
	require.Len(t, a.sent, 1+synRetries)
	require.InDelta(t, 127, now.Seconds(), 8) // the timer wheel is late
	require.ErrorIs(t, a.Failure(), syscall.ETIMEDOUT)
}
