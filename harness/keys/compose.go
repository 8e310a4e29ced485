package keys

import (
	"errors"
	"fmt"
	"reflect"
)

// Composer fills structs from their plain forms: the way back of [Reader.Fill].
type Composer struct {
	Reader        // its File is that to be written
	From   string // the file that the plain form was read from
	Item   int    // number of the list item that is composed, from 1

	errs []error
}

// Refuse notes that something cannot be written.
func (c *Composer) Refuse(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
}

// Err returns what cannot be written.
func (c *Composer) Err() error { return errors.Join(c.errs...) }

// Compose fills the struct that v points to from its plain form, without what is there
// as in base.
func (c *Composer) Compose(v any, plain, base reflect.Value) {
	c.ComposeKeys(v, plain, base, func(*Key) bool { return true })
}

// ComposeKeys is Compose for some of the keys, which chosen may change.
func (c *Composer) ComposeKeys(v any, plain, base reflect.Value, chosen func(*Key) bool) {
	c.Accept(v)
	s := reflect.ValueOf(v).Elem()
	from := fieldsOf(s.Type(), base)
	c.eachKey(s.Type(), plain, func(k Key, plain []reflect.Value) {
		var base []reflect.Value
		for _, name := range k.Plain {
			base = append(base, from[name])
		}
		if chosen(&k) {
			c.composeValue(k, s.FieldByIndex(k.Index), plain, base)
		}
	})
}

func (c *Composer) composeValue(k Key, v reflect.Value, plain, base []reflect.Value) {
	if plain[0].Kind() == reflect.String && namesFile(k, plain[0].String()) {
		plain = []reflect.Value{reflect.ValueOf(c.Moved(plain[0].String()))}
	}
	_, isWord := reflect.TypeAssert[*Word](v.Addr())
	if alike(plain, base) && !k.Required && (k.Default == "" || isWord) {
		return
	}
	switch x := v.Addr().Interface().(type) {
	case Converted:
		if _, isNamed := x.(interface {
			items() map[string]reflect.Value
		}); isNamed {
			c.Accept(x)
		}
		x.Compose(c, k, plain[0])
	case Leaf:
		parts := partsOf(v)
		for i, from := range spread(plain, len(parts)) {
			derive(parts[i], from, k.As)
		}
		c.Accept(x)
		if !alike(plain, base) && plain[0].IsZero() && !k.Holds(x) {
			c.Clear(x) // no document can take it back to nothing
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

func (c *Composer) composeStruct(v, plain reflect.Value) {
	switch plain.Kind() {
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), plain.Len(), plain.Len()))
		for i := range plain.Len() {
			c.Item = i + 1
			zero := reflect.Zero(plain.Type().Elem())
			c.composeValue(Key{Required: true}, v.Index(i), []reflect.Value{plain.Index(i)}, []reflect.Value{zero})
		}
	case reflect.Pointer:
		c.composeStruct(v, plain.Elem())
	default:
		c.Compose(v.Addr().Interface(), plain, reflect.Zero(plain.Type()))
	}
}

// Compose makes the mapping from a map.
func (v *Named[T]) Compose(c *Composer, k Key, plain reflect.Value) {
	v.M = map[string]*T{}
	zero := []reflect.Value{reflect.Zero(plain.Type().Elem())}
	for _, name := range plain.MapKeys() {
		item := new(T)
		v.M[name.String()] = item
		c.composeValue(Key{Required: true, File: k.File}, reflect.ValueOf(item).Elem(), []reflect.Value{plain.MapIndex(name)}, zero)
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
