package metric

import (
	"cmp"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
)

// In real time a busy machine delivers packets later than it had decided
// (Packet.Late). OnTime reckons what the figures would have been without that, so
// that Doubt can tell which thresholds the lateness could have turned.

const (
	// probe is the longest lateness that TCP bears without sending anything again:
	// the variance term of a retransmission time-out is at least 200 ms (see package
	// packet). A tail loss probe is sent after two round trips (RFC 8985 section
	// 7.2), one more than an answer takes: so it is the round trip where that is
	// less.
	probe = 200 * time.Millisecond
	// memory is how long before a retransmission the lateness that caused it may lie:
	// the first time-out of TCP (RFC 6298 section 2.1).
	memory = time.Second
)

// overdue is what has to be remembered of one payer's link to take lateness out
// of the figures. Cross traffic and copies delay no payment, and are left out.
type overdue struct {
	spans   []lateness
	tidy    bool                  // spans are sorted and do not overlap
	began   map[int]time.Duration // by flow: when its first packet was offered
	answers []arrival             // down, since the first packet was late
	again   []resent
}

// lateness is a time during which a packet was overdue: due, and not there.
type lateness struct{ from, to time.Duration }

// arrival is a packet that the payer got.
type arrival struct {
	at   time.Duration
	flow int
}

// resent is a packet that its sender had sent before.
type resent struct {
	at    time.Duration
	phase int // index; -1 is before the first
	up    bool
	size  int64
}

func (c *Collector) overdue(client int) *overdue {
	l := c.late[client]
	if l == nil {
		l = &overdue{began: make(map[int]time.Duration)}
		c.late[client] = l
	}
	return l
}

// add reads a packet that was offered in a phase.
func (l *overdue) add(p *harness.Packet, phase int) {
	if p.Cross || p.Copy {
		return
	}
	if at, ok := l.began[p.Flow]; !ok || p.At < at {
		l.began[p.Flow] = p.At
	}
	if p.Retransmit {
		l.again = append(l.again, resent{p.At, phase, p.Direction != harness.Down, int64(p.Size)})
	}
	if p.Drop != harness.DropNone {
		return
	}
	at := p.At + p.Delay
	if p.Late > 0 {
		l.spans, l.tidy = append(l.spans, lateness{at - p.Late, at}), false
	}
	if p.Direction == harness.Down && len(l.spans) > 0 {
		l.answers, l.tidy = append(l.answers, arrival{at, p.Flow}), false
	}
}

