package metric

import (
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/fault"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/interval"
	"github.com/onebar/onebar/harness/result"
)

// Collector measures a history, which it reads record by record. It keeps one sample for
// each payment and each attempt. For each packet down it keeps 24 bytes; for each packet
// it keeps 16 bytes if the scenario names a radio. It also keeps when each link was in use
// and late. It is not safe for concurrent use. Make it with NewCollector.
type Collector struct {
	header *history.Header
	last   time.Duration // offset of the latest record but packets

	orders  []order
	byOrder map[string]int32
	presses []press
	byID    map[string]int32

	attempts []attempt

	phases phases
	others []*phases                 // of the links of the topology, in the order in which they appear
	meter  *meter                    // nil if the scenario names no radio that is known
	billed *bill                     // nil if it must be computed
	faults map[int]*result.FaultStat // by index in Scenario.Timeline
	late   map[int]*overdue          // by payer
	ticks  []interval.Interval       // when a timer of the harness was late
}

type order struct {
	pressed   time.Duration // first press
	phase     int           // in force then; -1 if none was
	wallet    int           // who pressed
	feedback  time.Duration // from there until it was first told anything; negative is never
	confirm   time.Duration // from there until it was first told confirmed; negative is never
	latest    int32         // press
	confirmed int32         // presses whose last outcome is confirmed
	unknown   bool          // was told unknown
	recovered bool          // was told confirmed after that
}

type press struct {
	at    time.Duration
	order int32
	last  harness.Outcome
	void  bool // it does not count
}

// attempt is one attempt of a payment, or one status query.
type attempt struct {
	end, took      time.Duration
	order          int32 // -1 if the payment was never pressed
	status, dialed bool
	failed         bool // it got no answer
	unconnected    bool // see harness.Attempt.NoConnection
}

// NewCollector returns a Collector that has seen nothing.
func NewCollector() *Collector {
	return &Collector{
		byOrder: make(map[string]int32),
		byID:    make(map[string]int32),
		faults:  make(map[int]*result.FaultStat),
		late:    make(map[int]*overdue),
	}
}

// Add reads the next record of the history.
func (c *Collector) Add(r history.Record) {
	c.billed = nil
	if r.Packet != nil && r.Packet.Link != "" {
		c.on(r.Packet.Link).packet(r.Packet)
		return
	}
	if r.Packet != nil {
		c.overdue(r.Packet.Client).add(r.Packet, c.phases.packet(r.Packet))
		if c.meter != nil {
			c.meter.packet(r.Packet)
		}
		return
	}
	c.last = max(c.last, r.At)
	switch {
	case r.Late > 0:
		c.ticks = append(c.ticks, interval.Interval{From: r.At - r.Late, To: r.At})
	case r.Attempt != nil:
		c.attempt(r.At, r.Attempt)
	case r.Told != nil:
		c.told(r.At, r.Told)
	case r.Pay != nil:
		c.pay(r.At, r.Pay)
	case r.Phase != nil:
		c.on(r.Phase.Link).list.Begin(*r.Phase, r.At, int32(r.Line))
	case r.Fault != nil:
		c.fault(r.Fault)
	case r.Header != nil:
		c.header = r.Header
		c.meter = newMeter(r.Header)
	}
}

func (c *Collector) pay(at time.Duration, p *harness.Payment) {
	if _, ok := c.byID[p.ID]; ok {
		return // the load check says so
	}
	press := press{at: at, order: int32(len(c.orders))}
	if o, ok := c.byOrder[p.Order]; ok && p.Order != "" {
		press.order = o
	} else {
		c.orders = append(c.orders, order{
			pressed: at, phase: len(c.phases.list) - 1, wallet: p.Wallet, feedback: -1, confirm: -1,
		})
		c.byOrder[p.Order] = press.order
	}
	i := int32(len(c.presses))
	c.presses = append(c.presses, press)
	c.byID[p.ID] = i
	c.orders[press.order].latest = i
}

func (c *Collector) told(at time.Duration, t *harness.Told) {
	i, ok := c.byID[t.Payment]
	if !ok {
		return // it was never pressed; the load check says so
	}
	p := &c.presses[i]
	o := &c.orders[p.order]
	if o.feedback < 0 {
		o.feedback = at - o.pressed
	}
	if p.last == harness.Confirmed {
		o.confirmed--
	}
	p.last = t.Outcome
	if t.Outcome == harness.OutcomeUnknown {
		o.unknown = true
	}
	if t.Outcome != harness.Confirmed {
		return
	}
	o.confirmed++
	o.recovered = o.recovered || o.unknown
	if o.confirm < 0 {
		o.confirm = at - o.pressed
	}
}

func (c *Collector) attempt(at time.Duration, a *harness.Attempt) {
	t := attempt{
		end: at, took: a.Took, order: -1,
		status: a.Status, dialed: a.Dialed, failed: a.Error != "", unconnected: a.NoConnection,
	}
	if i, ok := c.byID[a.Payment]; ok {
		t.order = c.presses[i].order
	}
	c.attempts = append(c.attempts, t)
}

func (c *Collector) fault(f *history.FaultNote) {
	s := c.faults[f.Event]
	if s == nil {
		s = &result.FaultStat{Event: f.Event, Action: f.Action}
		c.faults[f.Event] = s
	}
	if !f.Ended {
		s.Times++
	}
	s.Hits += f.Hits
}

// Confirmed returns the samples behind p50(confirm) and its like, in the order of
// the first presses: how long each confirmed payment took. It is for pooling runs.
func (c *Collector) Confirmed() (all []time.Duration) {
	for _, o := range c.orders {
		if o.confirm >= 0 {
			all = append(all, o.confirm)
		}
	}
	return all
}

// Faults returns what each event of the timeline hit, in the order of the
// timeline. Events that only change the link, and heals, are not among them:
// Phases shows their effect. An event that never happened is there with 0
// times.
func (c *Collector) Faults() []result.FaultStat {
	if c.header == nil {
		return nil
	}
	var all []result.FaultStat
	for i, e := range c.header.Scenario.Timeline {
		if !fault.Counts(e.Action) {
			continue
		}
		s := result.FaultStat{Event: i, Action: e.Action}
		if got := c.faults[i]; got != nil {
			s = *got
		}
		s.Line = e.Line
		all = append(all, s)
	}
	return all
}

// on returns the phases of a link; an empty name is the access links. Figures are of the
// access links only.
func (c *Collector) on(link string) *phases {
	if link == "" {
		return &c.phases
	}
	for _, l := range c.others {
		if l.link == link {
			return l
		}
	}
	l := &phases{link: link}
	c.others = append(c.others, l)
	return l
}

// Phases returns the phases of the run in order, first those of the access links and then
// those of each link of the topology, each with what happened to its packets. A packet
// belongs to the phase in force when it was offered.
func (c *Collector) Phases() []result.PhaseStat {
	all := c.phases.stats(c.last)
	for _, l := range c.others {
		all = append(all, l.stats(c.last)...)
	}
	return all
}
