package radio

import "time"

// ledger adds up the times of states, bytes and promotions as whole numbers, so that
// sums do not depend on their order. The joules are computed from it at the end.
type ledger struct {
	state   [MaxStates]time.Duration
	tail    [MaxStates]time.Duration // part of state
	promo   [MaxPromotions]time.Duration
	promos  [MaxPromotions]int64
	wakeups int64
	packets int64
	bytes   [2]int64 // up, down; with the link header
}

// Usage is what the radio did over a trace: from offset 0, or from the start of
// the first promotion if that lies before, until it was idle again after the
// last packet.
//
// Joules is 0 and means nothing if Priced is false.
type Usage struct {
	Priced  bool          // the model has powers
	Packets int64         //
	Up      int64         // bytes sent, as the model counts them
	Down    int64         // bytes received, as the model counts them
	Span    time.Duration // sum of all states and promotions
	RadioOn time.Duration // Span without the idle state

	States     []StateUsage   // in the order of the model, with those that were never entered
	Promotion  PromotionUsage // all promotions together
	Promotions int64          // upward moves
	Wakeups    int64          // those of them out of the idle state

	Joules     float64 // all of it
	DataJoules float64 // for bytes, on top of the states' power
	TailJoules float64 // connected, but outside of any transfer (see Model.Burst)
	AboveIdle  float64 // Joules without what an idle radio had drawn over Span
}

// StateUsage is what was spent in one state.
type StateUsage struct {
	Name   string
	Time   time.Duration
	Tail   time.Duration // part of Time
	Joules float64
}

// PromotionUsage is what the promotions took.
type PromotionUsage struct {
	Time   time.Duration
	Joules float64
}

// TailShare returns the share of TailJoules in Joules, 0 to 1, and 0 without
// joules.
func (u Usage) TailShare() float64 {
	if u.Joules == 0 {
		return 0
	}
	return u.TailJoules / u.Joules
}

// Battery is the energy of the battery that shares are given of, in J: 3000 mAh
// at 3.85 V.
const Battery = 3.0 * 3600 * 3.85

// usage prices a ledger.
func (m *Model) usage(l *ledger) Usage {
	u := Usage{
		Priced: m.Priced(), Packets: l.packets, Up: l.bytes[0], Down: l.bytes[1],
		Wakeups: l.wakeups, States: make([]StateUsage, len(m.States)),
	}
	price := func(d time.Duration, watts float64) float64 {
		if !u.Priced {
			return 0
		}
		return d.Seconds() * watts
	}
	for i, s := range m.States {
		u.States[i] = StateUsage{Name: s.Name, Time: l.state[i], Tail: l.tail[i], Joules: price(l.state[i], s.Power)}
		u.Span += l.state[i]
		u.Joules += u.States[i].Joules
		u.TailJoules += price(l.tail[i], s.Power)
	}
	m.eachRule(func(r int, p Promotion) {
		u.Promotion.Time += l.promo[r]
		u.Promotions += l.promos[r]
		if u.Priced {
			u.Promotion.Joules += price(l.promo[r], p.Power) + float64(l.promos[r])*p.Energy
		}
	})
	u.Span += u.Promotion.Time
	u.RadioOn = u.Span - l.state[0]
	if u.Priced {
		u.DataJoules = float64(l.bytes[0])*m.PerByte.Up + float64(l.bytes[1])*m.PerByte.Down
		u.Joules += u.Promotion.Joules + u.DataJoules
		u.AboveIdle = u.Joules - u.Span.Seconds()*m.States[0].Power
	}
	return u
}

func (m *Model) eachRule(f func(r int, p Promotion)) {
	r := 0
	for _, s := range m.States {
		for _, p := range s.Promotions {
			f(r, p)
			r++
		}
	}
}