// sort makes the spans disjoint, and puts all in the order of time.
func (l *overdue) sort() {
	if l.tidy {
		return
	}
	slices.SortFunc(l.spans, func(a, b lateness) int { return cmp.Compare(a.from, b.from) })
	joined := l.spans[:0]
	for _, s := range l.spans {
		if n := len(joined); n > 0 && s.from <= joined[n-1].to {
			joined[n-1].to = max(joined[n-1].to, s.to)
		} else {
			joined = append(joined, s)
		}
	}
	l.spans, l.tidy = joined, true
	slices.SortStableFunc(l.answers, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
}

// within is for how much of a time a packet was overdue. What had to happen one
// thing after the other cannot have been held up for longer.
func (l *overdue) within(from, to time.Duration) (sum time.Duration) {
	if l == nil {
		return 0
	}
	l.sort()
	i, _ := slices.BinarySearchFunc(l.spans, from, func(s lateness, t time.Duration) int { return cmp.Compare(s.to, t) })
	for ; i < len(l.spans) && l.spans[i].from < to; i++ {
		sum += min(to, l.spans[i].to) - max(from, l.spans[i].from)
	}
	return max(0, sum)
}

// missed reports whether a try that ended without an answer could have had one,
// had no packet been late: something came on a connection of that time, and came
// after the end by no more than packets were late meanwhile. The try may have ended
// by lead sooner than recorded.
func (l *overdue) missed(from, end time.Duration) bool {
	if l == nil {
		return false
	}
	l.sort()
	ended := end - lead
	i, _ := slices.BinarySearchFunc(l.answers, ended+1, func(a arrival, t time.Duration) int { return cmp.Compare(a.at, t) })
	for ; i < len(l.answers); i++ {
		a := l.answers[i]
		if a.at-ended > l.within(from-lead, a.at) {
			return false // and no later one is
		}
		if l.began[a.flow] < end {
			return true
		}
	}
	return false
}

// OnTime returns the figures as they would have been had no packet been late, or
// nil if none was. They are those of Figures with these changes:
//
//   - A time is shorter by as long as a packet of the payer's link was overdue in
//     it. That is the most it can be: what is waited for comes one after the other.
//   - A try that got no answer, though one came on its connection later by no more
//     than packets were late, would have been answered when it ended. Its payment is
//     confirmed then, and the tries and presses after that were not made. They take
//     with them the bytes and packets of as many average tries.
//   - A retransmission was not made if within a second before it packets were overdue
//     for as long as the round trip, or 200 ms if that is less.
//   - The radio sent and got each packet as much sooner as packets had been overdue
//     since the press before it.
//
// Which packets are lost at random stays the same, and so does what an event hit:
// by a few packets that differs between any two runs in real time.
func (c *Collector) OnTime() harness.Figures {
	late := false
	for _, l := range c.late {
		late = late || len(l.spans) > 0
	}
	if !late {
		return nil
	}
	p := *c
	p.billed = nil
	answered, clocks := c.answered(), c.clocks()
	p.radioOnTime(answered, clocks)
	p.triesOnTime(answered, clocks)
	p.trafficOnTime(float64(len(p.tries)) / float64(max(1, len(c.tries))))
	p.ordersOnTime(answered)
	return p.Figures()
}

// answered returns when each payment would have been answered but for lateness
// that ended a try too soon, by the index of its order.
func (c *Collector) answered() map[int32]time.Duration {
	all := make(map[int32]time.Duration)
	for _, t := range c.tries {
		if t.order < 0 || !t.failed || !c.late[c.orders[t.order].wallet].missed(t.end-t.took, t.end) {
			continue
		}
		if at, ok := all[t.order]; !ok || t.end < at {
			all[t.order] = t.end
		}
	}
	return all
}

// ordersOnTime has payers be told sooner, and not press again after that.
func (c *Collector) ordersOnTime(answered map[int32]time.Duration) {
	c.orders, c.presses = slices.Clone(c.orders), slices.Clone(c.presses)
	for i := range c.orders {
		o := &c.orders[i]
		if at, ok := answered[int32(i)]; ok {
			o.answer(at)
		}
		l := c.late[o.wallet]
		for _, d := range []*time.Duration{&o.confirm, &o.feedback} {
			if *d > 0 {
				*d -= l.within(o.pressed, o.pressed+*d)
			}
		}
	}
	for i := range c.presses {
		p := &c.presses[i]
		o := &c.orders[p.order]
		p.void = o.confirm >= 0 && p.at > o.pressed && p.at >= o.pressed+o.confirm
	}
}

// answer has the payer be told confirmed at an offset, if it was not told sooner.
func (o *order) answer(at time.Duration) {
	told := max(0, at-o.pressed)
	for _, d := range []*time.Duration{&o.confirm, &o.feedback} {
		if *d < 0 || *d > told {
			*d = told
		}
	}
	o.confirmed, o.recovered = max(1, o.confirmed), false
}

// triesOnTime shortens and moves tries, and leaves out those that were not needed.
func (c *Collector) triesOnTime(answered map[int32]time.Duration, clocks map[int]clock) {
	var kept []try
	for _, t := range c.tries {
		if t.needless(answered) {
			continue
		}
		if t.order >= 0 {
			k := clocks[c.orders[t.order].wallet]
			t.took -= k.late.within(t.end-t.took, t.end)
			t.end = k.onTime(t.end)
		}
		kept = append(kept, t)
	}
	c.tries = kept
}

// needless reports whether a try was made after the answer would have come.
func (t try) needless(answered map[int32]time.Duration) bool {
	at, ok := answered[t.order]
	return ok && t.end > at
}

// trafficOnTime leaves out the retransmissions that lateness may have caused, and
// keeps a share of the rest.
func (c *Collector) trafficOnTime(share float64) {
	c.phases.list = slices.Clone(c.phases.list)
	for _, l := range c.late {
		for _, r := range l.again {
			of, least := &c.phases.before, probe
			if r.phase >= 0 {
				of = &c.phases.list[r.phase]
				least = min(probe, max(time.Millisecond, of.Profile.Up.Delay+of.Profile.Down.Delay))
			}
			if l.within(r.at-memory, r.at) >= least {
				of.way(r.up).charged.less(r.size)
			}
		}
	}
	c.phases.before.keep(share)
	for i := range c.phases.list {
		c.phases.list[i].keep(share)
	}
}

// less takes away one packet that had been sent before.
func (c *charge) less(size int64) {
	c.packets--
	c.again--
	c.bytes -= size
}

// keep takes all but a share of the packets away.
func (p *phase) keep(share float64) {
	if share == 1 {
		return
	}
	for _, c := range []*charge{&p.up.charged, &p.down.charged} {
		c.packets, c.bytes, c.again = int64(share*float64(c.packets)), int64(share*float64(c.bytes)), int64(share*float64(c.again))
	}
}

// radioOnTime moves each packet on the air to when it would have been there, and
// leaves out those of tries that were not needed.
func (c *Collector) radioOnTime(answered map[int32]time.Duration, clocks map[int]clock) {
	if c.meter == nil {
		return
	}
	needless := make(map[int][]lateness) // by payer: when tries were under way that were not needed
	for _, t := range c.tries {
		if t.needless(answered) {
			w := c.orders[t.order].wallet
			needless[w] = append(needless[w], lateness{max(answered[t.order], t.end-t.took), t.end})
		}
	}
	m := &meter{model: c.meter.model, phones: make(map[int]*phone)}
	for i, ph := range c.meter.phones {
		m.phones[i] = ph.onTime(clocks[i], needless[i])
	}
	c.meter = m
}

// onTime returns the phone with its packets moved, and without those of some times.
func (ph *phone) onTime(k clock, needless []lateness) *phone {
	moved := &phone{}
	for _, x := range ph.air {
		if x.owed != cross {
			if slices.ContainsFunc(needless, func(n lateness) bool { return n.from < x.at && x.at <= n.to }) {
				continue
			}
			x.owed, x.at = 0, k.onTime(x.at)
		}
		moved.air = append(moved.air, x)
	}
	return moved
}

// clock moves offsets of one payer to when they would have been without lateness.
type clock struct {
	late    *overdue
	pressed []time.Duration // when its payments began, in the order of time
}

func (c *Collector) clocks() map[int]clock {
	all := make(map[int]clock)
	for i, l := range c.late {
		all[i] = clock{late: l}
	}
	for _, o := range c.orders {
		k := all[o.wallet]
		k.pressed = append(k.pressed, o.pressed)
		all[o.wallet] = k
	}
	return all
}

// onTime is at, sooner by as long as packets were overdue since the press before it.
func (k clock) onTime(at time.Duration) time.Duration {
	from := time.Duration(0)
	if i, _ := slices.BinarySearch(k.pressed, at+1); i > 0 {
		from = k.pressed[i-1]
	}
	return at - k.late.within(from, at)
}
