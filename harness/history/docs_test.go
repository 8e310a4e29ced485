package history_test

import (
	"encoding"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/sut"
)

// docs/history.md has a section for each type of a history, and a row for each
// key of it, and no row more.
func TestHistoryPageHasEveryKey(t *testing.T) {
	sections := pageSections(t)
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice:
			walk(typ.Elem())
			return
		case reflect.Struct:
		default:
			return
		}
		if !strings.HasPrefix(typ.PkgPath(), reflect.TypeFor[harness.Scenario]().PkgPath()) || seen[typ] {
			return
		}
		if typ == reflect.TypeFor[sut.Config]() {
			return // docs/scenarios.md has its keys
		}
		seen[typ] = true
		var keys []string
		for f := range typ.Fields() {
			if !f.IsExported() {
				continue
			}
			if key, _, _ := strings.Cut(f.Tag.Get("json"), ","); key != "-" {
				keys = append(keys, key)
				walk(f.Type)
			}
		}
		require.Equal(t, keys, sections[typ.Name()], "the rows of %s", typ.Name())
	}
	walk(reflect.TypeFor[history.Record]())
	require.Len(t, sections, len(seen), "every section is about a type of the history")
}

// pageSections returns the keys in the first column of each section, by the
// type its heading names last.
func pageSections(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/history.md")
	require.NoError(t, err)
	row := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")
	sections := map[string][]string{}
	for _, s := range strings.Split(string(text), "\n### ")[1:] {
		heading, body, _ := strings.Cut(s, "\n")
		name := heading[strings.LastIndex(heading, " ")+1:]
		for _, m := range row.FindAllStringSubmatch(body, -1) {
			sections[name] = append(sections[name], m[1])
		}
	}
	return sections
}

func TestHistoryPageHasEveryWord(t *testing.T) {
	text, err := os.ReadFile("../../docs/history.md")
	require.NoError(t, err)
	_, words, _ := strings.Cut(string(text), "\n## Words\n")
	words, _, _ = strings.Cut(words, "\n## ")
	lines := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^- \*\*(.+)\*\*: (.+)$`).FindAllStringSubmatch(words, -1) {
		lines[m[1]] = m[2]
	}
	for name, of := range map[string]func(uint8) encoding.TextMarshaler{
		"outcome":     func(v uint8) encoding.TextMarshaler { return harness.Outcome(v) },
		"direction":   func(v uint8) encoding.TextMarshaler { return harness.Direction(v) },
		"drop reason": func(v uint8) encoding.TextMarshaler { return harness.DropReason(v) },
		"action":      func(v uint8) encoding.TextMarshaler { return harness.Action(v) },
	} {
		n := 0
		for v := uint8(0); ; v++ {
			word, err := of(v).MarshalText()
			require.NoError(t, err)
			if strings.HasSuffix(string(word), fmt.Sprintf("(%d)", v)) {
				break // past the last one
			}
			if len(word) > 0 {
				require.Contains(t, lines[name], "`"+string(word)+"`", name)
			}
			n++
		}
		require.Greater(t, n, 2, name)
	}
}
