package impairment

import (
	"time"

	"github.com/onebar/onebar/harness"
)

// A reordered packet skips the delay (as in netem). That shows only if another packet is
// on its way at that time. So the probability of reordering is compared with the share
// of the packets that could have overtaken another and did.

// chance counts packets that could have overtaken another, and that did.
type chance struct{ had, taken int64 }

// arrival is a packet that has arrived on a link that reorders.
type arrival struct {
	n           int64
	size        int
	at, arrived time.Duration
	phase       int

	overtook bool
	ahead    ahead // the last to arrive of those offered before it and not overtaking
}

// ahead is what has to be known of the packet before.
type ahead struct {
	known   bool
	arrived time.Duration
	size    int
	phase   int
}

// recently is how many arrivals are kept: as many may overtake one packet.
const recently = 16

// overtake notes the arrival of a packet and settles the one that arrived long
// before.
func (l *linkState) overtake(links *Links, x arrival) {
	for i := range l.recent {
		r := &l.recent[i]
		if r.n > x.n {
			r.overtook = true
			r.ahead = ahead{true, x.arrived, x.size, x.phase}
		} else if !r.overtook {
			x.ahead = ahead{true, r.arrived, r.size, r.phase}
		}
	}
	if len(l.recent) == recently {
		links.settle(l.recent[0], l.up, func(t *counts) *chance { return &t.chance })
		copy(l.recent, l.recent[1:])
		l.recent = l.recent[:recently-1]
	}
	l.recent = append(l.recent, x)
}

// settle counts an arrival if it had the chance to overtake the packet ahead:
// that one was still under way, in the same phase, when this one had surely been
// sent.
func (l *Links) settle(x arrival, up bool, of func(*counts) *chance) {
	s := &l.phases[x.phase]
	path := s.Path(up)
	air := 2 * serialization(path, int64(x.size+x.ahead.size))
	if path.Reorder == 0 || path.Trace != nil || !x.ahead.known || x.ahead.phase != x.phase ||
		x.at+air >= x.ahead.arrived || air >= path.Delay-strays(path) {
		return
	}
	c := of(s.Way(up))
	c.had++
	if x.overtook {
		c.taken++
	}
}

// strays is how far the jitter takes a packet below the delay, all but never
// more.
func strays(p *harness.Path) time.Duration {
	switch p.Distribution {
	case harness.Normal:
		return 5 * p.Jitter
	case harness.Pareto:
		return p.Jitter * 2 / 3
	case harness.Uniform:
	}
	return p.Jitter
}

// chances returns what every direction of every phase comes to, with the
// arrivals that are not settled yet.
func (l *Links) chances() map[*counts]*chance {
	all := make(map[*counts]*chance)
	of := func(t *counts) *chance {
		c := all[t]
		if c == nil {
			c = new(chance)
			*c = t.chance
			all[t] = c
		}
		return c
	}
	for i := range l.phases {
		of(&l.phases[i].Up)
		of(&l.phases[i].Down)
	}
	for state := range l.states.All() {
		for _, x := range state.recent {
			l.settle(x, state.up, of)
		}
	}
	return all
}

// queued reports whether packets waited long in the queue. Then the history does not
// show which packets could have overtaken another.
func (d direction) queued() bool {
	n := d.counts.delivered
	return n > 0 && d.counts.delay/time.Duration(n) > d.Delay+d.Jitter+d.Delay/2
}
