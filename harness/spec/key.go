package spec

import (
	"cmp"
	"reflect"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/fault"
)

// key is one key of a struct of the format, from the tags of its field.
type key struct {
	name     string
	index    []int
	doc      string
	limits   string // "lowest..highest", both in the syntax of the value
	fallback string // the default
	words    string // the words allowed, separated by spaces
	of       string // what it names: a profile, trace, radio or metric
	file     string // "file" or "folder": the value names one; a folder that is not named is the scenario's
	required bool

	plain []string          // names in JSON of the fields that the value is, see plain.go
	as    map[string]string // what words are called there
	does  []harness.Action  // what an event with the key does: one thing, or what its value says
}

// keysOf returns the keys of a struct, those of an embedded one among them.
func keysOf(t reflect.Type) []key {
	var keys []key
	for f := range t.Fields() {
		if name, ok := f.Tag.Lookup("yaml"); ok {
			keys = append(keys, keyOf(name, f))
			continue
		}
		if !f.Anonymous || f.Type.Kind() != reflect.Struct {
			continue
		}
		for _, k := range keysOf(f.Type) {
			if f.Tag.Get("does") == "random" && k.does != nil && !isRandom(k) {
				continue
			}
			k.index = append([]int{f.Index[0]}, k.index...)
			k.limits = cmp.Or(f.Tag.Get(k.name), k.limits)
			keys = append(keys, k)
		}
	}
	return keys
}

func keyOf(name string, f reflect.StructField) key {
	k := key{
		name: name, index: f.Index, doc: f.Tag.Get("doc"), limits: f.Tag.Get("range"),
		fallback: f.Tag.Get("default"), words: f.Tag.Get("words"), of: f.Tag.Get("of"), file: f.Tag.Get("file"), required: f.Tag.Get("required") == "true",
		plain: []string{name},
	}
	if plain, ok := f.Tag.Lookup("plain"); ok {
		k.plain = strings.Fields(plain)
	}
	if as, ok := f.Tag.Lookup("as"); ok {
		k.as = map[string]string{}
		for i, word := range strings.Fields(as) {
			k.as[strings.Fields(k.words)[i]] = word
		}
	}
	for word := range strings.FieldsSeq(f.Tag.Get("does")) {
		var does harness.Action
		must(does.UnmarshalText([]byte(word)))
		k.does = append(k.does, does)
	}
	return k
}

// isRandom reports whether a nemesis may draw what a key does.
func isRandom(k key) bool {
	f, _ := fault.Of(k.does[0])
	return f.Random
}

func names(keys []key) []string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	return names
}
