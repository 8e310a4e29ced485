package spec

import (
	"reflect"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/quantity"
)

// attributes returns the keys of a toxic that are attributes of some types.
func attributes() []key {
	return slices.DeleteFunc(keysOf(reflect.TypeFor[toxic]()), func(k key) bool { return len(k.plain) > 0 })
}

// fill checks that a toxic has the attributes of its type, and converts them
// to the integers toxiproxy takes.
func (v *toxic) fill(d *decoder, plain reflect.Value) {
	kind := harness.ToxicAttributes(v.Type.s)
	if len(kind) == 0 {
		return // said when it was read
	}
	got := plainOf[harness.Toxic](d, v)
	got.Attributes = map[string]int64{}
	plain.Set(reflect.ValueOf(got))
	for _, k := range attributes() {
		field := reflect.ValueOf(v).Elem().FieldByIndex(k.index)
		i := slices.IndexFunc(kind, func(a harness.ToxicAttribute) bool { return a.Name == k.name })
		switch {
		case !isGiven(field) && i >= 0 && kind[i].InFiles:
			d.errorf(v.place, "toxic %s needs %s", v.Type.s, k.name)
		case !isGiven(field):
		case i < 0:
			d.errorf(placeIn(field), "toxic %s has no %s; it has %s", v.Type.s, k.name, oneOf(attributeNames(kind)))
		default:
			got.Attributes[k.name] = d.attribute(k, field, int64(max(kind[i].Unit, 1)))
		}
	}
	if v.SizeVariation.ok && v.AverageSize.ok && v.SizeVariation.bytes >= v.AverageSize.bytes {
		d.errorf(v.SizeVariation.place, "size_variation must be less than average_size")
	}
}

func attributeNames(kind []harness.ToxicAttribute) []string {
	var names []string
	for _, a := range kind {
		names = append(names, a.Name)
	}
	return names
}

// attribute returns an attribute in its unit.
func (d *decoder) attribute(k key, field reflect.Value, unit int64) int64 {
	n := numberIn(field).Int()
	if n%unit != 0 {
		d.errorf(placeIn(field), "%s %s is finer than toxiproxy counts here; give whole %s", k.name, quantity.FormatDuration(time.Duration(n)), quantity.FormatDuration(time.Duration(unit)))
	}
	return n / unit
}

// numberIn returns the number that a leaf holds.
func numberIn(v reflect.Value) reflect.Value {
	return reflect.ValueOf(v.Addr().Interface().(leaf).parts()[0]).Elem()
}

func (v *toxic) compose(c *composer, _ key, plain reflect.Value) {
	if plain.IsNil() {
		c.refuse("%s names no toxic", c.what)
		return
	}
	c.composeStruct(reflect.ValueOf(v).Elem(), plain)
	x := plain.Interface().(*harness.Toxic)
	for _, a := range harness.ToxicAttributes(x.Type) {
		n, ok := x.Attributes[a.Name]
		i := slices.IndexFunc(attributes(), func(k key) bool { return k.name == a.Name })
		if !ok || i < 0 {
			continue
		}
		field := reflect.ValueOf(v).Elem().FieldByIndex(attributes()[i].index)
		numberIn(field).SetInt(n * int64(max(a.Unit, 1)))
		field.Addr().Interface().(leaf).accept(here().place)
	}
}
