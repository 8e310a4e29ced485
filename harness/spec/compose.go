package spec

import (
	"reflect"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/keys"
)

// compose makes the structs of format.go from a Scenario: the way back of build.go and
// timeline.go. What it leaves out, [same] finds.
func compose(c *keys.Composer, sc harness.Scenario) *file {
	f := &file{Onebar: "1"}
	plain := reflect.ValueOf(sc)
	c.Compose(f, plain, reflect.Zero(plain.Type()))
	c.Accept(&f.Onebar)
	if w := sc.Workload; sc.Length > 0 && w.Rate == float64(w.Payments)/sc.Length.Seconds() {
		c.Clear(&f.Workload.Rate)
	}
	if sc.Workload.Presses == 0 {
		c.Clear(&f.Workload.Presses)
	}
	f.Expect = make([]keys.Text, len(sc.Expect))
	for i, e := range sc.Expect {
		f.Expect[i] = keys.Text(e.Text)
		c.Accept(&f.Expect[i])
	}
	return f
}

// Compose writes the shortest form of a profile: the name of a bundled one, such a one
// with changes, or every value.
func (v *link) Compose(c *keys.Composer, k keys.Key, plain reflect.Value) {
	e := envOf(&c.Reader)
	if plain.Kind() == reflect.Pointer {
		if plain.IsNil() {
			c.Refuse("%s sets no link", e.what)
			return
		}
		plain = plain.Elem()
	}
	v.shortest(c, plain.Interface().(harness.Profile))
	if k.Tag.Get("does") != "" {
		c.Accept(v)
	}
}

func (v *link) shortest(c *keys.Composer, p harness.Profile) {
	lib := envOf(&c.Reader).lib
	if base, ok := lib.Get(p.Name); ok {
		v.differ(c, base.Profile, p)
		if v.means(c, p) {
			return
		}
	}
	for _, b := range lib.All() {
		v.differ(c, b.Profile, b.Profile)
		if v.means(c, p) {
			return
		}
	}
	v.differ(c, harness.Profile{}, p)
}

// means reports whether the link is read as p, its name apart.
func (v *link) means(c *keys.Composer, p harness.Profile) bool {
	r := c.Reader
	got := envOf(&r).lib.links().resolve(&r, &v.changes)
	got.Name, p.Name = "", ""
	return r.Sound() && reflect.DeepEqual(got, p)
}

// differ makes the link that starts from a profile and says what differs in p, what is
// the same both ways once.
func (v *link) differ(c *keys.Composer, from, p harness.Profile) {
	c.Clear(v)
	if v.Profile = keys.Text(from.Name); from.Name != "" {
		c.Accept(&v.Profile)
	}
	c.Compose(&v.Up, reflect.ValueOf(p.Up), reflect.ValueOf(from.Up))
	c.Compose(&v.Down, reflect.ValueOf(p.Down), reflect.ValueOf(from.Down))
	up, down, both := reflect.ValueOf(&v.Up).Elem(), reflect.ValueOf(&v.Down).Elem(), reflect.ValueOf(&v.Both).Elem()
	for _, k := range keys.KeysOf(up.Type()) {
		u, d := up.FieldByIndex(k.Index).Addr().Interface(), down.FieldByIndex(k.Index).Addr().Interface()
		if c.Given(u) && c.Given(d) && reflect.DeepEqual(u, d) {
			c.Copy(both.FieldByIndex(k.Index).Addr().Interface(), u)
			c.Clear(u)
			c.Clear(d)
		}
	}
	for _, part := range []*path{&v.Up, &v.Down, &v.Both} {
		if len(c.GivenOf(part)) == 0 {
			c.Clear(part)
			continue
		}
		c.Accept(part)
		c.Accept(v)
	}
}
