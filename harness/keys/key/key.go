// Package key is the keys of a struct, by the tags of its fields, and the rules between them.
// Package keys documents the tags. Start at [Of].
package key

import (
	"cmp"
	"reflect"
	"strings"

	"github.com/onebar/onebar/harness/keys/leaf"
)

// Key is one key of a struct, from the tags of its field.
type Key struct {
	Name     string
	Index    []int             // of the field, for reflect
	Doc      string            // what it means
	Limits   string            // "lowest..highest", both in the syntax of the value
	Default  string            // the value of a key left out; empty is none
	Words    []string          // the words allowed; nil is any
	Of       string            // what it names
	File     string            // "file" or "folder": the value names one
	Required bool              // it must be given
	Each     string            // what messages call one item of a list; empty is Name
	Plain    []string          // names in JSON of the fields of the plain form that the value is
	As       map[string]string // what words are called there
	Tag      reflect.StructTag // all tags, for those of the program's own
}

// picky is a struct that leaves out some keys of those it embeds.
type picky interface{ Lacks(k Key) bool }

// Of returns the keys of a struct, those of an embedded one among them. The tag of an
// embedded struct that has the name of a key replaces the range of this key.
func Of(t reflect.Type) []Key {
	picks, isPicky := reflect.TypeAssert[picky](reflect.New(t))
	var keys []Key
	for f := range t.Fields() {
		if name, ok := f.Tag.Lookup("yaml"); ok {
			keys = append(keys, keyOf(name, f))
			continue
		}
		if !f.Anonymous || f.Type.Kind() != reflect.Struct {
			continue
		}
		for _, k := range Of(f.Type) {
			if isPicky && picks.Lacks(k) {
				continue
			}
			k.Index = append([]int{f.Index[0]}, k.Index...)
			k.Limits = cmp.Or(f.Tag.Get(k.Name), k.Limits)
			keys = append(keys, k)
		}
	}
	return keys
}

func keyOf(name string, f reflect.StructField) Key {
	k := Key{
		Name: name, Index: f.Index, Doc: f.Tag.Get("doc"), Limits: f.Tag.Get("range"), Default: f.Tag.Get("default"),
		Words: strings.Fields(f.Tag.Get("words")), Of: f.Tag.Get("of"), File: f.Tag.Get("file"), Required: f.Tag.Get("required") == "true",
		Each: f.Tag.Get("each"), Plain: []string{name}, Tag: f.Tag,
	}
	if plain, ok := f.Tag.Lookup("plain"); ok {
		k.Plain = strings.Fields(plain)
	}
	if as, ok := f.Tag.Lookup("as"); ok {
		k.As = map[string]string{}
		for i, word := range strings.Fields(as) {
			k.As[k.Words[i]] = word
		}
	}
	return k
}

// Names returns the names of keys.
func Names(keys []Key) []string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.Name
	}
	return names
}

// Range returns the range of a key for people.
func (k Key) Range() string { return strings.Replace(k.Limits, "..", " to ", 1) }

// Holds reports whether a value is in the range of the key.
func (k Key) Holds(l leaf.Leaf) bool {
	got := l.Scalar()
	if k.Limits == "" || !got.Ranged {
		return true
	}
	lowest, highest, _ := strings.Cut(k.Limits, "..")
	return got.Measure >= measure(l, lowest) && got.Measure <= measure(l, highest)
}

// measure measures the text of a limit with a fresh value of the type of l.
func measure(l leaf.Leaf, text string) float64 {
	fresh := reflect.New(reflect.TypeOf(l).Elem()).Interface().(leaf.Leaf)
	Must(fresh.Scalar().Scan(text))
	return fresh.Scalar().Measure
}

// Must guards what depends on the structs alone and not on any document: a wrong tag
// there fails the tests.
func Must(err error) {
	if err != nil {
		panic("keys: mistake in a struct: " + err.Error())
	}
}
