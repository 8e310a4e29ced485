package outcome

import (
	"errors"
	"slices"
	"time"

	"github.com/onebar/onebar/reports/files"
)

// Files are the report files of a command.
type Files struct {
	Paths []string // in the order of Formats; an empty path is none

	began time.Time
}

// Begin makes sure that every file can be written, and writes a preliminary outcome to each,
// so that none keeps the results of an earlier command. It forgets the files that cannot be
// written, and then writes none.
func (f *Files) Begin(unfinished func(began time.Time) Outcome) error {
	f.began = time.Now()
	var errs []error
	for i, path := range f.Paths {
		if path == "" {
			continue
		}
		if err := files.Writable(path); err != nil {
			errs = append(errs, err)
			f.Paths[i] = ""
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return f.put(unfinished(f.began), files.Replaced)
}

// JSON returns the path of the JSON report, or nothing.
func (f *Files) JSON() string {
	i := slices.IndexFunc(Formats(), func(m Format) bool { return m.Flag == JSONFlag })
	if i >= len(f.Paths) {
		return ""
	}
	return f.Paths[i]
}

// Write writes an outcome to every file.
func (f *Files) Write(o Outcome) error {
	return f.put(o, func(string) bool { return true })
}

// put writes an outcome to the files whose paths fit.
func (f *Files) put(o Outcome, fits func(path string) bool) error {
	if o.Began = f.began; !f.began.IsZero() {
		o.Took = time.Since(f.began)
	}
	o.See = f.JSON()
	formats := Formats()
	var errs []error
	for i, path := range f.Paths {
		if path == "" || !fits(path) {
			continue
		}
		o.Room = files.Room(path)
		errs = append(errs, files.Write(path, formats[i].Report(o)))
	}
	return errors.Join(errs...)
}
