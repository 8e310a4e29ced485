package metric

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/radio"
	"github.com/onebar/onebar/harness/result"
)

// meter keeps what crossed the air of each phone, as the phone saw it: a packet up when it
// was sent, even if it was lost; a packet down when it arrived. It leaves out copies that
// the link made of a packet up, because the phone never sent them.
type meter struct {
	model  *radio.Model
	phones map[int]*phone
}

type phone struct{ air []crossing }

type crossing struct {
	at   time.Duration
	size int32 // bytes; their complement if the phone got it
	owed int32 // the payment it belongs to, from 1; 0 is not known yet; cross is none
}

const cross = -1

// newMeter returns a meter for the radio that the header names, or nil.
func newMeter(h *history.Header) *meter {
	r := h.Scenario.Radio
	if r == nil {
		return nil
	}
	var m *radio.Model
	var err error
	if r.Model != "" {
		m, err = radio.ReadModel(r.Name, []byte(r.Model))
	} else {
		m, err = radio.Lookup(r.Name)
	}
	if err != nil {
		return nil
	}
	return &meter{model: m, phones: make(map[int]*phone)}
}

func (m *meter) packet(p *harness.Packet) {
	x := crossing{at: p.At, size: int32(max(0, min(p.Size, math.MaxInt32)))}
	switch {
	case p.Direction == harness.Down && p.Drop == harness.DropNone:
		x.at, x.size = p.At+p.Delay, ^x.size
	case p.Direction == harness.Down || p.Copy:
		return
	}
	if p.Cross {
		x.owed = cross
	}
	ph := m.phones[p.Client]
	if ph == nil {
		ph = new(phone)
		m.phones[p.Client] = ph
	}
	ph.air = append(ph.air, x)
}

// bill is what the radios spent, in all and for each order.
type bill struct {
	total result.Energy
	costs []radio.Cost // by order
}

// Energy returns what the radios of the phones spent, or nil if the scenario
// names no radio, or one that this program does not know, or if nothing was
// sent.
func (c *Collector) Energy() *result.Energy {
	b := c.bill()
	if b == nil {
		return nil
	}
	return &b.total
}

// bill makes the account of every phone, or returns nil without a radio or
// without packets.
func (c *Collector) bill() *bill {
	if c.meter == nil || len(c.meter.phones) == 0 {
		return nil
	}
	if c.billed != nil {
		return c.billed
	}
	m := c.meter.model
	b := &bill{costs: make([]radio.Cost, len(c.orders))}
	b.total = result.Energy{
		Model: m.Name, Title: m.Title, Approximate: c.header.Payload, Priced: m.Priced(),
		States: make([]result.RadioState, len(m.States)+1),
	}
	for i, s := range m.States {
		b.total.States[i].Name = s.Name
	}
	b.total.States[len(m.States)].Name = "promotion"
	attempts := c.attemptsByWallet()
	for _, i := range slices.Sorted(maps.Keys(c.meter.phones)) {
		air := c.meter.phones[i].air
		slices.SortStableFunc(air, func(a, b crossing) int { return cmp.Compare(a.at, b.at) })
		attribute(air, attempts[i])
		b.add(m.Account(packets(air)))
	}
	c.billed = b
	return b
}

// packets are the crossings as the radio takes them.
func packets(air []crossing) []radio.Packet {
	all := make([]radio.Packet, len(air))
	for i, x := range air {
		all[i] = radio.Packet{At: x.at, Size: int(x.size), Direction: harness.Up, Payment: int(max(0, x.owed))}
		if x.size < 0 {
			all[i].Size, all[i].Direction = int(^x.size), harness.Down
		}
	}
	return all
}

func (b *bill) add(u radio.Usage, costs []radio.Cost) {
	t := &b.total
	t.Phones++
	t.Span += u.Span
	t.Promotions += u.Promotions
	t.Wakeups += u.Wakeups
	t.Joules += u.Joules
	t.Tail += u.TailJoules
	promotion := len(u.States)
	for i, s := range u.States {
		t.States[i].Time += s.Time
		t.States[i].Joules += s.Joules
	}
	t.States[promotion].Time += u.Promotion.Time
	t.States[promotion].Joules += u.Promotion.Joules
	others := u.Joules - u.States[0].Joules
	for _, c := range costs {
		t.Payments += c.Joules
		others -= c.Joules
		o := &b.costs[c.Payment-1]
		o.Joules += c.Joules
		o.Marginal += c.Marginal
		o.TailJoules += c.TailJoules
		o.RadioOn += c.RadioOn
		o.Promotions += c.Promotions
	}
	if others > u.Joules*1e-9 { // more than the rounding of the sums
		t.Others += others
	}
}

// countEnergy charges the payments of a scope.
func (c *Collector) countEnergy(s values, in *scope, payments float64) {
	b := c.bill()
	if b == nil {
		return
	}
	var sum radio.Cost
	var joules []float64
	for i, o := range c.orders {
		if !in.has(o.phase) {
			continue
		}
		cost := b.costs[i]
		joules = append(joules, cost.Joules)
		sum.Joules += cost.Joules
		sum.Marginal += cost.Marginal
		sum.TailJoules += cost.TailJoules
		sum.RadioOn += cost.RadioOn
		sum.Promotions += cost.Promotions
	}
	s.share("promotions_per_payment", float64(sum.Promotions), payments)
	s.share("radio_on_seconds_per_payment", sum.RadioOn.Seconds(), payments)
	if !b.total.Priced {
		return
	}
	s.share("joules_per_payment", sum.Joules, payments)
	s.share("marginal_joules_per_payment", sum.Marginal, payments)
	s.share("tail_share", sum.TailJoules, sum.Joules)
	s.share("battery_share_per_1000_payments", 1000*sum.Joules/radio.Battery, payments)
	s.series("joules", joules)
}
