package metric

import (
	"cmp"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/interval"
	"github.com/onebar/onebar/harness/result"
)

// In real time a busy machine delivers packets later than it had decided (Packet.Late),
// and makes programs wait for a processor (Record.Late). OnTime computes what the figures
// would have been without that, so that threshold.Doubt can find the thresholds that the
// lateness could have changed.

const (
	// memory is how long before a retransmission the lateness that caused it may lie:
	// the first time-out of TCP (RFC 6298 section 2.1).
	memory = time.Second
	// rest is a little more than the time between two looks at the clock (5 ms, see
	// package run). If the timer is late before and after that time, the machine counts
	// as late in between.
	rest = 6 * time.Millisecond
)

// overdue is what is remembered of one payer's link to remove lateness from the figures.
// It leaves out cross traffic and copies, because they delay no payment.
type overdue struct {
	spans   []interval.Interval   // when a packet was due and had not arrived; after tidy, when the machine was late
	due     []interval.Interval   // after tidy, when a packet was due and had not arrived
	flights []interval.Interval   // when a packet was on its way, as the link had decided
	began   map[int]time.Duration // by flow: when its first packet was offered
	answers []arrival             // down
	again   []resent
}

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
		l.spans = append(l.spans, interval.Interval{From: at - p.Late, To: at})
	}
	if n := len(l.flights); n > 0 && l.flights[n-1].From <= p.At && p.At <= l.flights[n-1].To {
		l.flights[n-1].To = max(l.flights[n-1].To, at-p.Late)
	} else {
		l.flights = append(l.flights, interval.Interval{From: p.At, To: at - p.Late})
	}
	if p.Direction == harness.Down {
		l.answers = append(l.answers, arrival{at, p.Flow})
	}
}

