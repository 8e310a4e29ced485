package radio

import (
	"strings"
)

// resolve looks the names up and checks the rules between keys. It does not check a part
// that already has a mistake.
func (r *reader) resolve() {
	m := r.model
	if len(r.mistakes) > 0 {
		return
	}
	if len(m.States) == 0 {
		r.errorf(place{1, 1}, "the model has no states")
		return
	}
	first := map[string]int{}
	for i, s := range m.States {
		if j, twice := first[s.Name]; twice {
			r.errorf(r.states[i].keys["name"], "a second state named %s; the first stands on line %d", s.Name, r.states[j].at.line)
			continue
		}
		first[s.Name] = i
	}
	for _, ref := range r.names {
		i, ok := first[ref.name]
		if !ok {
			r.errorf(ref.at, "there is no state %q; the model has %s", ref.name, r.stateNames())
			continue
		}
		*ref.to = i
	}
	if len(r.mistakes) > 0 {
		return
	}
	rules := 0
	for i := range m.States {
		r.checkState(i)
		rules += len(m.States[i].Promotions)
	}
	if rules > MaxPromotions {
		r.errorf(place{1, 1}, "the model has %d promotions over all states; at most %d", rules, MaxPromotions)
	}
	if w := m.Window; w.Length > 0 && (w.From == w.To || w.To == 0) {
		r.errorf(r.window, "the window turns %s into %s; expected another state that is not the idle one", m.States[w.From].Name, m.States[w.To].Name)
	}
}

func (r *reader) stateNames() string {
	names := make([]string, len(r.model.States))
	for i, s := range r.model.States {
		names[i] = s.Name
	}
	return strings.Join(names, ", ")
}

func (r *reader) checkState(i int) {
	m, w := r.model, r.states[i]
	s := &m.States[i]
	switch {
	case i == 0 || m.countsOnly(i):
		for _, k := range []string{"lasts", "then", "busy", "resume", "renew"} {
			if at, given := w.keys[k]; given && i == 0 {
				r.errorf(at, "%s is the first state, the idle one, and has no %s: nothing but a packet leaves it", s.Name, k)
			} else if given {
				r.errorf(at, "%s replaces another state, by busy or window, and is never entered: it has no %s", s.Name, k)
			}
		}
		if i > 0 && len(s.Promotions) > 0 {
			r.errorf(w.keys["promotions"], "%s replaces another state, by busy or window, and is never entered: it has no promotions", s.Name)
		}
	default:
		r.checkTimer(i)
	}
	for j := range s.Promotions {
		r.checkPromotion(i, j)
	}
	if at, given := w.keys["resume"]; given && i > 0 {
		r.checkTarget(at, "resume", i, s.Resume)
	}
	if _, given := w.keys["busy"]; given && (s.Busy == 0 || s.Busy == i || s.Lasts < m.Burst) {
		r.errorf(w.keys["busy"], "busy needs a state other than %s and the idle one, and a timer no shorter than burst (%v)", s.Name, m.Burst)
	}
}

// checkTimer checks that a connected state has a timer, and that the timers lead to the
// idle state.
func (r *reader) checkTimer(i int) {
	s, w := &r.model.States[i], r.states[i]
	for _, k := range []string{"lasts", "then"} {
		if _, given := w.keys[k]; !given {
			r.errorf(w.at, "state %s has no %s: how long after a packet is it left, and for which state?", s.Name, k)
			return
		}
	}
	if r.model.fallsIdle(i) {
		return
	}
	r.errorf(w.keys["then"], "the timers after %s never lead to %s, the idle state", s.Name, r.model.States[0].Name)
}

// checkTarget checks that a packet in state i can bring the radio to state to.
func (r *reader) checkTarget(at place, what string, i, to int) {
	m := r.model
	switch {
	case to == 0:
		r.errorf(at, "%s leads to %s, the idle state; only timers lead there", what, m.States[0].Name)
	case to == i:
		r.errorf(at, "%s leads from %s to itself", what, m.States[i].Name)
	case m.countsOnly(to):
		r.errorf(at, "%s leads to %s, which replaces another state, by busy or window, and is never entered", what, m.States[to].Name)
	}
}

func (r *reader) checkPromotion(i, j int) {
	p, keys := r.model.States[i].Promotions[j], r.states[i].rules[j]
	at := keys["here"]
	r.checkTarget(keys["to"], "to", i, p.To)
	_, powered := keys["power"]
	_, ranged := keys["at_least"]
	_, most := keys["at_most"]
	switch {
	case p.Takes == 0 && (p.Booked != BookingUnknown || powered || ranged || most):
		r.errorf(at, "the promotion has no takes: how long does it last?")
	case p.Takes > 0 && p.Booked == BookingUnknown:
		r.errorf(at, "the promotion has no booked: does its time lie before or after its packet?")
	case p.Takes > 0 && powered == (p.Booked == Revised) && r.model.Priced():
		r.errorf(at, "the promotion needs power if it is booked before or after, and has none if revised")
	case (ranged || most) && p.Booked != After:
		r.errorf(at, "at_least and at_most are for promotions booked after their packet")
	case p.AtLeast > p.Takes || p.AtMost < p.Takes:
		r.errorf(at, "the promotion takes %v; expected at_least (%v) no more, and at_most (%v) no less", p.Takes, p.AtLeast, p.AtMost)
	case p.Booked == Revised && p.Takes > r.model.States[p.To].Lasts:
		r.errorf(at, "a revised promotion takes %v; expected no more than %s lasts", p.Takes, r.model.States[p.To].Name)
	}
}
