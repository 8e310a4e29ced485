package library

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/delivery"
	"github.com/onebar/onebar/harness/keys"
	"github.com/onebar/onebar/harness/radio"
	"github.com/onebar/onebar/harness/trace"
	"github.com/onebar/onebar/harness/yamltext"
)

// A bundled trace is the file traces/NAME.trace.
const (
	traceFolder = "traces/"
	traceSuffix = ".trace"
)

// readTraces reads the bundled traces.
func readTraces(fsys fs.FS) ([]*delivery.Trace, error) {
	files, err := fs.Glob(fsys, traceFolder+"*"+traceSuffix)
	if err != nil {
		return nil, err
	}
	var all []*delivery.Trace
	for _, file := range files {
		data, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(strings.TrimPrefix(file, traceFolder), traceSuffix)
		series, err := trace.Parse(data)
		if err != nil {
			return nil, fmt.Errorf("read trace %s: %w", file, err)
		}
		t, err := series.Trace(name)
		if err != nil {
			return nil, fmt.Errorf("read trace %s: %w", file, err)
		}
		all = append(all, t)
	}
	return all, nil
}

// Reference names something bundled, or a file.
type Reference struct{ keys.Verbatim }

// Scalar describes the name.
func (v *Reference) Scalar() keys.Scalar {
	s := v.Verbatim.Scalar()
	s.Wants = "the name of a bundled one, or a file"
	return s
}

// IsFile reports whether a file is meant: it has a dot or a folder in its name.
func IsFile(name string) bool { return strings.ContainsAny(name, `./\`) }

// Fill finds the trace or the radio model.
func (v *Reference) Fill(r *keys.Reader, plain reflect.Value) {
	if !r.Good(v) {
		return
	}
	switch to := plain.Addr().Interface().(type) {
	case **delivery.Trace:
		*to = FindTrace(r, string(v.Verbatim), r.At(v))
	case **harness.Radio:
		*to = findRadio(r, string(v.Verbatim), r.At(v))
	}
}

// Compose names a file from where the scenario's will be.
func (v *Reference) Compose(c *keys.Composer, _ keys.Key, plain reflect.Value) {
	if plain.IsNil() {
		return
	}
	name := plain.Elem().FieldByName("Name").String()
	if IsFile(name) {
		if moved := c.Moved(name); moved != name && !IsFile(moved) {
			name = "./" + moved
		} else {
			name = moved
		}
	}
	v.Verbatim = keys.Verbatim(name)
	c.Accept(v)
}

// FindTrace returns the trace that is meant, or nil if there is none. One named
// twice is the same, so that a link that goes on with it is not set back.
func FindTrace(r *keys.Reader, name string, at keys.Place) *delivery.Trace {
	n := namesOf(r)
	if !IsFile(name) {
		var names []string
		for _, t := range n.Library.traces {
			if t.Name == name {
				return t
			}
			names = append(names, t.Name)
		}
		r.Errorf(at, "there is no trace %q; %s (a file has a dot or a folder in its name, such as ./%s)", name, keys.Suggest(name, names), name)
		return nil
	}
	t, known := n.traces[name]
	if !known {
		t = readTrace(r, name, at)
		if n.traces == nil {
			n.traces = map[string]*delivery.Trace{}
		}
		n.traces[name] = t
	}
	return t
}

func readTrace(r *keys.Reader, name string, at keys.Place) *delivery.Trace {
	file := keys.Beside(r.File, name)
	series, err := trace.Load(file)
	if wrong, ok := errors.AsType[trace.Mistakes](err); ok {
		for _, m := range wrong {
			r.Add(yamltext.NewMistake(file, nil, m.Line, 1, m.Text))
		}
		return nil
	}
	if err != nil {
		unreadable(r, at, "trace", file, err)
		return nil
	}
	t, err := series.Trace(name)
	keys.Must(err) // Load vouches for it
	return t
}

// findRadio returns the model that is meant, or nil if there is none.
func findRadio(r *keys.Reader, name string, at keys.Place) *harness.Radio {
	if IsFile(name) {
		return readRadio(r, name, at)
	}
	if _, err := radio.Lookup(name); err != nil {
		r.Errorf(at, "there is no radio model %q; %s (a file has a dot or a folder in its name, such as ./%s.yaml)", name, keys.Suggest(name, radios()), name)
		return nil
	}
	return &harness.Radio{Name: name}
}

// radios returns the names of the bundled models.
func radios() []string {
	var names []string
	for _, m := range radio.Bundled() {
		names = append(names, m.Name)
	}
	return names
}

func readRadio(r *keys.Reader, name string, at keys.Place) *harness.Radio {
	file := keys.Beside(r.File, name)
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		r.Errorf(at, "radio: %s is no regular file", file)
		return nil
	}
	data, err := yamltext.ReadFile(file)
	if err != nil {
		unreadable(r, at, "radio", file, err)
		return nil
	}
	_, err = radio.ReadModel(file, data)
	wrong, _ := errors.AsType[yamltext.Mistakes](err)
	r.Add(wrong...)
	return &harness.Radio{Name: name, Model: string(data)}
}

// unreadable reports why a file cannot be read.
func unreadable(r *keys.Reader, at keys.Place, what, file string, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		r.Errorf(at, "%s: there is no file %s; relative paths begin at the folder of the scenario", what, file)
		return
	}
	r.Errorf(at, "%s: %v", what, err)
}
