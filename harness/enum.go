package harness

import (
	"fmt"
	"strings"
)

// names gives an enum its text form: the words of the values from 0, apart by
// spaces. The word "-" stands for no text at all.
type names string

func (n names) text(v uint8) string {
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

func (n names) parse(what string, b []byte) (uint8, error) {
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
