package spec

import (
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
)

// A section whose keys are those of the JSON form of a type of package harness, its
// plain form, needs no conversion of its own: fill and compose copy each key to the
// field of its name and back. The subject is one.

// eachKey calls f for each key of a struct of the format, v, with the field of the
// plain form that has its name.
func eachKey(v, plain reflect.Value, f func(k key, v, plain reflect.Value)) {
	fields := map[string][]int{}
	for _, field := range reflect.VisibleFields(plain.Type()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		fields[name] = field.Index
	}
	for _, k := range keysOf(v.Type()) {
		f(k, v.Field(k.index), plain.FieldByIndex(fields[k.name]))
	}
}

// plainOf returns the plain form of the struct of the format that v points to.
func plainOf[T any](v any) *T {
	plain := new(T)
	fill(reflect.ValueOf(v).Elem(), reflect.ValueOf(plain).Elem())
	return plain
}

// fill copies what a struct of the format says to its plain form, and the line where
// it stands, if the plain form has one.
func fill(v, plain reflect.Value) {
	eachKey(v, plain, func(_ key, v, plain reflect.Value) { fillValue(v, plain) })
	if line := plain.FieldByName("Line"); line.IsValid() && line.CanInt() {
		line.SetInt(int64(placeIn(v).line))
	}
}

func fillValue(v, plain reflect.Value) {
	switch x := v.Addr().Interface().(type) {
	case *verbatim:
		plain.SetString(x.s)
	case *source:
		plain.SetString(x.s)
	case *word:
		plain.SetString(x.s)
	case *yes:
		plain.SetBool(x.ok)
	case *count:
		plain.SetInt(x.n)
	case *duration:
		plain.SetInt(int64(x.d))
	case *number:
		plain.SetFloat(x.f)
	case *share:
		if x.ok {
			plain.Set(reflect.ValueOf(&x.f))
		}
	case *variables:
		plain.Set(reflect.ValueOf(x.m))
	case *sources:
		plain.Set(reflect.ValueOf(x.plain()))
	case *containers:
		for name, c := range x.m {
			if plain.IsNil() {
				plain.Set(reflect.MakeMap(plain.Type()))
			}
			plain.SetMapIndex(reflect.ValueOf(name), reflect.ValueOf(plainOf[harness.ContainerConfig](c)).Elem())
		}
	default:
		fillStruct(v, plain)
	}
}

// fillStruct fills a list, or a mapping that was given.
func fillStruct(v, plain reflect.Value) {
	if v.Kind() == reflect.Slice {
		for i := range v.Len() {
			plain.Set(reflect.Append(plain, reflect.Zero(plain.Type().Elem())))
			fillValue(v.Index(i), plain.Index(i))
		}
		return
	}
	if !isGiven(v) {
		return
	}
	if plain.Kind() == reflect.Pointer {
		plain.Set(reflect.New(plain.Type().Elem()))
		plain = plain.Elem()
	}
	fill(v, plain)
}

func isGiven(v reflect.Value) bool {
	return v.Addr().Interface().(interface{ given() bool }).given()
}

// compose is the way back of fill.
func (c *composer) compose(v, plain reflect.Value) {
	v.Addr().Interface().(placed).standAt(here().place)
	eachKey(v, plain, c.composeValue)
}

func (c *composer) composeValue(k key, v, plain reflect.Value) {
	switch x := v.Addr().Interface().(type) {
	case *verbatim:
		*x = verbatimOf(c.named(k.file, plain.String()))
	case *source:
		*x = source{verbatimOf(plain.String())}
	case *word:
		*x = wordOf(plain.String())
	case *yes:
		*x = yesOf(plain.Bool())
	case *count:
		*x = countOf(plain.Int())
	case *duration:
		*x = durationOf(time.Duration(plain.Int()))
	case *number:
		if !plain.IsZero() {
			*x = number{here(), plain.Float()}
		}
	case *share:
		if !plain.IsNil() {
			*x = share{here(), plain.Elem().Float()}
		}
	case *variables:
		if plain.Len() > 0 {
			*x = variables{here().place, map[string]string{}}
			for _, name := range plain.MapKeys() {
				x.m[name.String()] = c.named(k.file, plain.MapIndex(name).String())
			}
		}
	case *sources:
		if plain.Len() > 0 {
			*x = sources{here().place, map[string]*source{}}
			for _, name := range plain.MapKeys() {
				x.m[name.String()] = &source{verbatim{here(), plain.MapIndex(name).String()}}
			}
		}
	case *containers:
		if plain.Len() > 0 {
			*x = containers{here().place, map[string]*container{}}
			for _, name := range plain.MapKeys() {
				x.m[name.String()] = new(container)
				c.compose(reflect.ValueOf(x.m[name.String()]).Elem(), plain.MapIndex(name))
			}
		}
	default:
		c.composeStruct(k, v, plain)
	}
}

func (c *composer) composeStruct(k key, v, plain reflect.Value) {
	switch {
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), plain.Len(), plain.Len()))
		for i := range plain.Len() {
			if x, ok := reflect.TypeAssert[*verbatim](v.Index(i).Addr()); ok {
				*x = verbatim{here(), plain.Index(i).String()} // also an empty one
				continue
			}
			c.composeValue(key{required: true}, v.Index(i), plain.Index(i))
		}
	case plain.IsZero() && !k.required:
	case plain.Kind() == reflect.Pointer:
		c.compose(v, plain.Elem())
	default:
		c.compose(v, plain)
	}
}

// named returns how a file that the scenario names is named from where its file will
// be. A folder that is not named is that of the scenario.
func (c *composer) named(kind, name string) string {
	if kind == "" || kind == "file" && name == "" {
		return name
	}
	return c.moved(name)
}

// settle makes the files that a plain form names absolute, from a folder, and takes out
// its lines, neither of which a file keeps. It has the keys of t.
func settle(t reflect.Type, plain reflect.Value, base string) {
	if plain.Kind() == reflect.Pointer {
		if plain.IsNil() {
			return
		}
		plain = plain.Elem()
	}
	if line := plain.FieldByName("Line"); line.IsValid() && line.CanInt() {
		line.SetInt(0)
	}
	eachKey(reflect.New(t).Elem(), plain, func(k key, v, plain reflect.Value) {
		switch v.Addr().Interface().(type) {
		case *containers, *variables:
			for _, name := range plain.MapKeys() {
				item := reflect.New(plain.Type().Elem()).Elem()
				item.Set(plain.MapIndex(name))
				if item.Kind() == reflect.String {
					item.SetString(absolute(k.file, item.String(), base))
				} else {
					settle(reflect.TypeFor[container](), item, base)
				}
				plain.SetMapIndex(name, item)
			}
		case *verbatim:
			plain.SetString(absolute(k.file, plain.String(), base))
		case leaf, *sources:
		default:
			settleStruct(v.Type(), plain, base)
		}
	})
}

// settleStruct settles a mapping, or each of a list.
func settleStruct(t reflect.Type, plain reflect.Value, base string) {
	if t.Kind() != reflect.Slice {
		settle(t, plain, base)
		return
	}
	for i := range plain.Len() {
		if plain.Index(i).Kind() == reflect.Struct {
			settle(t.Elem(), plain.Index(i), base)
		}
	}
}

func absolute(kind, name, base string) string {
	if kind == "" || kind == "file" && name == "" || filepath.IsAbs(name) || strings.Contains(name, "{{") {
		return name
	}
	return filepath.Join(base, name)
}
