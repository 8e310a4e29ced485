package radio

import (
	"math"
	"time"

	"github.com/onebar/onebar/harness"
)

// Packet is one packet at the phone's radio.
type Packet struct {
	At        time.Duration     // when the phone sent it or got it, since the start of the trace
	Size      int               // bytes of IP packet, header included
	Direction harness.Direction // harness.Up is sent by the phone; any other counts as received
	Payment   int               // the payment it belongs to, from 1; 0 is none. Only Account looks at it.
}

// Change is the radio entering a state.
type Change struct {
	At    time.Duration
	State int // index in Model.States; -1 is a promotion under way
}

// promoting stands for a promotion where a state is asked for.
const promoting = -1

// position is the whole state of a machine: two machines at equal positions count the
// same for the same packets.
type position struct {
	last    time.Duration // of the latest packet
	counted time.Duration // the time before it has been added to the ledger
	timer   time.Duration // the timer of the state runs from here
	state   int8
	started bool // a packet was seen
	fresh   bool // promoted after a packet, and none was seen since

	pending int8          // rule of the promotion under way, from 1; 0 is none
	since   time.Duration // start of that promotion

	queue    [2]int64         // bytes, up and down
	queuedAt [2]time.Duration // of the latest packet in the queue

	window  int64         // number of the present window
	seen    int64         // bytes or packets in it
	watched time.Duration // time in the state it watches
	tail    time.Duration // part of watched
}

// Machine runs a model over one trace, packet by packet, in constant memory. It
// is not safe for use by several goroutines.
type Machine struct {
	model  *Model
	rules  []rule
	first  [MaxStates]int  // number of each state's first rule
	queues [MaxStates]bool // the state looks at its queue
	pos    position
	acct   *ledger // of the payment that the gap after the latest packet belongs to
	total  ledger
	line   *timeline // nil if changes are not reported
}

// rule is a promotion and the state it leaves.
type rule struct {
	Promotion
	from int
}

