package spec

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/onebar/onebar/harness"
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
func readTraces(fsys fs.FS) ([]*harness.Trace, error) {
	files, err := fs.Glob(fsys, traceFolder+"*"+traceSuffix)
	if err != nil {
		return nil, err
	}
	var all []*harness.Trace
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

func (v *reference) fill(d *decoder, plain reflect.Value) {
	if !v.ok {
		return
	}
	switch to := plain.Addr().Interface().(type) {
	case **harness.Trace:
		*to = d.trace(*v)
	case **harness.Radio:
		*to = d.radio(*v)
	}
}

func (v *reference) compose(c *composer, _ key, plain reflect.Value) {
	if !plain.IsNil() {
		*v = c.reference(plain.Elem().FieldByName("Name").String())
	}
}

// trace returns the trace that is meant, or nil if there is none. One named
// twice is the same, so that a link that goes on with it is not set back.
func (d *decoder) trace(r reference) *harness.Trace {
	if !r.isFile() {
		var names []string
		for _, t := range d.lib.traces {
			if t.Name == r.s {
				return t
			}
			names = append(names, t.Name)
		}
		d.errorf(r.place, "there is no trace %q; %s (a file has a dot or a folder in its name, such as ./%s)", r.s, suggest(r.s, names), r.s)
		return nil
	}
	if t, known := d.traces[r.s]; known {
		return t
	}
	t := d.readTrace(r)
	if d.traces == nil {
		d.traces = map[string]*harness.Trace{}
	}
	d.traces[r.s] = t
	return t
}

func (d *decoder) readTrace(r reference) *harness.Trace {
	file := d.beside(r.s)
	series, err := trace.Load(file)
	if wrong, ok := errors.AsType[trace.Mistakes](err); ok {
		for _, m := range wrong {
			d.mistakes = append(d.mistakes, yamltext.NewMistake(file, nil, m.Line, 1, m.Text))
		}
		return nil
	}
	if err != nil {
		d.unreadable(r, "trace", err)
		return nil
	}
	t, err := series.Trace(r.s)
	must(err) // Load vouches for it
	return t
}

// radio returns the model that is meant, or nil if there is none.
func (d *decoder) radio(r reference) *harness.Radio {
	if r.isFile() {
		return d.readRadio(r)
	}
	if _, err := radio.Lookup(r.s); err != nil {
		var names []string
		for _, m := range radio.Bundled() {
			names = append(names, m.Name)
		}
		d.errorf(r.place, "there is no radio model %q; %s (a file has a dot or a folder in its name, such as ./%s.yaml)", r.s, suggest(r.s, names), r.s)
		return nil
	}
	return &harness.Radio{Name: r.s}
}

func (d *decoder) readRadio(r reference) *harness.Radio {
	file := d.beside(r.s)
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		d.errorf(r.place, "radio: %s is no regular file", file)
		return nil
	}
	data, err := readFile(file)
	if err != nil {
		d.unreadable(r, "radio", err)
		return nil
	}
	_, err = radio.ReadModel(file, data)
	wrong, _ := errors.AsType[yamltext.Mistakes](err)
	d.mistakes = append(d.mistakes, wrong...)
	return &harness.Radio{Name: r.s, Model: string(data)}
}

// unreadable reports why a file cannot be read.
func (d *decoder) unreadable(r reference, what string, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		d.errorf(r.place, "%s: there is no file %s; relative paths begin at the folder of the scenario", what, d.beside(r.s))
		return
	}
	d.errorf(r.place, "%s: %v", what, err)
}

// beside returns the path of a file that the scenario names: relative paths
// begin at the folder of the scenario.
func (d *decoder) beside(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(filepath.Dir(d.file), file)
}

// FindTraces gives a scenario its traces, of which its JSON form has but the names:
// those of lib, or those of files. The links must be nobody else's.
func FindTraces(sc *harness.Scenario, lib Library) error {
	d := &decoder{file: sc.File, lib: lib}
	eachLink(sc, func(l *harness.Profile) {
		for _, t := range []**harness.Trace{&l.Up.Trace, &l.Down.Trace} {
			if *t != nil {
				*t = d.trace(reference{literal{here(), (*t).Name}})
			}
		}
	})
	return d.err()
}
