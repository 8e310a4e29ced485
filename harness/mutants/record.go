package mutants

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness/result"
)

// Outcome is what became of one mutant.
type Outcome struct {
	Mutant Mutant  `json:"mutant"`
	Found  []Found `json:"found"`           // by Hunt, or by the test of the mutant
	Error  string  `json:"error,omitempty"` // it could not be built, or the hunt broke off; empty if neither
}

// Of reports whether the outcome is that of m as it is now.
func (o Outcome) Of(m Mutant) bool {
	return o.Mutant.Name == m.Name && o.Mutant.Test == m.Test && bytes.Equal(o.Mutant.Patch, m.Patch) && slices.Equal(o.Mutant.Check, m.Check)
}

// ReadOutcomes reads outcomes that a file has in JSON, one after the other. A file that does not
// exist has none.
func ReadOutcomes(path string) (all []Outcome, err error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for d := json.NewDecoder(bytes.NewReader(data)); err == nil; {
		var o Outcome
		if err = d.Decode(&o); err == nil {
			all = append(all, o)
		}
	}
	if !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the outcomes in %s: %w: remove the file", path, err)
	}
	return all, nil
}

// Verdict says whether the mutant was found by its right name. An equivalent mutant passes if
// nothing fails it; a mutant that could not be tried is unknown.
func (o Outcome) Verdict() result.Status {
	named := slices.ContainsFunc(o.Found, Found.Named)
	switch {
	case o.Error != "":
		return result.StatusUnknown
	case o.Mutant.Equivalent != "" && !o.failed(), o.Mutant.Equivalent == "" && named:
		return result.Pass
	}
	return result.Fail
}

// failed says whether any check failed.
func (o Outcome) failed() bool {
	return slices.ContainsFunc(o.Found, func(f Found) bool { return len(f.Fails) > 0 })
}

// String says in a line what became of the mutant.
func (o Outcome) String() string {
	switch {
	case o.Error != "":
		return o.Error
	case o.Mutant.Equivalent != "" && o.failed():
		return "it is marked equivalent, but checks failed: " + o.checks()
	case o.Mutant.Equivalent != "":
		return "equivalent: " + o.Mutant.Equivalent
	case o.Verdict() == result.Pass:
		return o.by()
	case o.failed():
		return fmt.Sprintf("expected %s, but only these checks failed: %s", strings.Join(o.Mutant.Check, " or "), o.checks())
	}
	return fmt.Sprintf("expected %s, but nothing failed", strings.Join(o.Mutant.Check, " or "))
}

// by lists the methods that named the bug, and how many runs each needed.
func (o Outcome) by() string {
	var by []string
	for _, f := range o.Found {
		if f.Named() {
			by = append(by, fmt.Sprintf("%s (run %d)", f.By, f.Needed))
		}
	}
	return strings.Join(by, ", ")
}

// checks lists all checks that failed.
func (o Outcome) checks() string {
	all := map[string]bool{}
	for _, f := range o.Found {
		for check := range f.Fails {
			all[check] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(all)), ", ")
}

// Record writes the track record as Markdown: each mutant, and what found it after how many runs.
// first says that each hunt stopped at the first method that named the bug.
func Record(w io.Writer, list []Outcome, first bool) error {
	count := map[result.Status]int{}
	for _, o := range list {
		count[o.Verdict()]++
	}
	methods := "All methods that found it are named."
	if first {
		methods = "A hunt stopped at the first method that named the bug, and only that one is named."
	}
	var text strings.Builder
	fmt.Fprintf(&text, `# Track record

What onebar found of the bugs that are planted in its reference pair, and in a service under
onebartest. `+"`make mutants`"+` writes this page. Each bug is a patch in
[harness/mutants/corpus](../harness/mutants/corpus). One in the pair is hunted with the bundled
scenarios (seed 1), a sweep of one and of three payments (%d seeds each), and %d seeds of bad-day; one
in the service with the tests of [harness/mutants/service](../harness/mutants/service). %s
Of %d bugs %d are judged right, %d are missed, %d could not be tried.

`, sweepSeeds, exploreSeeds, methods, len(list), count[result.Pass], count[result.Fail], count[result.StatusUnknown])
	for _, class := range Classes() {
		rows := slices.DeleteFunc(slices.Clone(list), func(o Outcome) bool { return o.Mutant.Class != class })
		if len(rows) == 0 {
			continue
		}
		fmt.Fprintf(&text, "## %s\n\n| bug | what a user loses | verdict | found by | also failed |\n|---|---|---|---|---|\n", class)
		for _, o := range rows {
			fmt.Fprintf(&text, "| %s | %s | %s | %s | %s |\n", o.Mutant.Name, cell(o.Mutant.Loses), o.Verdict(), cell(o.String()), o.checks())
		}
		text.WriteByte('\n')
	}
	_, err := io.WriteString(w, strings.TrimRight(text.String(), "\n")+"\n")
	return err
}

// cell makes text fit in a cell of a Markdown table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}