// NewMachine returns a machine in the idle state at offset 0. OnChange, if not
// nil, is called for every change of state in the order of time, with some
// delay: what a gap was is known at its end, and a window at its own. States of
// no length are not reported.
//
// It panics if the model cannot be run: a hand-made one without states, with a
// timer missing, or whose timers never lead to the idle state. One that was read
// with ReadModel always can.
func NewMachine(m *Model, onChange func(Change)) *Machine {
	must(m.check())
	k := &Machine{model: m}
	for i, s := range m.States {
		k.first[i] = len(k.rules)
		k.queues[i] = s.Renew > 0
		for _, p := range s.Promotions {
			k.rules = append(k.rules, rule{p, i})
			k.queues[i] = k.queues[i] || p.Over >= 0
		}
	}
	k.acct = &k.total
	if onChange != nil {
		k.line = &timeline{tell: onChange, window: m.Window, last: unsaid}
	}
	return k
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// Packet feeds the next packet. Packets come in the order of time. A packet may have
// an earlier timestamp than the one before it, as in captures, by milliseconds. It
// changes nothing that was counted, but timers run from its own timestamp. EnergyBox
// does the same.
func (k *Machine) Packet(p Packet) { k.step(p, &k.total) }

// Finish lets the radio fall back to idle and returns what was spent. The
// machine must not be used afterwards.
func (k *Machine) Finish() Usage {
	k.finish()
	return k.model.usage(&k.total)
}

func (k *Machine) finish() {
	if k.pos.started {
		k.settle(never)
	}
	k.closeWindow()
	if k.line != nil {
		k.line.put(int(k.pos.state), k.pos.counted)
	}
}

// step counts the gap to the packet before and then p, which belongs to payer.
func (k *Machine) step(p Packet, payer *ledger) {
	c := &k.pos
	t := p.At
	d := 1
	if p.Direction == harness.Up {
		d = 0
	}
	size := int64(p.Size + k.model.LinkHeader)
	k.settle(t)
	if r := k.react(t, d, size); r >= 0 {
		k.promote(r, t, payer)
		if k.model.States[c.state].Queue.CountsEntry && c.pending == 0 {
			k.enqueue(t, d, size)
		}
	}
	k.spendGap(int(c.state), t, t)
	k.acct = payer
	payer.packets++
	payer.bytes[d] += size
	c.last, c.started = t, true
	switch w := &k.model.Window; {
	case w.Packets:
		c.seen++
	case w.Length > 0:
		c.seen += size
	}
}

// settle counts the states between the latest packet and t, except the time in the
// state at t.
func (k *Machine) settle(t time.Duration) {
	c := &k.pos
	if c.pending != 0 && !k.settlePromotion(t) {
		return
	}
	for {
		s := &k.model.States[c.state]
		if s.Lasts == 0 || t-c.timer <= s.Lasts {
			return
		}
		end := c.timer + s.Lasts
		k.spendGap(int(c.state), end, t)
		k.enter(s.Then, end)
	}
}

// settlePromotion ends the pending promotion, and returns false if it is still
// under way at t.
func (k *Machine) settlePromotion(t time.Duration) bool {
	c := &k.pos
	r := k.rules[c.pending-1]
	number := int(c.pending - 1)
	passed := t - c.since
	end, timer := c.since+r.Takes, c.since
	switch {
	case r.Booked == Revised:
		if passed <= r.Takes {
			end = c.since
		}
		k.spend(r.from, end, false)
	case passed <= r.AtLeast:
		k.spendPromotion(number, t)
		return false
	default:
		if passed <= r.AtMost {
			end = t
		}
		timer = end
		k.spendPromotion(number, end)
	}
	c.pending, c.since = 0, 0
	k.enter(r.To, timer)
	c.fresh = r.Booked == After
	return true
}

// react lets the state it finds take the packet, and returns the number of the
// promotion it asks for, or -1.
func (k *Machine) react(t time.Duration, d int, size int64) int {
	c := &k.pos
	if c.pending != 0 {
		return -1
	}
	s := &k.model.States[c.state]
	k.enqueue(t, d, size)
	for i := range s.Promotions {
		p := &s.Promotions[i]
		if (p.On == harness.DirectionUnknown || (p.On == harness.Up) == (d == 0)) && c.queue[d] > p.Over {
			return k.first[c.state] + i
		}
	}
	if s.Resume != 0 {
		k.spendGap(int(c.state), t, t)
		k.enter(s.Resume, t)
		return -1
	}
	if s.Renew == 0 || c.queue[d] >= s.Renew || c.fresh {
		c.timer = t
	}
	c.fresh = false
	return -1
}

// enqueue adds a packet to the queue of the present state, if it has one.
func (k *Machine) enqueue(t time.Duration, d int, size int64) {
	c := &k.pos
	if !k.queues[c.state] {
		return
	}
	s := &k.model.States[c.state]
	for i, drain := range [2]Drain{s.Queue.Up, s.Queue.Down} {
		if c.queue[i] != 0 && float64(t-c.queuedAt[i]) > drain.of(c.queue[i]) {
			c.queue[i], c.queuedAt[i] = 0, 0
		}
	}
	c.queue[d] += size
	c.queuedAt[d] = t
}

// promote starts the promotion that a packet at t asked for, or counts it if it lies
// before the packet.
func (k *Machine) promote(number int, t time.Duration, payer *ledger) {
	c := &k.pos
	r := k.rules[number]
	payer.promos[number]++
	if r.from == 0 {
		payer.wakeups++
	}
	start := t
	if r.Booked == Before {
		start = t - r.Takes
		if c.started {
			start = max(start, c.counted)
		}
	}
	k.spendGap(r.from, start, t)
	k.acct = payer
	if r.Booked == Before || r.Takes == 0 {
		c.counted = min(c.counted, start)
		k.spendPromotion(number, t)
		k.enter(r.To, t)
		return
	}
	c.pending, c.since = int8(number+1), t
}

// enter puts the machine into a state whose timer runs from t.
func (k *Machine) enter(state int, t time.Duration) {
	c := &k.pos
	c.state, c.timer, c.fresh = int8(state), t, false
	c.queue, c.queuedAt = [2]int64{}, [2]time.Duration{}
}

// never is later than every packet.
const never = time.Duration(math.MaxInt64)
