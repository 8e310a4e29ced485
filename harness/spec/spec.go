// Package spec reads scenario files, YAML in, [harness.Scenario] out, and writes
// them.
//
// The format is the structs of format.go: their tags hold each key's range,
// default and meaning, and the decoder, the JSON Schema ([Schema]) and the
// tables of docs/scenarios.md all come from there. Reading is strict: a key
// that is not known, a value without its unit, an event after the end of the
// script are mistakes, and one reading reports all of them with line and column
// as [yamltext.Mistakes]. Only where the file is no YAML at all does it stop at the first.
//
// The rules between the keys of one mapping are in rules.go, for the program and for the
// schema, which also has the names of what is bundled; testdata/agreement.txt lists what
// only the program can judge.
//
// Start at [Parse]; decode.go walks the syntax tree into the structs, plain.go converts
// them to the types of package harness, key by key, and build.go, path.go and timeline.go
// check what only makes sense together. [Write] is the way back: plain.go and compose.go
// fill the structs from a Scenario, encode.go writes them.
package spec

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/onebar/onebar/harness"
)

// Load reads the scenario file at path, whose links may name the profiles and
// traces of lib. Files that it names are read, too; relative paths begin at its
// folder. If the file can be read but is wrong, the error is a [yamltext.Mistakes].
func Load(path string, lib Library) (harness.Scenario, error) {
	data, err := readFile(path)
	if err != nil {
		return harness.Scenario{}, fmt.Errorf("read scenario: %w", err)
	}
	return Parse(path, data, lib)
}

// Parse is Load for a file already read. The name is used in messages and
// becomes Scenario.File. On error there is no scenario, and the error is a
// [yamltext.Mistakes].
func Parse(name string, data []byte, lib Library) (harness.Scenario, error) {
	d, root := parse(name, data)
	if root == nil {
		return harness.Scenario{}, d.err()
	}
	d.lib = lib
	var f file
	d.into(root, &f, "the scenario")
	s := build(d, &f)
	if err := d.err(); err != nil {
		return harness.Scenario{}, err
	}
	return s, nil
}

// readFile reads at most maxFile bytes and one more, so that who parses them
// sees that a file is too large.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no file %s: %w", path, fs.ErrNotExist)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}
