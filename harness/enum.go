package harness

import (
	"fmt"
	"strings"
)

// names gives an enum its text form: the index is the value, and index 0 is
// the unknown value.
type names []string

func (n names) text(v uint8) string {
	if int(v) < len(n) {
		return n[v]
	}
	return fmt.Sprintf("%s(%d)", n[0], v)
}

func (n names) parse(what string, b []byte) (uint8, error) {
	for i, s := range n {
		if s == string(b) {
			return uint8(i), nil
		}
	}
	return 0, fmt.Errorf("%s %q is not one of %s", what, b, strings.Join(n, ", "))
}
