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
	"reflect"

	"github.com/onebar/onebar/harness/keys/key"
)

// The keys of structs and the rules between them are those of package key.
type (
	// Key is [key.Key].
	Key = key.Key
	// Rule is [key.Rule].
	Rule = key.Rule
	// Ruled is [key.Ruled].
	Ruled = key.Ruled
)

// Of is [key.Of].
func Of(t reflect.Type) []Key { return key.Of(t) }

// Names is [key.Names].
func Names(all []Key) []string { return key.Names(all) }

// Must is [key.Must].
func Must(err error) { key.Must(err) }

// AnyOf is [key.AnyOf].
func AnyOf(list ...Object) Object { return key.AnyOf(list...) }

// Not is [key.Not].
func Not(s Object) Object { return key.Not(s) }
