// Package mutants is a corpus of planted bugs in this module: what onebar must find before
// a release.
//
// A mutant is one file of the folder corpus: a few header lines, an empty line, and a patch
// of today's files in the form of git. Nothing in the program knows that it exists: Overlay
// writes the changed files into another folder, and go build -overlay compiles them. etcd's
// robustness tests keep a similar record
// (https://github.com/etcd-io/etcd/tree/main/tests/robustness).
package mutants

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Mutant is one planted bug.
type Mutant struct {
	Name  string   `json:"name"`  // of its file, without .patch
	Class string   `json:"class"` // the kind of mistake: one of Classes
	Loses string   `json:"loses"` // what a user would lose, in a sentence
	Check []string `json:"check"` // checks of which any names the bug rightly

	// Test is the package and the name of a Go test that must fail with the bug, and that must
	// print the name of a check. Empty: the bug is in the reference pair, and Hunt finds it.
	Test string `json:"test,omitempty"`
	// Equivalent is the reason why the bug harms no user, so that nothing has to find it.
	// Empty: something has to.
	Equivalent string `json:"equivalent,omitempty"`

	Patch []byte `json:"patch"` // in the form of git, with paths from the root of the module
}

// Classes are the kinds of mistakes, in the order of the track record.
func Classes() []string {
	return []string{"idempotency", "durability", "money", "time", "client", "storm", "service"}
}

// Suffix ends the name of a mutant's file.
const Suffix = ".patch"

// Load reads the mutants of a folder, by name. All mistakes of all files are in the error.
func Load(dir string) ([]Mutant, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*"+Suffix))
	if err == nil && len(paths) == 0 {
		err = fmt.Errorf("folder %s holds no mutant: expected files that end in %s", dir, Suffix)
	}
	errs := []error{err}
	var list []Mutant
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err == nil {
			var m Mutant
			m, err = parse(data)
			m.Name = strings.TrimSuffix(filepath.Base(path), Suffix)
			list = append(list, m)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", path, err))
		}
	}
	return list, errors.Join(errs...)
}

// parse reads one file.
func parse(data []byte) (m Mutant, err error) {
	header, patch, found := bytes.Cut(data, []byte("\n\n"))
	if !found || !bytes.HasPrefix(patch, []byte("--- ")) {
		return m, errors.New("expected header lines, an empty line, and a patch that begins with ---")
	}
	m.Patch = patch
	lines := bufio.NewScanner(bytes.NewReader(header))
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ": ")
		switch value = strings.TrimSpace(value); key {
		case "Class":
			m.Class = value
		case "Loses":
			m.Loses = value
		case "Check":
			m.Check = strings.Split(value, ", ")
		case "Test":
			m.Test = value
		case "Equivalent":
			m.Equivalent = value
		default:
			return m, fmt.Errorf("header line %q: expected Class, Loses, Check, Test or Equivalent", key)
		}
	}
	switch {
	case !slices.Contains(Classes(), m.Class):
		return m, fmt.Errorf("class %q: expected one of %s", m.Class, strings.Join(Classes(), ", "))
	case m.Loses == "" || len(m.Check) == 0:
		return m, errors.New("expected the header lines Loses and Check")
	}
	return m, nil
}

// Files returns the paths of the files that the patch changes, from the root of the module.
func (m Mutant) Files() []string {
	var files []string
	for line := range bytes.Lines(m.Patch) {
		if path, ok := bytes.CutPrefix(line, []byte("+++ b/")); ok {
			files = append(files, strings.TrimSpace(string(path)))
		}
	}
	return files
}
