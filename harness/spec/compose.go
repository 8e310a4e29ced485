package spec

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/onebar/onebar/harness"
)

// composer makes the structs of format.go from a Scenario: the way back of
// build.go and timeline.go. What it leaves out, [same] finds.
type composer struct {
	*decoder
	from string // the file that the scenario was read from
	what string // the event or entry that is composed
	item int    // its number, from 1
	errs []error
}

// here marks a value that is given.
func here() mark { return mark{place{1, 1}, true} }

func textOf(s string) text {
	if s == "" {
		return text{}
	}
	return text{literal{here(), s}}
}

func (c *composer) scenario(sc harness.Scenario) *file {
	f := &file{Onebar: word{literal{here(), "1"}}}
	plain := reflect.ValueOf(sc)
	c.compose(reflect.ValueOf(f).Elem(), plain, reflect.Zero(plain.Type()))
	if w := sc.Workload; sc.Length > 0 && w.Rate == float64(w.Payments)/sc.Length.Seconds() {
		f.Workload.Rate = frequency{}
	}
	if sc.Workload.Presses == 0 {
		f.Workload.Presses = count{}
	}
	for _, e := range sc.Expect {
		f.Expect = append(f.Expect, textOf(e.Text))
	}
	return f
}

func (c *composer) refuse(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
}

// moved returns how a file or folder that the scenario names is named from where
// its file will be.
func (c *composer) moved(name string) string {
	if filepath.IsAbs(name) || strings.Contains(name, "{{") || filepath.Dir(c.from) == filepath.Dir(c.file) {
		return name
	}
	name = filepath.Join(filepath.Dir(c.from), name)
	short, err := filepath.Rel(filepath.Dir(c.file), name)
	if err != nil { // one of the two folders is absolute
		short, err = filepath.Abs(name)
	}
	if err != nil {
		c.errs = append(c.errs, fmt.Errorf("file %s: %w", name, err))
	}
	return filepath.ToSlash(short)
}

// reference returns how a file is named from where the scenario's will be.
func (c *composer) reference(name string) reference {
	if !isFile(name) || filepath.IsAbs(name) || filepath.Dir(c.from) == filepath.Dir(c.file) {
		return reference{literal{here(), name}}
	}
	short := c.moved(name)
	if !isFile(short) {
		short = "./" + short
	}
	return reference{literal{here(), short}}
}

func (v *link) compose(c *composer, k key, plain reflect.Value) {
	if plain.Kind() == reflect.Pointer {
		if plain.IsNil() {
			c.refuse("%s sets no link", c.what)
			return
		}
		plain = plain.Elem()
	}
	*v = c.link(plain.Interface().(harness.Profile))
	if k.does != nil {
		v.place = here().place
	}
}

// link returns the shortest form of a profile: the name of a bundled one, such a
// one with changes, or every value.
func (c *composer) link(p harness.Profile) link {
	var forms []link
	if base, ok := c.lib.Get(p.Name); ok {
		forms = append(forms, c.changes(base.Profile, p))
	}
	for _, b := range c.lib.All() {
		forms = append(forms, link{changes: changes{Profile: textOf(b.Name)}})
	}
	for _, form := range forms {
		if c.means(form, p) {
			return form
		}
	}
	return c.changes(harness.Profile{}, p)
}

// means reports whether a link is read as p, its name apart.
func (c *composer) means(l link, p harness.Profile) bool {
	d := &decoder{file: c.file, lib: c.lib}
	got := c.lib.links().resolve(d, &l.changes)
	got.Name, p.Name = "", ""
	return len(d.mistakes) == 0 && reflect.DeepEqual(got, p)
}

// changes returns the link that starts from a profile and says what differs in
// p, what is the same both ways once.
func (c *composer) changes(from, p harness.Profile) link {
	l := link{changes: changes{Profile: textOf(from.Name)}}
	for v, of := range map[*path][2]harness.Path{&l.Up: {p.Up, from.Up}, &l.Down: {p.Down, from.Down}} {
		c.compose(reflect.ValueOf(v).Elem(), reflect.ValueOf(of[0]), reflect.ValueOf(of[1]))
		v.place = place{}
	}
	up, down, both := reflect.ValueOf(&l.Up).Elem(), reflect.ValueOf(&l.Down).Elem(), reflect.ValueOf(&l.Both).Elem()
	for _, k := range keysOf(up.Type()) {
		u, d := up.FieldByIndex(k.index), down.FieldByIndex(k.index)
		if isGiven(u) && reflect.DeepEqual(u.Interface(), d.Interface()) {
			both.FieldByIndex(k.index).Set(u)
			u.SetZero()
			d.SetZero()
		}
	}
	for _, part := range []*path{&l.Up, &l.Down, &l.Both} {
		if *part != (path{}) {
			part.place, l.place = here().place, here().place
		}
	}
	return l
}
