package spec

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/fault"
)

// Every fault has a key in the timeline, and if it may be random in the nemesis, too;
// the keys that go with it are keys of both.
func TestEveryFaultHasAKey(t *testing.T) {
	event, trouble := keyNames(reflect.TypeFor[event]()), keyNames(reflect.TypeFor[trouble]())
	for _, f := range fault.All() {
		a, ok := actionOf(f.Action)
		require.True(t, ok, "%s: add it to actions in action.go", f.Action)
		require.Contains(t, event, a.key)
		if f.Random {
			require.Contains(t, trouble, a.key, "%s: add it to trouble in format.go", f.Action)
		} else {
			require.NotContains(t, trouble, a.key)
		}
		for _, k := range f.Keys {
			require.Contains(t, event, k)
			if f.Random {
				require.Contains(t, trouble, k)
			}
		}
	}
}

func keyNames(kind reflect.Type) []string {
	var names []string
	for _, k := range keysOf(kind) {
		names = append(names, k.name)
	}
	return names
}

// faultTable says which keys go with which fault.
func faultTable() string {
	var b strings.Builder
	b.WriteString("| action | goes with | `for` | `nemesis` |\n|---|---|---|---|\n")
	for _, a := range actions() {
		for _, does := range a.does {
			f, _ := fault.Of(does)
			name := "`" + a.key + "`"
			if a.word != nil {
				name = "`" + a.key + ": " + does.String() + "`"
			}
			keys := ""
			if len(f.Keys) > 0 {
				keys = "`" + strings.Join(f.Keys, "`, `") + "`"
			}
			lasts := f.Ends
			switch {
			case f.Length == fault.Lasting && fault.Counts(does):
				lasts = "needed, if periodic"
			case f.Length == fault.Lasting:
				lasts = "if it ends"
			}
			random := map[bool]string{true: "yes", false: "no"}[f.Random]
			b.WriteString("| " + name + " | " + keys + " | " + lasts + " | " + random + " |\n")
		}
	}
	return b.String()
}
