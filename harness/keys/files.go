package keys

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
)

// Beside returns the path of a file that the document at from names: relative paths begin
// at its folder.
func Beside(from, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(from), name)
}

// Moved returns how a file or folder that the plain form names is named from where its
// document will be. A name with a template in it stays as it is.
func (c *Composer) Moved(name string) string {
	if filepath.IsAbs(name) || strings.Contains(name, "{{") || filepath.Dir(c.From) == filepath.Dir(c.File) {
		return name
	}
	name = filepath.Join(filepath.Dir(c.From), name)
	short, err := filepath.Rel(filepath.Dir(c.File), name)
	if err != nil { // one of the two folders is absolute
		short, err = filepath.Abs(name)
	}
	if err != nil {
		c.errs = append(c.errs, fmt.Errorf("file %s: %w", name, err))
	}
	return filepath.ToSlash(short)
}

// namesFile reports whether a value of a key names a file or a folder. A folder that is
// not named is that of the document.
func namesFile(k Key, value string) bool {
	return k.File == "folder" || k.File == "file" && value != ""
}

// Absolute makes the files absolute that a plain form names, from a folder. It has the
// keys of t.
func Absolute(t reflect.Type, plain reflect.Value, base string) {
	plain = reflect.Indirect(plain)
	if plain.Kind() != reflect.Struct {
		return
	}
	new(Marks).eachKey(t, plain, func(k Key, of []reflect.Value) {
		kind, plain := t.FieldByIndex(k.Index).Type, of[0]
		switch plain.Kind() {
		case reflect.String:
			plain.SetString(absolute(k, plain.String(), base))
		case reflect.Slice:
			for i := range plain.Len() {
				Absolute(kind.Elem(), plain.Index(i), base)
			}
		case reflect.Map:
			items, _ := kind.FieldByName("M") // of a Named
			for _, name := range plain.MapKeys() {
				item := reflect.New(plain.Type().Elem()).Elem()
				item.Set(plain.MapIndex(name))
				if item.Kind() == reflect.String {
					item.SetString(absolute(k, item.String(), base))
				}
				Absolute(items.Type.Elem().Elem(), item, base)
				plain.SetMapIndex(name, item)
			}
		default:
			Absolute(kind, plain, base)
		}
	})
}

func absolute(k Key, name, base string) string {
	if !namesFile(k, name) || filepath.IsAbs(name) || strings.Contains(name, "{{") {
		return name
	}
	return filepath.Join(base, name)
}
