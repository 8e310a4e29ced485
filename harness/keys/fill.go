package keys

import (
	"encoding"
	"reflect"
	"strings"
)

// A struct is converted to a type of the program, its plain form, key by key: Fill
// converts to the plain form, and Compose back. A key belongs to the field of the plain
// form that has its name in JSON, or to the fields that the tag plain lists, one for each
// part of its value. A type that cannot be converted so is a Converted.

// Converted is a type that converts itself. Fill is called if it was given. It may leave
// the rest to [Reader.Fill] and [Composer.Compose].
type Converted interface {
	Fill(r *Reader, plain reflect.Value)
	Compose(c *Composer, k Key, plain reflect.Value)
}

// nested is a struct some of whose keys belong to a struct within the plain form.
type nested interface{ Within() string }

// eachKey calls f for each key of a struct t, with its fields of the plain form.
func (m *Marks) eachKey(t reflect.Type, plain reflect.Value, f func(k Key, plain []reflect.Value)) {
	fields := fieldsOf(t, plain)
	for _, k := range m.keysOf(t) {
		var of []reflect.Value
		for _, name := range k.Plain {
			of = append(of, fields[name])
		}
		if len(of) > 0 {
			f(k, of)
		}
	}
}

// fieldsOf returns the fields of the plain form of t by their names in JSON.
func fieldsOf(t reflect.Type, plain reflect.Value) map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	if n, ok := reflect.TypeAssert[nested](reflect.New(t)); ok {
		fields = fieldsOf(reflect.TypeFor[struct{}](), plain.FieldByName(n.Within()))
	}
	for _, f := range reflect.VisibleFields(plain.Type()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields[name] = plain.FieldByIndex(f.Index)
	}
	return fields
}

// Fill copies what the struct v says to its plain form, and the line where it stands, if
// the plain form has one. It leaves alone what the struct does not say. Both are pointers.
func (r *Reader) Fill(v, plain any) {
	r.fill(reflect.ValueOf(v).Elem(), reflect.ValueOf(plain).Elem())
}

func (r *Reader) fill(v, plain reflect.Value) {
	r.eachKey(v.Type(), plain, func(k Key, plain []reflect.Value) { r.fillValue(k, v.FieldByIndex(k.Index), plain) })
	if line := plain.FieldByName("Line"); line.IsValid() && line.CanInt() {
		line.SetInt(int64(r.At(v.Addr().Interface()).Line))
	}
}

func (r *Reader) fillValue(k Key, v reflect.Value, plain []reflect.Value) {
	switch x := v.Addr().Interface().(type) {
	case Converted:
		if r.Given(x) {
			x.Fill(r, plain[0])
		}
	case Leaf:
		if !r.Good(x) {
			return
		}
		parts := partsOf(v)
		for i, to := range spread(plain, len(parts)) {
			assign(to, parts[i], k.As)
		}
	default:
		r.fillStruct(v, plain[0])
	}
}

// fillStruct fills a list, or a mapping that was given.
func (r *Reader) fillStruct(v, plain reflect.Value) {
	switch {
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			plain.Set(reflect.Append(plain, reflect.Zero(plain.Type().Elem())))
			r.fillValue(Key{}, v.Index(i), []reflect.Value{plain.Index(i)})
		}
	case !r.Given(v.Addr().Interface()):
	case plain.Kind() == reflect.Pointer:
		plain.Set(reflect.New(plain.Type().Elem()))
		r.fill(v, plain.Elem())
	default:
		r.fill(v, plain)
	}
}

// partsOf returns the parts of a leaf, as its plain form has them: its exported fields if it
// is a struct.
func partsOf(v reflect.Value) []reflect.Value {
	if v.Kind() != reflect.Struct {
		return []reflect.Value{v}
	}
	var parts []reflect.Value
	for f, part := range v.Fields() {
		if f.IsExported() {
			parts = append(parts, part)
		}
	}
	return parts
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
		Must(u.UnmarshalText([]byte(part.String())))
	case to.Kind() == reflect.Bool && part.Kind() == reflect.String:
		to.SetBool(part.String() == "true")
	default:
		to.Set(part.Convert(to.Type()))
	}
}

// Fill makes a map of the mapping.
func (v *Named[T]) Fill(r *Reader, plain reflect.Value) {
	plain.Set(reflect.MakeMap(plain.Type()))
	for name, item := range v.M {
		to := reflect.New(plain.Type().Elem()).Elem()
		r.fillValue(Key{}, reflect.ValueOf(item).Elem(), []reflect.Value{to})
		plain.SetMapIndex(reflect.ValueOf(name), to)
	}
}
