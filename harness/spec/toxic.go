package spec

import (
	"reflect"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/keys"
	"github.com/onebar/onebar/harness/quantity"
)

// attributes returns the keys of a toxic that are attributes of some types.
func attributes() []keys.Key {
	return slices.DeleteFunc(keys.Of(reflect.TypeFor[toxic]()), func(k keys.Key) bool { return len(k.Plain) > 0 })
}

// Rules between the type of a toxic and its attributes.
func (*toxic) Rules() []keys.Rule {
	var rules []keys.Rule
	for _, kind := range harness.ToxicTypes() {
		var has, lacks []string
		for _, a := range harness.ToxicAttributes(kind) {
			has = append(has, a.Name)
			if a.InFiles {
				rules = append(rules, keys.Rule{If: []string{"type=" + kind}, Needs: []string{a.Name}, Text: "toxic " + kind + " needs " + a.Name})
			}
		}
		for _, k := range attributes() {
			if !slices.Contains(has, k.Name) {
				lacks = append(lacks, k.Name)
			}
		}
		rules = append(rules, keys.Rule{If: []string{"type=" + kind}, Bars: lacks, Text: "toxic " + kind + " has no {key}; it has " + keys.OneOf(has)})
	}
	return rules
}

// each calls f for each attribute that the type of the toxic has, with the leaf for it.
func (v *toxic) each(m *keys.Marks, f func(a harness.ToxicAttribute, l any)) {
	all := m.Fields(v)
	for _, a := range harness.ToxicAttributes(string(v.Type)) {
		if i := slices.IndexFunc(all, func(k keys.Field) bool { return k.Name == a.Name && len(k.Plain) == 0 }); i >= 0 {
			f(a, all[i].Value)
		}
	}
}

// Fill converts the attributes to the integers toxiproxy takes.
func (v *toxic) Fill(r *keys.Reader, plain reflect.Value) {
	if !r.Good(&v.Type) {
		return // said when it was read
	}
	got := &harness.Toxic{Attributes: map[string]int64{}}
	r.Fill(v, got)
	plain.Set(reflect.ValueOf(got))
	v.each(&r.Marks, func(a harness.ToxicAttribute, l any) {
		if !r.Given(l) {
			return
		}
		n, unit := reflect.ValueOf(l).Elem().Int(), int64(max(a.Unit, 1))
		if n%unit != 0 {
			r.Errorf(r.At(l), "%s %s is finer than toxiproxy counts here; give whole %s", a.Name, quantity.FormatDuration(time.Duration(n)), quantity.FormatDuration(time.Duration(unit)))
		}
		got.Attributes[a.Name] = n / unit
	})
	if r.Good(&v.SizeVariation) && r.Good(&v.AverageSize) && v.SizeVariation >= v.AverageSize {
		r.Errorf(r.At(&v.SizeVariation), "size_variation must be less than average_size")
	}
}

// Compose writes the attributes in the units of the format.
func (v *toxic) Compose(c *keys.Composer, _ keys.Key, plain reflect.Value) {
	if plain.IsNil() {
		c.Refuse("%s names no toxic", envOf(&c.Reader).What)
		return
	}
	c.Compose(v, plain.Elem(), reflect.Zero(plain.Type().Elem()))
	x := plain.Interface().(*harness.Toxic)
	v.each(&c.Marks, func(a harness.ToxicAttribute, l any) {
		if n, ok := x.Attributes[a.Name]; ok {
			reflect.ValueOf(l).Elem().SetInt(n * int64(max(a.Unit, 1)))
			c.Accept(l)
		}
	})
}
