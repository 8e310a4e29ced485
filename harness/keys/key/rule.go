package key

import (
	"reflect"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness/keys/leaf"
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

// RulesOf returns the rules of a struct, or nil if it has none.
func RulesOf(t reflect.Type) []Rule {
	if v, ok := reflect.TypeAssert[Ruled](reflect.New(t)); ok {
		return v.Rules()
	}
	return nil
}

// Broken returns what is wrong with a mapping that has some keys: texts, by the key. The
// empty key is the mapping.
func (r Rule) Broken(given []string) map[string]string {
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

// Schema returns the schema of a rule for mappings with the keys of t.
func (r Rule) Schema(t reflect.Type) leaf.Object {
	var s leaf.Object
	switch {
	case r.One != nil:
		s = leaf.Object{"oneOf": eachHas(t, r.One)}
	case r.All != nil:
		s = AnyOf(leaf.Object{"required": r.All}, leaf.Object{"propertyNames": Not(leaf.Object{"enum": r.All})})
	case r.Needs != nil:
		s = AnyOf(eachHas(t, r.Needs)...)
	case slices.ContainsFunc(r.Bars, func(k string) bool { return strings.ContainsAny(k, ".=") }):
		s = Not(AnyOf(eachHas(t, r.Bars)...))
	default:
		s = leaf.Object{"propertyNames": Not(leaf.Object{"enum": r.Bars})}
	}
	if r.If == nil {
		return s
	}
	cond := eachHas(t, r.If)[0]
	if len(r.If) > 1 {
		cond = leaf.Object{"allOf": eachHas(t, r.If)}
	}
	return leaf.Object{"if": cond, "then": s}
}

// eachHas returns a schema of the mappings that have each key, as rules name keys.
func eachHas(t reflect.Type, keys []string) []leaf.Object {
	var list []leaf.Object
	for _, k := range keys {
		list = append(list, hasKey(t, k))
	}
	return list
}

func hasKey(t reflect.Type, name string) leaf.Object {
	name, within, nested := strings.Cut(name, ".")
	name, word, isWord := strings.Cut(name, "=")
	all := Of(t)
	i := slices.IndexFunc(all, func(k Key) bool { return k.Name == name })
	if i < 0 {
		panic("keys: a rule of " + t.Name() + " names " + name + ", which is no key")
	}
	kind, value := t.FieldByIndex(all[i].Index).Type, leaf.Object(nil)
	switch {
	case nested:
		value = hasKey(kind, within)
	case isWord && kind.Kind() == reflect.Struct:
		value = hasKey(kind, word)
	case isWord:
		value = leaf.Object{"const": word}
	case kind.Kind() == reflect.Slice:
		value = leaf.Object{"minItems": 1}
	default:
		return leaf.Object{"required": []string{name}}
	}
	return leaf.Object{"properties": leaf.Object{name: value}, "required": []string{name}}
}

// AnyOf is a schema of what meets one or more of some.
func AnyOf(list ...leaf.Object) leaf.Object {
	if len(list) == 1 {
		return list[0]
	}
	return leaf.Object{"anyOf": list}
}

// Not is a schema of what does not meet another.
func Not(s leaf.Object) leaf.Object { return leaf.Object{"not": s} }
