package toxi

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/link"
)

// settings is what one direction of every link does at a time. It is immutable.
type settings struct {
	path    harness.Path
	since   time.Duration   // the offset it holds from
	opened  time.Duration   // the offset the last blackhole ended at; liveSettings.set keeps it
	holes   []*atomic.Int64 // hit counters of the blackholes in force; none is an open link
	changed chan struct{}   // closed once newer settings are in force
}

// hit counts something held back in every blackhole of s that was not in force
// in before, under which it was counted already. before may be nil.
func (s *settings) hit(before *settings) {
	for _, h := range s.holes {
		if before == nil || !slices.Contains(before.holes, h) {
			h.Add(1)
		}
	}
}

// liveSettings holds the settings in force for one direction. set must not be called by
// two goroutines at once; Load may be called at any time.
type liveSettings struct{ atomic.Pointer[settings] }

func (k *liveSettings) set(s settings) {
	s.changed = make(chan struct{})
	old := k.Load()
	if old != nil {
		s.opened = old.opened
		if len(old.holes) > 0 {
			s.opened = s.since
		}
	}
	k.Store(&s)
	if old != nil {
		close(old.changed)
	}
}

const (
	// mss is the usual payload of a packet: at low rates a stream crosses the
	// link in pieces of this size, as it would in packets.
	mss = 1448
	// quantum is the airtime of a piece at high rates, where single packets
	// would be finer than timers are, and how far ahead pieces are taken.
	quantum = 2 * time.Millisecond
)

// accessLink is one direction of one client's link, shared by the client's
// connections. Its arithmetic is package link's, in two steps, since it must know when a
// piece has left to take the next one.
type accessLink struct {
	live *liveSettings

	mu      sync.Mutex
	rate    *link.Link    // the path's rate only: "arrival" is the end of transmission
	air     *link.Link    // the path's delay and jitter only
	applied *settings     // what rate and air are set to
	free    time.Duration // when the last piece has left
}

func newAccessLink(seed uint64, id link.ID, k *liveSettings) *accessLink {
	return &accessLink{live: k, rate: link.New(seed, id, harness.Path{}), air: link.New(seed, id, harness.Path{})}
}

// offer is what an access link answers when data is offered to it.
type offer struct {
	taken  int           // bytes on the link now; -1 is not yet
	at     time.Duration // when they arrive, or when to ask again
	opened time.Duration // if taken: no earlier than this, as nothing enters a black-holed link
	hole   *settings     // if set, black-holed: ask again once it has changed
}

// offer asks the access link, at offset now, to take what has been waiting since the
// offset since: at most n bytes; 0 is a SYN, a FIN or a reset. A piece whose
// turn came a little before now, because a timer was late, is taken as of its
// turn, so that the rate is exact and lateness does not add up.
func (a *accessLink) offer(now, since time.Duration, key link.Key, n int) offer {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.live.Load()
	if len(s.holes) > 0 {
		return offer{taken: -1, hole: s}
	}
	if a.free > now+quantum {
		return offer{taken: -1, at: a.free - quantum}
	}
	if s != a.applied {
		a.rate.Set(harness.Path{Rate: s.path.Rate})
		a.air.Set(harness.Path{Delay: s.path.Delay, Jitter: s.path.Jitter})
		a.applied = s
	}
	n = min(n, pieceSize(s.path.Rate))
	a.free = a.rate.Send(max(since, s.since, a.free), key, n).Arrive
	return offer{taken: n, at: a.air.Send(a.free, key, n).Arrive, opened: s.opened}
}

// pieceSize is the most an access link of rate bit/s takes at once.
func pieceSize(rate int64) int {
	if rate <= 0 {
		return window
	}
	return int(min(max(rate/8/int64(time.Second/quantum), mss), window))
}

// cross carries a packet without payload, the SYN or the answer to it, over the
// access link and returns when it has arrived, or with the error of ctx.
func (a *accessLink) cross(ctx context.Context, start time.Time, key link.Key) error {
	since := time.Since(start)
	for held := (*settings)(nil); ; {
		var changed <-chan struct{}
		var timer <-chan time.Time
		o := a.offer(time.Since(start), since, key, 0)
		if o.hole != nil {
			o.hole.hit(held)
			held, changed = o.hole, o.hole.changed
		} else {
			timer = time.After(o.at - time.Since(start))
		}
		select {
		case <-timer:
			if o.taken >= 0 {
				return nil
			}
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
