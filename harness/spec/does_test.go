package spec

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/fault"
	"github.com/onebar/onebar/harness/keys"
)

// Every fault has a key in the timeline, and if it may be random in the nemesis, too;
// the keys that go with it are keys of both.
func TestEveryFaultHasAKey(t *testing.T) {
	event, entry := keys.Names(keys.Of(reflect.TypeFor[event]())), keys.Names(keys.Of(reflect.TypeFor[nemesisEntry]()))
	for _, f := range fault.All() {
		all := deeds(reflect.TypeFor[does[keys.Duration]]())
		i := slices.IndexFunc(all, func(k keys.Key) bool { return slices.Contains(actions(k), f.Action) })
		require.GreaterOrEqual(t, i, 0, "%s: add it to does in format.go", f.Action)
		require.Contains(t, event, all[i].Name)
		if f.Random {
			require.Contains(t, entry, all[i].Name)
		} else {
			require.NotContains(t, entry, all[i].Name)
		}
		for _, k := range f.Keys {
			require.Contains(t, event, k)
			if f.Random {
				require.Contains(t, entry, k)
			}
		}
	}
}

// faultTable says which keys go with which fault.
func faultTable() string {
	var b strings.Builder
	b.WriteString("| action | goes with | `for` | `nemesis` |\n|---|---|---|---|\n")
	for _, a := range deeds(reflect.TypeFor[event]()) {
		for _, does := range actions(a) {
			f, _ := fault.Of(does)
			name := "`" + a.Name + "`"
			if len(actions(a)) > 1 {
				name = "`" + a.Name + ": " + does.String() + "`"
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
