package radio

import (
	"slices"
	"time"
)

// Cost is what one payment cost its phone's radio.
//
// The joules of a payment are those of the promotions that its packets caused, of its
// bytes, and of the connected states after each of its packets until the next packet of
// any payment. So a shared tail belongs to the payment of the last packet before it.
// Idle time belongs to no payment. The joules of all payments, of packets without a
// payment and of the idle time add up to those of the trace.
//
// Marginal is Usage.AboveIdle of the trace minus that of the trace without the packets of
// the payment: what the radio would have saved without it. It is near zero for a payment
// during the tail of another, and can be negative (its packets may have avoided a
// promotion).
type Cost struct {
	Payment    int
	Joules     float64       // 0 if the model is not priced
	Marginal   float64       // J; 0 if the model is not priced
	TailJoules float64       // part of Joules
	RadioOn    time.Duration // connected or promoting
	Promotions int64         // upward moves its packets asked for
	Wakeups    int64         // those of them out of the idle state
}

// stride is how many packets lie between two saved positions.
const stride = 64

// account runs a trace with one ledger for each payment and saves positions on
// the way, so that any part of it can be run again.
type account struct {
	model   *Model
	packets []Packet
	saved   []position // before packets 0, stride, 2·stride, ...
	runner  Machine
	steps   int // taken for marginal joules
}

// Account runs m over the packets of one phone, in the order of time, and
// returns what the radio spent in all and for each payment that has packets, in
// the order of their numbers.
//
// The marginal joules of a payment need only the packets around those of the payment,
// not the whole trace: as soon as the radio has the same position with and without the
// payment, the rest is equal.
func (m *Model) Account(packets []Packet) (Usage, []Cost) {
	a := &account{model: m, packets: packets, runner: *NewMachine(m, nil)}
	return a.run()
}

func (a *account) run() (Usage, []Cost) {
	m, packets := a.model, a.packets
	var noPayment ledger
	costs, members := group(packets)
	payers := make([]ledger, len(costs))
	k := NewMachine(m, nil)
	k.acct = &noPayment
	for i, p := range packets {
		if i%stride == 0 {
			a.saved = append(a.saved, k.pos)
		}
		payer := &noPayment
		if j, ok := find(costs, p.Payment); ok {
			payer = &payers[j]
		}
		k.step(p, payer)
	}
	k.finish()
	for j := range costs {
		a.bill(&costs[j], &payers[j])
		costs[j].Marginal = a.marginal(costs[j].Payment, members[j])
		noPayment.add(&payers[j])
	}
	return m.usage(&noPayment), costs
}

// group returns a cost for each payment, by number, and the indices of its
// packets.
func group(packets []Packet) (costs []Cost, members [][]int) {
	for _, p := range packets {
		if p.Payment > 0 {
			costs = append(costs, Cost{Payment: p.Payment})
		}
	}
	slices.SortFunc(costs, func(a, b Cost) int { return a.Payment - b.Payment })
	costs = slices.CompactFunc(costs, func(a, b Cost) bool { return a.Payment == b.Payment })
	members = make([][]int, len(costs))
	for i, p := range packets {
		if j, ok := find(costs, p.Payment); ok {
			members[j] = append(members[j], i)
		}
	}
	return costs, members
}

func find(costs []Cost, payment int) (int, bool) {
	return slices.BinarySearchFunc(costs, payment, func(c Cost, p int) int { return c.Payment - p })
}

// bill fills in a cost from the ledger of a payment.
func (a *account) bill(c *Cost, l *ledger) {
	u := a.model.usage(l)
	c.Joules = u.Joules - u.States[0].Joules
	c.TailJoules, c.RadioOn = u.TailJoules, u.RadioOn
	c.Promotions, c.Wakeups = u.Promotions, u.Wakeups
}

// marginal returns the marginal joules of the payment with the packets of the
// given indices.
func (a *account) marginal(payment int, members []int) float64 {
	with, without := a.runner, a.runner
	var spent, left ledger
	with.acct, without.acct = &spent, &left
	for len(members) > 0 {
		i := members[0]
		with.pos = a.at(i)
		without.pos = with.pos
		members = a.race(&with, &without, i, payment, members)
	}
	return a.model.usage(&spent).AboveIdle - a.model.usage(&left).AboveIdle
}

// race runs the trace from packet i on with and without the payment, until both are at
// the same position or the trace ends. It returns the members after that point.
func (a *account) race(with, without *Machine, i int, payment int, members []int) []int {
	for ; i < len(a.packets); i++ {
		p := a.packets[i]
		with.step(p, with.acct)
		a.steps++
		if p.Payment == payment {
			members = members[1:]
			continue
		}
		without.step(p, without.acct)
		if with.pos == without.pos && (len(members) == 0 || members[0]-i > stride) {
			return members
		}
	}
	with.finish()
	without.finish()
	return members
}

// at returns the position before packet i.
func (a *account) at(i int) position {
	var unread ledger
	k := a.runner
	k.pos, k.acct = a.saved[i/stride], &unread
	for _, p := range a.packets[i/stride*stride : i] {
		k.step(p, &unread)
		a.steps++
	}
	return k.pos
}

func (l *ledger) add(o *ledger) {
	for i := range l.state {
		l.state[i] += o.state[i]
		l.tail[i] += o.tail[i]
	}
	for i := range l.promo {
		l.promo[i] += o.promo[i]
		l.promos[i] += o.promos[i]
	}
	l.wakeups += o.wakeups
	l.packets += o.packets
	l.bytes[0] += o.bytes[0]
	l.bytes[1] += o.bytes[1]
}
