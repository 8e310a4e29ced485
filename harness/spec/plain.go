package spec

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
)

// A struct of the format is converted to a type of package harness, its plain form, key
// by key: fill converts to the plain form, and compose back. A key belongs to the field
// of the plain form that has its name in JSON, or to the fields that the tag plain
// lists, one for each part of its value. A type that cannot be converted so is a
// converted.

// converted is a type of the format that converts itself. Fill is called if it was
// given.
type converted interface {
	fill(d *decoder, plain reflect.Value)
	compose(c *composer, k key, plain reflect.Value)
}

// eachKey calls f for each key of a struct of the format, t, with its fields of the
// plain form.
func eachKey(t reflect.Type, plain reflect.Value, f func(k key, plain []reflect.Value)) {
	fields := fieldsOf(plain)
	for _, k := range keysOf(t) {
		var of []reflect.Value
		for _, name := range k.plain {
			of = append(of, fields[name])
		}
		if len(of) > 0 {
			f(k, of)
		}
	}
}

// fieldsOf returns the fields of a plain form by their names in JSON. An entry of the
// nemesis also has those of its event.
func fieldsOf(plain reflect.Value) map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	if e := plain.FieldByName("Event"); e.IsValid() {
		fields = fieldsOf(e)
	}
	for _, f := range reflect.VisibleFields(plain.Type()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields[name] = plain.FieldByIndex(f.Index)
	}
	return fields
}

// plainOf returns the plain form of the struct of the format that v points to.
func plainOf[T any](d *decoder, v any) *T {
	plain := new(T)
	d.fill(reflect.ValueOf(v).Elem(), reflect.ValueOf(plain).Elem())
	return plain
}

// fill copies what a struct of the format says to its plain form, and the line where
// it stands, if the plain form has one. It leaves alone what the struct does not say.
func (d *decoder) fill(v, plain reflect.Value) {
	eachKey(v.Type(), plain, func(k key, plain []reflect.Value) { d.fillValue(k, v.FieldByIndex(k.index), plain) })
	if line := plain.FieldByName("Line"); line.IsValid() && line.CanInt() {
		line.SetInt(int64(placeIn(v).line))
	}
}

func (d *decoder) fillValue(k key, v reflect.Value, plain []reflect.Value) {
	switch x := v.Addr().Interface().(type) {
	case converted:
		if isGiven(v) {
			x.fill(d, plain[0])
		}
	case leaf:
		if !x.good() {
			return
		}
		parts := x.parts()
		for i, to := range spread(plain, len(parts)) {
			assign(to, reflect.ValueOf(parts[i]).Elem(), k.as)
		}
	default:
		d.fillStruct(v, plain[0])
	}
}

// fillStruct fills a list, or a mapping that was given.
func (d *decoder) fillStruct(v, plain reflect.Value) {
	switch {
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			plain.Set(reflect.Append(plain, reflect.Zero(plain.Type().Elem())))
			d.fillValue(key{}, v.Index(i), []reflect.Value{plain.Index(i)})
		}
	case !isGiven(v):
	case plain.Kind() == reflect.Pointer:
		plain.Set(reflect.New(plain.Type().Elem()))
		d.fill(v, plain.Elem())
	default:
		d.fill(v, plain)
	}
}

// spread returns the plain fields of a value with several parts: those of a struct, if
// it is one.
func spread(plain []reflect.Value, parts int) []reflect.Value {
	if len(plain) > 1 || parts == 1 || plain[0].Kind() != reflect.Struct {
		return plain
	}
	var fields []reflect.Value
	for _, field := range plain[0].Fields() {
		fields = append(fields, field)
	}
	return fields
}

// assign sets a plain field to a part of a value. The words of a key may stand for
// other ones.
func assign(to, part reflect.Value, as map[string]string) {
	if word, ok := as[part.String()]; ok {
		part = reflect.ValueOf(word)
	}
	if to.Kind() == reflect.Pointer {
		to.Set(reflect.New(to.Type().Elem()))
		to = to.Elem()
	}
	u, isWord := reflect.TypeAssert[encoding.TextUnmarshaler](to.Addr())
	switch {
	case isWord:
		must(u.UnmarshalText([]byte(part.String())))
	case to.Kind() == reflect.Bool && part.Kind() == reflect.String:
		to.SetBool(part.String() == "true")
	default:
		to.Set(part.Convert(to.Type()))
	}
}

