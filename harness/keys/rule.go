package keys

import (
	"reflect"
	"slices"

	"github.com/onebar/onebar/harness/keys/key"
	"github.com/onebar/onebar/harness/yamltext"
)

// keep reports the rules that a mapping breaks. If it has an unknown key, what it lacks may be
// what that key was meant to be, so that is not reported.
func (r *Reader) keep(v any, at Place, unknown bool) {
	t := reflect.TypeOf(v).Elem()
	rules, known := r.rules[t]
	if !known {
		rules = key.RulesOf(t)
		r.rules[t] = rules
	}
	if len(rules) == 0 {
		return
	}
	given, places := r.namesIn(v)
	places[""] = at
	var broken yamltext.Mistakes
	defer func() { r.broken = append(broken, r.broken...) }() // those of mappings within come later
	for _, rule := range rules {
		wrong := rule.Broken(given)
		if unknown && rule.One != nil && !slices.ContainsFunc(rule.One, func(k string) bool { return slices.Contains(given, k) }) {
			r.mark(v, mark{at: at, path: r.of[v].path})
			return
		}
		for name, text := range wrong {
			broken = append(broken, r.Mistake(places[name].Line, places[name].Column, "%s", text))
		}
		if rule.One != nil && len(wrong) > 0 {
			r.mark(v, mark{at: at, path: r.of[v].path})
			return
		}
	}
}

// namesIn returns what a mapping has, as rules name it, and the places of its keys.
func (m *Marks) namesIn(v any) (given []string, places map[string]Place) {
	places = map[string]Place{}
	for _, f := range m.Fields(v) {
		if !m.Given(f.Value) {
			continue
		}
		places[f.Name] = m.At(f.Value)
		given = append(given, f.Name)
		if w, ok := f.Value.(*Word); ok && m.Good(w) {
			given = append(given, f.Name+"="+string(*w))
		}
		if reflect.TypeOf(f.Value).Elem().Kind() != reflect.Struct {
			continue
		}
		for _, name := range m.GivenOf(f.Value) {
			given = append(given, f.Name+"."+name)
			if m.Good(f.Value) {
				given = append(given, f.Name+"="+name)
			}
		}
	}
	return given, places
}
