package radio

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/onebar/onebar/harness/keys"
)

// resolver completes a model with what its file says by the names of states, and checks
// the rules between keys.
type resolver struct {
	*keys.Reader
	doc   *document
	model *Model
}

// resolve does not check a part that already has a mistake.
func (r *resolver) resolve() {
	if !r.bounded() {
		return
	}
	for i := range r.doc.States {
		r.lookUp(i)
	}
	m, w := r.model, &r.doc.Window
	m.Window.From, m.Window.To = r.index(&w.In), r.index(&w.Becomes)
	if !r.Sound() {
		return
	}
	for i := range m.States {
		r.checkState(i)
	}
	if r.Given(w) && (m.Window.From == m.Window.To || m.Window.To == 0) {
		r.Errorf(r.At(w), "the window turns %s into %s; expected another state that is not the idle one", w.In, w.Becomes)
	}
}

// bounded reports whether the model is within its limits, and each state has a name of its
// own.
func (r *resolver) bounded() bool {
	states, rules := r.doc.States, 0
	if len(states) == 0 {
		r.Errorf(keys.Place{Line: 1, Column: 1}, "the model has no states; the first of them is the idle state")
	}
	if len(states) > MaxStates {
		r.Errorf(r.At(&states[MaxStates]), "a model has at most %d states", MaxStates)
	}
	first := map[keys.Text]int{}
	for i := range states {
		s := &states[i]
		if line, twice := first[s.Name]; twice {
			r.Errorf(r.At(&s.Name), "a second state named %s; the first stands on line %d", s.Name, line)
		} else {
			first[s.Name] = r.At(s).Line
		}
		if extra := MaxPromotions - rules; extra >= 0 && len(s.Promotions) > extra {
			r.Errorf(r.At(&s.Promotions[extra]), "a model has at most %d promotions, over all states", MaxPromotions)
		}
		rules += len(s.Promotions)
	}
	return r.Sound()
}

func (r *resolver) lookUp(i int) {
	doc, s := &r.doc.States[i], &r.model.States[i]
	if doc.Power.On > doc.Power.Every {
		r.Errorf(r.At(&doc.Power), "power is on for %v of every %v; expected no more than the whole", time.Duration(doc.Power.On), time.Duration(doc.Power.Every))
	}
	s.Power = doc.Power.mean()
	s.Then, s.Busy, s.Resume = r.index(&doc.Then), r.index(&doc.Busy), r.index(&doc.Resume)
	for j := range s.Promotions {
		from, p := &doc.Promotions[j], &s.Promotions[j]
		p.To = r.index(&from.To)
		if !r.Given(&from.Over) {
			p.Over = -1
		}
		if !r.Given(&from.AtLeast) {
			p.AtLeast = p.Takes
		}
		p.AtMost = cmp.Or(p.AtMost, p.Takes)
	}
}

// index returns the number of the state that is named, and 0 if none is.
func (r *resolver) index(name *keys.Text) int {
	if !r.Given(name) {
		return 0
	}
	i := slices.IndexFunc(r.doc.States, func(s stateDocument) bool { return s.Name == *name })
	if i < 0 {
		r.Errorf(r.At(name), "there is no state %q; the model has %s", *name, r.stateNames())
		return 0
	}
	return i
}

func (r *resolver) stateNames() string {
	names := make([]string, len(r.doc.States))
	for i, s := range r.doc.States {
		names[i] = string(s.Name)
	}
	return strings.Join(names, ", ")
}

func (r *resolver) checkState(i int) {
	m, doc := r.model, &r.doc.States[i]
	s := &m.States[i]
	switch {
	case i == 0:
		r.refuse(doc, []string{"lasts", "then", "busy", "resume", "renew"}, "is the first state, the idle one: nothing but a packet leaves it")
	case m.countsOnly(i):
		r.refuse(doc, []string{"lasts", "then", "busy", "resume", "renew", "promotions"}, "replaces another state, by busy or window, and is never entered")
	default:
		r.checkTimer(i)
	}
	for j := range s.Promotions {
		r.checkPromotion(i, j)
	}
	if r.Given(&doc.Resume) && i > 0 {
		r.checkTarget(&doc.Resume, "resume", i, s.Resume)
	}
	if r.Given(&doc.Busy) && (s.Busy == 0 || s.Busy == i || s.Lasts < m.Burst) {
		r.Errorf(r.At(&doc.Busy), "busy needs a state other than %s and the idle one, and a timer no shorter than burst (%v)", s.Name, m.Burst)
	}
}

// refuse reports the keys that a state may not have.
func (r *resolver) refuse(s *stateDocument, names []string, why string) {
	for _, f := range r.Fields(s) {
		if r.Given(f.Value) && slices.Contains(names, f.Name) {
			r.Errorf(r.At(f.Value), "%s %s, so it has no %s; delete it", s.Name, why, f.Name)
		}
	}
}

// checkTimer checks that a connected state has a timer, and that the timers lead to the
// idle state.
func (r *resolver) checkTimer(i int) {
	s := &r.doc.States[i]
	for _, f := range r.Fields(s) {
		if (f.Name == "lasts" || f.Name == "then") && !r.Given(f.Value) {
			r.Errorf(r.At(s), "state %s has no %s: how long after a packet is it left, and for which state?", s.Name, f.Name)
			return
		}
	}
	if !r.model.fallsIdle(i) {
		r.Errorf(r.At(&s.Then), "the timers after %s never lead to %s, the idle state", s.Name, r.doc.States[0].Name)
	}
}

// checkTarget checks that a packet in state i can bring the radio to state to.
func (r *resolver) checkTarget(at *keys.Text, what string, i, to int) {
	m := r.model
	switch {
	case to == 0:
		r.Errorf(r.At(at), "%s leads to %s, the idle state; only timers lead there", what, m.States[0].Name)
	case to == i:
		r.Errorf(r.At(at), "%s leads from %s to itself", what, m.States[i].Name)
	case m.countsOnly(to):
		r.Errorf(r.At(at), "%s leads to %s, which replaces another state, by busy or window, and is never entered", what, m.States[to].Name)
	}
}

func (r *resolver) checkPromotion(i, j int) {
	p, doc := r.model.States[i].Promotions[j], &r.doc.States[i].Promotions[j]
	at := r.At(doc)
	r.checkTarget(&doc.To, "to", i, p.To)
	powered, ranged := r.Given(&doc.Power), r.Given(&doc.AtLeast) || r.Given(&doc.AtMost)
	switch {
	case p.Takes == 0 && (p.Booked != BookingUnknown || powered || ranged):
		r.Errorf(at, "the promotion has no takes: how long does it last?")
	case p.Takes > 0 && p.Booked == BookingUnknown:
		r.Errorf(at, "the promotion has no booked: does its time lie before or after its packet?")
	case p.Takes > 0 && powered == (p.Booked == Revised) && r.model.Priced():
		r.Errorf(at, "the promotion needs power if it is booked before or after, and has none if revised")
	case ranged && p.Booked != After:
		r.Errorf(at, "at_least and at_most are for promotions booked after their packet")
	case p.AtLeast > p.Takes || p.AtMost < p.Takes:
		r.Errorf(at, "the promotion takes %v; expected at_least (%v) no more, and at_most (%v) no less", p.Takes, p.AtLeast, p.AtMost)
	case p.Booked == Revised && p.Takes > r.model.States[p.To].Lasts:
		r.Errorf(at, "a revised promotion takes %v; expected no more than %s lasts", p.Takes, r.model.States[p.To].Name)
	}
}
