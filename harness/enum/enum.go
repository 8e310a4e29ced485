// Package enum gives enumerations their text form, in files and reports.
package enum

import (
	"fmt"
	"strings"
)

// Names are the words of an enumeration: those of the values from 0, separated by
// spaces. The word "-" stands for the empty text.
type Names string

// Text returns the word of v, and "unknown(v)" for a value without a word.
func (n Names) Text(v uint8) string {
	rest, word := string(n), ""
	for range int(v) + 1 {
		word, rest, _ = strings.Cut(rest, " ")
	}
	switch word {
	case "":
		return fmt.Sprintf("unknown(%d)", v)
	case "-":
		return ""
	}
	return word
}

// Parse returns the value whose word is b. Its error names what, b and the words.
func (n Names) Parse(what string, b []byte) (uint8, error) {
	for v, rest := uint8(0), string(n); rest != ""; v++ {
		var word string
		if word, rest, _ = strings.Cut(rest, " "); word == "-" {
			word = ""
		}
		if word == string(b) {
			return v, nil
		}
	}
	return 0, fmt.Errorf("%s %q is not one of %s", what, b, strings.Join(strings.Fields(string(n)), ", "))
}