// tidy returns l with its times sorted and joined. It adds the times of ticks in which no
// packet was on its way.
func (l *overdue) tidy(ticks []interval.Interval) *overdue {
	t := *l
	t.flights = interval.Join(slices.Clone(l.flights), 0)
	t.due = interval.Join(slices.Clone(l.spans), 0)
	t.spans = interval.Join(append(interval.Without(ticks, t.flights), l.spans...), 0)
	t.answers = slices.Clone(l.answers)
	slices.SortStableFunc(t.answers, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
	return &t
}

// within returns for how long the machine was late between two offsets. A sequence of
// steps cannot have been delayed for longer.
func (l *overdue) within(from, to time.Duration) (sum time.Duration) {
	if l == nil {
		return 0
	}
	return interval.Within(l.spans, from, to)
}

// missed reports whether an attempt that ended without an answer could have had one if no
// packet had been late: a packet arrived on a connection of that time, and it arrived
// after the end by no more than packets were late meanwhile. It may have been the answer
// to another attempt on that connection, because a history does not say which attempt a
// packet belongs to. Late timers do not count: an answer that a slow server delays for
// seconds waits for no processor. The attempt may have ended by lead earlier than
// recorded.
func (l *overdue) missed(from, end time.Duration) bool {
	if l == nil {
		return false
	}
	ended := end - lead
	i, _ := slices.BinarySearchFunc(l.answers, ended+1, func(a arrival, t time.Duration) int { return cmp.Compare(a.at, t) })
	for ; i < len(l.answers); i++ {
		a := l.answers[i]
		if a.at-ended > interval.Within(l.due, from-lead, a.at) {
			return false // no later packet is either
		}
		if l.began[a.flow] < end {
			return true
		}
	}
	return false
}

// OnTime returns the figures as they would have been if the machine had not been late, or
// nil if it never was late. They are those of Figures with these changes:
//
//   - A time is shorter by as long as a packet of the payer's link was overdue in it, or,
//     while no packet was on its way, a timer of the harness was late: then the programs
//     may have waited for a processor. These waits follow one another, so their sum is
//     the most that lateness can have added.
//   - An attempt without an answer would have been answered when it ended, if a packet
//     arrived on a connection of its payer later by no more than packets were late. Its
//     payment then has its outcome at that time, see order.answer. Later attempts and
//     presses of the payment are left out, with the bytes and packets of as many average
//     attempts of their phase.
//   - A retransmission is left out if within a second before it the machine was late for
//     as long as the round trip, or 200 ms if that is less.
//   - The radio sent and received each packet earlier, by as long as the machine was late
//     since the press before it.
//
// The packets that were lost at random stay the same, and so does what an event hit: that
// differs by a few packets between any two runs in real time.
func (c *Collector) OnTime(wanted ...PhaseFigure) result.Figures {
	late := len(c.ticks) > 0
	for _, l := range c.late {
		late = late || len(l.spans) > 0
	}
	if !late {
		return nil
	}
	p := *c
	p.billed = nil
	p.late = make(map[int]*overdue, len(c.late))
	ticks := interval.Join(slices.Clone(c.ticks), rest)
	for i, l := range c.late {
		p.late[i] = l.tidy(ticks)
	}
	answered, clocks := p.answered(), p.clocks()
	p.radioOnTime(answered, clocks)
	p.trafficOnTime(answered)
	p.attemptsOnTime(answered, clocks)
	p.ordersOnTime(answered)
	return p.Figures(wanted...)
}

// answered returns when payments would have been answered if lateness had not made an
// attempt end without its answer, by the index of the order.
func (c *Collector) answered() map[int32]time.Duration {
	all := make(map[int32]time.Duration)
	for _, t := range c.attempts {
		if t.order < 0 || !t.failed || !c.late[c.orders[t.order].wallet].missed(t.end-t.took, t.end) {
			continue
		}
		if at, ok := all[t.order]; !ok || t.end < at {
			all[t.order] = t.end
		}
	}
	return all
}

// ordersOnTime moves the times at which payers were told, and leaves out presses after
// that.
func (c *Collector) ordersOnTime(answered map[int32]time.Duration) {
	c.orders, c.presses = slices.Clone(c.orders), slices.Clone(c.presses)
	for i := range c.orders {
		o := &c.orders[i]
		if at, ok := answered[int32(i)]; ok {
			o.answer(at, c.presses[o.latest].last)
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
		at, ok := answered[p.order]
		p.void = ok && p.at > at || o.confirm >= 0 && p.at > o.pressed && p.at >= o.pressed+o.confirm
	}
}

// answer makes the payer be told the outcome of its payment at an offset, if it was not
// told earlier. last is what it was told last. A payment that was declined in the end
// would have been declined then. Any other would have been confirmed, even one that
// expired, because its request may have been late.
func (o *order) answer(at time.Duration, last harness.Outcome) {
	tell := func(d *time.Duration) {
		if told := max(0, at-o.pressed); *d < 0 || *d > told {
			*d = told
		}
	}
	tell(&o.feedback)
	if last == harness.Declined && o.confirmed == 0 {
		return
	}
	tell(&o.confirm)
	o.confirmed, o.recovered = max(1, o.confirmed), false
}

// attemptsOnTime shortens and moves attempts, and leaves out those that were not needed.
func (c *Collector) attemptsOnTime(answered map[int32]time.Duration, clocks map[int]clock) {
	var kept []attempt
	for _, t := range c.attempts {
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
	c.attempts = kept
}

// needless reports whether an attempt was made after the answer would have come.
func (t attempt) needless(answered map[int32]time.Duration) bool {
	at, ok := answered[t.order]
	return ok && t.end > at
}

// trafficOnTime leaves out the retransmissions that lateness may have caused. Of the rest
// it leaves out the share of the attempts that began in the phase and were not needed. TCP
// retransmits nothing because of a lateness below harness.LeastTimeout, or below the round
// trip if that is less: a tail loss probe is sent after two round trips (RFC 8985 section
// 7.2), one more than an answer takes.
func (c *Collector) trafficOnTime(answered map[int32]time.Duration) {
	c.phases.list = slices.Clone(c.phases.list)
	for _, l := range c.late {
		for _, r := range l.again {
			of, least := &c.phases.before, harness.LeastTimeout
			if r.phase >= 0 {
				of = &c.phases.list[r.phase]
				least = min(least, max(time.Millisecond, of.Profile.Up.Delay+of.Profile.Down.Delay))
			}
			if l.within(r.at-memory, r.at) >= least {
				of.Way(r.up).charged.less(r.size)
			}
		}
	}
	attempts, needless := make(map[int]float64), make(map[int]float64) // by phase
	for _, t := range c.attempts {
		i := c.phases.list.At(t.end - t.took)
		attempts[i]++
		if t.needless(answered) {
			needless[i]++
		}
	}
	for i, n := range needless {
		of := &c.phases.before
		if i >= 0 {
			of = &c.phases.list[i]
		}
		keep(of, 1-n/attempts[i])
	}
}

func (c *charge) less(size int64) {
	c.packets--
	c.again--
	c.bytes -= size
}

func keep(p *phase, share float64) {
	for _, c := range []*charge{&p.Up.charged, &p.Down.charged} {
		c.packets, c.bytes, c.again = int64(share*float64(c.packets)), int64(share*float64(c.bytes)), int64(share*float64(c.again))
	}
}

// radioOnTime moves each packet on the air to the time without lateness, and leaves out
// those of attempts that were not needed.
func (c *Collector) radioOnTime(answered map[int32]time.Duration, clocks map[int]clock) {
	if c.meter == nil {
		return
	}
	needless := make(map[int][]interval.Interval) // by payer: when attempts were under way that were not needed
	for _, t := range c.attempts {
		if t.needless(answered) {
			w := c.orders[t.order].wallet
			needless[w] = append(needless[w], interval.Interval{From: max(answered[t.order], t.end-t.took), To: t.end})
		}
	}
	m := &meter{model: c.meter.model, phones: make(map[int]*phone)}
	for i, ph := range c.meter.phones {
		m.phones[i] = ph.onTime(clocks[i], needless[i])
	}
	c.meter = m
}

// onTime returns the phone with its packets moved, and without those in needless.
func (ph *phone) onTime(k clock, needless []interval.Interval) *phone {
	moved := &phone{}
	for _, x := range ph.air {
		if x.owed != cross {
			if slices.ContainsFunc(needless, func(n interval.Interval) bool { return n.From < x.at && x.at <= n.To }) {
				continue
			}
			x.owed, x.at = 0, k.onTime(x.at)
		}
		moved.air = append(moved.air, x)
	}
	return moved
}

// clock moves offsets of one payer to the times without lateness.
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

// onTime returns at minus the time for which the machine was late since the press before
// it.
func (k clock) onTime(at time.Duration) time.Duration {
	from := time.Duration(0)
	if i, _ := slices.BinarySearch(k.pressed, at+1); i > 0 {
		from = k.pressed[i-1]
	}
	return at - k.late.within(from, at)
}
