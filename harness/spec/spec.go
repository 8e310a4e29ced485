// Package spec reads scenario files, YAML in, [harness.Scenario] out, and writes
// them.
//
// The format is the structs of format.go, and of package endpoint for the subject: their
// tags hold each key's range, default and meaning. Package keys reads and writes by them,
// and the JSON Schema ([Schema]) and the tables of docs/scenarios.md all come from there.
// Reading is strict: a key that is not known, a value without its unit, an event after the
// end of the script are mistakes, and one reading reports all of them with line and column
// as [yamltext.Mistakes]. Only where the file is no YAML at all does it stop at the first.
//
// The rules between the keys of one mapping are methods of the structs, for the program
// and for the schema, which also has the names of what is bundled; testdata/agreement.txt
// lists what only the program can judge.
//
// Start at [Parse]; package keys fills the structs, and converts them to the types of
// package harness, key by key; build.go, path.go and timeline.go check what only makes
// sense together. [Write] is the way back: package keys and compose.go fill the structs
// from a Scenario.
package spec

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/keys"
	"github.com/onebar/onebar/harness/yamltext"
)

// env is what the methods of the structs need to know beside them.
type env struct {
	lib     Library
	traces  map[string]*harness.Trace // those read from files, nil if wrong
	scope   scope                     // what a link may name
	script  time.Duration             // its length; 0 is not known
	wallets int64                     // of the workload; 0 is not known
	what    string                    // the event or entry that is composed
}

func envOf(r *keys.Reader) *env { return r.Env.(*env) }

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
	var f file
	r, ok := keys.Read(name, data, &f, kind("the scenario"))
	if !ok {
		return harness.Scenario{}, r.Err()
	}
	r.Env = &env{lib: lib}
	s := build(r, &f)
	if err := r.Err(); err != nil {
		return harness.Scenario{}, err
	}
	return s, nil
}

func kind(what string) keys.Kind {
	return keys.Kind{What: what, Empty: "a scenario begins with onebar: 1", One: "a file holds one scenario"}
}

// readFile reads at most yamltext.MaxFile bytes and one more, so that who parses them
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
	return io.ReadAll(io.LimitReader(f, yamltext.MaxFile+1))
}