// derive is the way back of assign.
func derive(part, from reflect.Value, as map[string]string) {
	switch {
	case from.Kind() == reflect.Pointer:
		derive(part, from.Elem(), as)
	case part.Kind() != reflect.String:
		part.Set(from.Convert(part.Type()))
	default:
		part.SetString(fmt.Sprint(from.Interface()))
		for word, means := range as {
			if means == part.String() {
				part.SetString(word)
				return
			}
		}
	}
}

func isGiven(v reflect.Value) bool {
	return v.Addr().Interface().(interface{ given() bool }).given()
}

// compose is the way back of fill. It leaves out what is as in base.
func (c *composer) compose(v, plain, base reflect.Value) {
	c.composeKeys(v, plain, base, func(*key) bool { return true })
}

// composeKeys is compose for some of the keys, which chosen may change.
func (c *composer) composeKeys(v, plain, base reflect.Value, chosen func(*key) bool) {
	v.Addr().Interface().(placed).standAt(here().place)
	from := fieldsOf(base)
	eachKey(v.Type(), plain, func(k key, plain []reflect.Value) {
		var base []reflect.Value
		for _, name := range k.plain {
			base = append(base, from[name])
		}
		if chosen(&k) {
			c.composeValue(k, v.FieldByIndex(k.index), plain, base)
		}
	})
}

func (c *composer) composeValue(k key, v reflect.Value, plain, base []reflect.Value) {
	if k.file != "" && plain[0].Kind() == reflect.String {
		plain = []reflect.Value{reflect.ValueOf(c.fileName(k.file, plain[0].String()))}
	}
	_, isWord := reflect.TypeAssert[*word](v.Addr())
	if alike(plain, base) && !k.required && (k.fallback == "" || isWord) {
		return
	}
	switch x := v.Addr().Interface().(type) {
	case converted:
		x.compose(c, k, plain[0])
	case leaf:
		parts := x.parts()
		for i, from := range spread(plain, len(parts)) {
			derive(reflect.ValueOf(parts[i]).Elem(), from, k.as)
		}
		x.accept(here().place)
		if m, ok := x.(measured); ok && !alike(plain, base) && plain[0].IsZero() && !inRange(m, k) {
			v.SetZero() // no file can take it back to nothing
		}
	default:
		c.composeStruct(v, plain[0])
	}
}

// alike reports whether the fields of a value are the same twice. A currency beside an
// amount does not count.
func alike(a, b []reflect.Value) bool {
	for i := range a {
		nothing := (a[i].Kind() == reflect.Map || a[i].Kind() == reflect.Slice) && a[i].Len()+b[i].Len() == 0
		if (i == 0 || a[i].Kind() != reflect.String) && !nothing && !reflect.DeepEqual(a[i].Interface(), b[i].Interface()) {
			return false
		}
	}
	return true
}

func (c *composer) composeStruct(v, plain reflect.Value) {
	switch plain.Kind() {
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), plain.Len(), plain.Len()))
		for i := range plain.Len() {
			c.item = i + 1
			zero := reflect.Zero(plain.Type().Elem())
			c.composeValue(key{required: true}, v.Index(i), []reflect.Value{plain.Index(i)}, []reflect.Value{zero})
		}
	case reflect.Pointer:
		c.composeStruct(v, plain.Elem())
	default:
		c.compose(v, plain, reflect.Zero(plain.Type()))
	}
}

// fileName returns how a file that the scenario names is named from where its file will
// be. A folder that is not named is that of the scenario.
func (c *composer) fileName(kind, name string) string {
	if kind == "" || kind == "file" && name == "" {
		return name
	}
	return c.moved(name)
}

func (v *named[T]) fill(d *decoder, plain reflect.Value) {
	plain.Set(reflect.MakeMap(plain.Type()))
	for name, item := range v.m {
		to := reflect.New(plain.Type().Elem()).Elem()
		d.fillValue(key{}, reflect.ValueOf(item).Elem(), []reflect.Value{to})
		plain.SetMapIndex(reflect.ValueOf(name), to)
	}
}

func (v *named[T]) compose(c *composer, k key, plain reflect.Value) {
	v.place, v.m = here().place, map[string]*T{}
	zero := []reflect.Value{reflect.Zero(plain.Type().Elem())}
	for _, name := range plain.MapKeys() {
		item := new(T)
		v.m[name.String()] = item
		c.composeValue(key{required: true, file: k.file}, reflect.ValueOf(item).Elem(), []reflect.Value{plain.MapIndex(name)}, zero)
	}
}
