package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/delivery"
	"github.com/onebar/onebar/harness/keys"
	"github.com/onebar/onebar/harness/spec/endpoint"
	"github.com/onebar/onebar/harness/spec/library"
	"github.com/onebar/onebar/harness/yamltext"
)

// Write writes a scenario as a file that [Parse] reads back to an equal one; only
// File, the lines and the names of profiles may differ. Links are written by the
// name of a profile of lib where they can be. The notes are lines of a comment at
// the top. Files that the scenario names are named as in sc.File, whose folder
// their paths begin at.
//
// What cannot be written so is an error, and nothing has been written then. The
// text is read back before it is handed out, so this holds for whatever a program
// may have put into the scenario.
func Write(w io.Writer, sc harness.Scenario, lib Library, notes ...string) error {
	text, err := format(sc.File, sc, lib, notes)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// WriteFile is Write to a file, which may lie elsewhere than sc.File: the files
// that the scenario names are named from its folder.
func WriteFile(path string, sc harness.Scenario, lib Library, notes ...string) error {
	text, err := format(path, sc, lib, notes)
	if err != nil {
		return err
	}
	if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
		err = os.WriteFile(path, text, 0o644)
	}
	if err != nil {
		return fmt.Errorf("write scenario: %w", err)
	}
	return nil
}

// format returns the text of a scenario whose file will be at path, and makes
// sure of it.
func format(path string, sc harness.Scenario, lib Library, notes []string) ([]byte, error) {
	c := &keys.Composer{Reader: keys.Reader{Text: yamltext.Text{File: path}, Env: newEnv(lib)}, From: sc.File}
	text := comment(notes) + c.Encode(compose(c, sc))
	err := c.Err()
	var back harness.Scenario
	if err == nil {
		back, err = Parse(path, []byte(text), lib)
	}
	if err == nil {
		err = same(sc, back)
	}
	if err != nil {
		return nil, fmt.Errorf("scenario %s cannot be written as a file: %w", sc.Name, err)
	}
	return []byte(text), nil
}

// comment returns notes as lines of a comment.
func comment(notes []string) string {
	var b strings.Builder
	for _, n := range notes {
		n = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(n)
		for line := range strings.SplitSeq(n, "\n") {
			line = strings.Map(func(r rune) rune {
				if unicode.IsControl(r) {
					return ' '
				}
				return r
			}, strings.ToValidUTF8(line, "?"))
			b.WriteString(strings.TrimRight("# "+line, " ") + "\n")
		}
	}
	return b.String()
}

// same returns nil if two scenarios are equal but for what a file does not keep,
// and otherwise an error that names the first key that is not.
func same(want, got harness.Scenario) error {
	a, b := plain(want), plain(got)
	both := maps.Clone(a)
	maps.Copy(both, b)
	for _, key := range slices.Sorted(maps.Keys(both)) {
		if a[key] != b[key] {
			return fmt.Errorf("%s is %s, and would be read back as %s", key, brief(a[key]), brief(b[key]))
		}
	}
	if !reflect.DeepEqual(traces(want), traces(got)) {
		return errors.New("a trace is not that of its name")
	}
	return nil
}

// plain returns the values of a scenario by their keys in JSON, without what a file does not
// keep.
func plain(sc harness.Scenario) map[string]any {
	base, err := filepath.Abs(filepath.Dir(sc.File))
	if err != nil {
		base = filepath.Dir(sc.File)
	}
	var own harness.Scenario
	through(sc, &own)
	keys.Absolute(reflect.TypeFor[endpoint.Subject](), reflect.ValueOf(&own.Subject).Elem(), base)
	own.File = ""
	if own.Radio != nil && own.Radio.Model != "" {
		own.Radio.Name = "" // a path, which depends on where it begins
	}
	eachLink(&own, func(l *harness.Profile) { l.Name, l.Up.Trace, l.Down.Trace = "", nil, nil })
	var v any
	through(own, &v)
	flat := map[string]any{}
	flatten("", v, flat)
	maps.DeleteFunc(flat, func(key string, v any) bool {
		_, isNumber := v.(json.Number)
		return isNumber && strings.HasSuffix(key, ".line")
	})
	return flat
}

// through decodes the JSON form of a value into another.
func through(from, to any) {
	data, err := json.Marshal(from)
	keys.Must(err) // plain data
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	keys.Must(d.Decode(to))
}

// traces returns the traces of a scenario's paths in order. The name of one that
// was read from a file is left out, since it depends on where the path begins.
func traces(sc harness.Scenario) []delivery.Data {
	var all []delivery.Data
	eachLink(&sc, func(l *harness.Profile) {
		for _, t := range []*delivery.Trace{l.Up.Trace, l.Down.Trace} {
			var data delivery.Data
			if t != nil {
				data = t.Data()
			}
			if library.IsFile(data.Name) {
				data.Name = "a file"
			}
			all = append(all, data)
		}
	})
	return all
}

// FindTraces gives a scenario its traces, of which its JSON form has but the names:
// those of lib, or those of files. The links must be nobody else's.
func FindTraces(sc *harness.Scenario, lib Library) error {
	r := &keys.Reader{Text: yamltext.Text{File: sc.File}, Env: newEnv(lib)}
	eachLink(sc, func(l *harness.Profile) {
		for _, t := range []**delivery.Trace{&l.Up.Trace, &l.Down.Trace} {
			if *t != nil {
				*t = library.FindTrace(r, (*t).Name, keys.Place{Line: 1, Column: 1})
			}
		}
	})
	return r.Err()
}

// eachLink calls f for every link of a scenario.
func eachLink(sc *harness.Scenario, f func(*harness.Profile)) {
	f(&sc.Link)
	for i := range sc.Timeline {
		if l := sc.Timeline[i].Link; l != nil {
			f(l)
		}
	}
	for i := range sc.Nemesis {
		if l := sc.Nemesis[i].Event.Link; l != nil {
			f(l)
		}
	}
}

// flatten puts the values within a JSON value into a map by their keys.
func flatten(at string, v any, into map[string]any) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			into[at] = "{}"
		}
		for k, item := range v {
			flatten(strings.TrimPrefix(at+"."+k, "."), item, into)
		}
	case []any:
		if len(v) == 0 {
			into[at] = "[]"
		}
		for i, item := range v {
			flatten(fmt.Sprintf("%s[%d]", at, i), item, into)
		}
	default:
		into[at] = v
	}
}

// brief writes a JSON value for a message.
func brief(v any) string {
	if v == nil {
		return "nothing"
	}
	data, err := json.Marshal(v)
	keys.Must(err)
	if len(data) > 80 {
		return strings.ToValidUTF8(string(data[:80]), "") + "…"
	}
	return string(data)
}
