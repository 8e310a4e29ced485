package spec

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/fault"
)

// Every fault has a key in the timeline, and if it may be random in the nemesis, too;
// the keys that go with it are keys of both.
func TestEveryFaultHasAKey(t *testing.T) {
	event, entry := keyNames(reflect.TypeFor[event]()), keyNames(reflect.TypeFor[nemesisEntry]())
	for _, f := range fault.All() {
		all := deeds(reflect.TypeFor[does[duration]]())
		i := slices.IndexFunc(all, func(k key) bool { return slices.Contains(k.does, f.Action) })
		require.GreaterOrEqual(t, i, 0, "%s: add it to does in format.go", f.Action)
		require.Contains(t, event, all[i].name)
		if f.Random {
			require.Contains(t, entry, all[i].name)
		} else {
			require.NotContains(t, entry, all[i].name)
		}
		for _, k := range f.Keys {
			require.Contains(t, event, k)
			if f.Random {
				require.Contains(t, entry, k)
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
	for _, a := range deeds(reflect.TypeFor[event]()) {
		for _, does := range a.does {
			f, _ := fault.Of(does)
			name := "`" + a.name + "`"
			if len(a.does) > 1 {
				name = "`" + a.name + ": " + does.String() + "`"
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
