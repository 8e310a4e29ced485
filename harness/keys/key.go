// Package keys reads and writes YAML documents by the tags of structs, and makes their
// JSON Schema. It knows no scenario: package spec has the structs of scenario files.
//
// A struct is one mapping of a document. The tags of a field say
//
//	yaml      the key
//	doc       what it means
//	range     lowest and highest value, written as in a document
//	default   the value of a key left out, written as in a document
//	words     the words it allows
//	of        what it names, for the schema: see Schema
//	file      "file" or "folder" if it names one; a folder that is not named is the document's
//	required  "true" if the key must be given
//	each      what messages call one item of a list, if not by the key
//	plain     the fields of the plain form that it is, by their names in JSON, if that is not its own
//	as        what the words are called there
//	block     "true" if it is written with a line for each of its keys
//	last      "true" if it is written after the other keys
//
// Its type is a [Leaf], such as [Duration], which is written as one scalar; a struct of the
// same kind; or a list. A type with the methods of [Custom], [Converted], [Shorthand],
// [Ruled] or [Formed] does that step itself.
//
// Start at [Read]. It fills a struct from a document, keeps the [Rule]s between keys, and
// notes in [Marks] where each value stands. [Reader.Fill] then converts the struct to its
// plain form, a type of the program. [Composer] is the way back: it fills the struct from
// the plain form, and [Marks.Encode] writes it.
package keys

import (
	"cmp"
	"reflect"
	"strings"
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
func (k Key) Holds(l Leaf) bool {
	got := l.Scalar()
	if k.Limits == "" || !got.Ranged {
		return true
	}
	lowest, highest, _ := strings.Cut(k.Limits, "..")
	return got.Measure >= measure(l, lowest) && got.Measure <= measure(l, highest)
}

// measure measures the text of a limit with a fresh value of the type of l.
func measure(l Leaf, text string) float64 {
	fresh := reflect.New(reflect.TypeOf(l).Elem()).Interface().(Leaf)
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
