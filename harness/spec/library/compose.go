package library

import (
	"reflect"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/keys"
)

// Compose writes the shortest form of a profile: the name of a bundled one, such a one
// with changes, or every value.
func (v *Link) Compose(c *keys.Composer, k keys.Key, plain reflect.Value) {
	if plain.Kind() == reflect.Pointer {
		if plain.IsNil() {
			c.Refuse("%s sets no link", namesOf(&c.Reader).What)
			return
		}
		plain = plain.Elem()
	}
	v.shortest(c, plain.Interface().(harness.Profile))
	if k.Required {
		c.Accept(v)
	}
}

func (v *Link) shortest(c *keys.Composer, p harness.Profile) {
	lib := namesOf(&c.Reader).Library
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
func (v *Link) means(c *keys.Composer, p harness.Profile) bool {
	r := c.Reader
	got := namesOf(&r).Library.links().resolve(&r, &v.changes)
	got.Name, p.Name = "", ""
	return r.Sound() && reflect.DeepEqual(got, p)
}

// differ makes the link that starts from a profile and says what differs in p, what is
// the same both ways once.
func (v *Link) differ(c *keys.Composer, from, p harness.Profile) {
	c.Clear(v)
	if v.Profile = keys.Text(from.Name); from.Name != "" {
		c.Accept(&v.Profile)
	}
	c.Compose(&v.Up, reflect.ValueOf(p.Up), reflect.ValueOf(from.Up))
	c.Compose(&v.Down, reflect.ValueOf(p.Down), reflect.ValueOf(from.Down))
	down, both := c.Fields(&v.Down), c.Fields(&v.Both)
	for i, up := range c.Fields(&v.Up) {
		if u, d := up.Value, down[i].Value; c.Given(u) && c.Given(d) && reflect.DeepEqual(u, d) {
			c.Copy(both[i].Value, u)
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
