package keys

import (
	"reflect"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness/yamltext"
)

// Rule is a rule between the keys of one mapping. The program and the schema both keep it.
// Keys are named as in the document; "at=now" is a key with one of its words, "at.hour" is a
// key of a mapping within, and "at=hour" that key if the mapping has the one that it needs.
type Rule struct {
	If []string // the rule is for mappings that have all of these; nil is for every mapping

	One   []string // exactly one of these is needed; the rules after it are for mappings that have one
	All   []string // all of these are needed if there is one
	Needs []string // at least one of these is needed
	Bars  []string // none of these may be there

	// Text says what is wrong: {key} is the key that is barred, {given} are the keys of All
	// that are given. Without it the rule is for the schema: the program says it elsewhere.
	Text string
	Both string // in place of Text if there are several of One; the second of them, in the order of One, is wrong
	At   string // the key that is wrong; without it the mapping, or each key that is barred
}

// Ruled is a struct with rules between its keys.
type Ruled interface{ Rules() []Rule }

func rulesOf(t reflect.Type) []Rule {
	if v, ok := reflect.TypeAssert[Ruled](reflect.New(t)); ok {
		return v.Rules()
	}
	return nil
}

// broken returns what is wrong with a mapping that has some keys: texts, by the key. The
// empty key is the mapping.
func (r Rule) broken(given []string) map[string]string {
	has := func(keys []string) (found []string) {
		return slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return !slices.Contains(given, k) })
	}
	one, all := has(r.One), has(r.All)
	switch {
	case r.Text == "" || len(has(r.If)) < len(r.If):
		return nil
	case len(one) > 1 && r.Both != "":
		return map[string]string{one[1]: r.Both}
	case r.One != nil && len(one) != 1, r.Needs != nil && len(has(r.Needs)) == 0:
		return map[string]string{r.At: r.Text}
	case len(all) > 0 && len(all) < len(r.All):
		return map[string]string{r.At: strings.ReplaceAll(r.Text, "{given}", strings.Join(all, " and "))}
	}
	wrong := map[string]string{}
	for _, k := range has(r.Bars) {
		at := k
		if r.At != "" {
			at = r.At
		}
		wrong[at] = strings.ReplaceAll(r.Text, "{key}", k)
	}
	return wrong
}

// keep reports the rules that a mapping breaks. If it has an unknown key, what it lacks may be
// what that key was meant to be, so that is not reported.
func (r *Reader) keep(v any, at Place, unknown bool) {
	t := reflect.TypeOf(v).Elem()
	rules, known := r.rules[t]
	if !known {
		rules = rulesOf(t)
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
		wrong := rule.broken(given)
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

// schema returns the schema of a rule for mappings with the keys of t.
func (r Rule) schema(t reflect.Type) Object {
	var s Object
	switch {
	case r.One != nil:
		s = Object{"oneOf": eachHas(t, r.One)}
	case r.All != nil:
		s = AnyOf(Object{"required": r.All}, Object{"propertyNames": Not(Object{"enum": r.All})})
	case r.Needs != nil:
		s = AnyOf(eachHas(t, r.Needs)...)
	case slices.ContainsFunc(r.Bars, func(k string) bool { return strings.ContainsAny(k, ".=") }):
		s = Not(AnyOf(eachHas(t, r.Bars)...))
	default:
		s = Object{"propertyNames": Not(Object{"enum": r.Bars})}
	}
	if r.If == nil {
		return s
	}
	cond := eachHas(t, r.If)[0]
	if len(r.If) > 1 {
		cond = Object{"allOf": eachHas(t, r.If)}
	}
	return Object{"if": cond, "then": s}
}

// eachHas returns a schema of the mappings that have each key, as rules name keys.
func eachHas(t reflect.Type, keys []string) []Object {
	var list []Object
	for _, k := range keys {
		list = append(list, hasKey(t, k))
	}
	return list
}

func hasKey(t reflect.Type, name string) Object {
	name, within, nested := strings.Cut(name, ".")
	name, word, isWord := strings.Cut(name, "=")
	all := Of(t)
	i := slices.IndexFunc(all, func(k Key) bool { return k.Name == name })
	if i < 0 {
		panic("keys: a rule of " + t.Name() + " names " + name + ", which is no key")
	}
	kind, value := t.FieldByIndex(all[i].Index).Type, Object(nil)
	switch {
	case nested:
		value = hasKey(kind, within)
	case isWord && kind.Kind() == reflect.Struct:
		value = hasKey(kind, word)
	case isWord:
		value = Object{"const": word}
	case kind.Kind() == reflect.Slice:
		value = Object{"minItems": 1}
	default:
		return Object{"required": []string{name}}
	}
	return Object{"properties": Object{name: value}, "required": []string{name}}
}

// AnyOf is a schema of what meets one or more of some.
func AnyOf(list ...Object) Object {
	if len(list) == 1 {
		return list[0]
	}
	return Object{"anyOf": list}
}

// Not is a schema of what does not meet another.
func Not(s Object) Object { return Object{"not": s} }
