// Package spec reads scenario files, YAML in, [harness.Scenario] out, and writes
// them.
//
// The format is the structs of format.go, those of package endpoint for the subject and
// those of package library for links: their tags hold each key's range, default and meaning.
// Package keys reads and writes by them, and the JSON Schema and the tables of
// docs/scenarios.md all come from there.
// Reading is strict: a key that is not known, a value without its unit, an event after the
// end of the script are mistakes, and one reading reports all of them with line and column
// as [yamltext.Mistakes]. Only where the file is no YAML at all does it stop at the first.
//
// The rules between the keys of one mapping are methods of the structs, for the program
// and for the schema, which also has the names of what is bundled; testdata/agreement.txt
// lists what only the program can judge.
//
// Start at [Parse]; package keys fills the structs, and converts them to the types of
// package harness, key by key; build.go and timeline.go check what only makes
// sense together. [Write] is the way back: package keys and compose.go fill the structs
// from a Scenario.
package spec

import (
	"fmt"
	"io/fs"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/keys"
	"github.com/onebar/onebar/harness/spec/library"
	"github.com/onebar/onebar/harness/yamltext"
)

// Library is a set of profiles and traces that every scenario file can name.
type Library = library.Library

// Profile is a profile of a Library, with what people should know of it.
type Profile = library.Profile

// ReadProfiles reads a file of profiles, such as scenarios.ProfilesFile, from a file system.
// Its files traces/NAME.trace are traces that the profiles, and scenarios, can name.
func ReadProfiles(fsys fs.FS, name string) (Library, error) { return library.Read(fsys, name) }

// env is what the methods of the structs need to know beside them.
type env struct {
	library.Names
	script  time.Duration // its length; 0 is not known
	wallets int64         // of the workload; 0 is not known
}

func envOf(r *keys.Reader) *env { return r.Env.(*env) }

func newEnv(lib Library) *env { return &env{Names: library.Names{Library: lib}} }

// Load reads the scenario file at path, whose links may name the profiles and
// traces of lib. Files that it names are read, too; relative paths begin at its
// folder. If the file can be read but is wrong, the error is a [yamltext.Mistakes].
func Load(path string, lib Library) (harness.Scenario, error) {
	data, err := yamltext.ReadFile(path)
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
	r, ok := keys.Read(name, data, &f, library.Kind("the scenario"))
	if !ok {
		return harness.Scenario{}, r.Err()
	}
	r.Env = newEnv(lib)
	s := build(r, &f)
	if err := r.Err(); err != nil {
		return harness.Scenario{}, err
	}
	return s, nil
}
