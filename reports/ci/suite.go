// Package ci writes results in the forms that CI systems read: JUnit XML for their test
// views ([JUnit]), and the workflow commands that GitHub shows beside the lines of files
// ([Annotations]). Both are made of the same suites of cases.
package ci

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/onebar/onebar/harness/result"
)

// Suite is one experiment and what was judged of it.
type Suite struct {
	Title      string
	File       string    // the scenario file; empty if there is none, as for a bundled scenario
	Started    time.Time // by the clock of the machine; zero is not known
	Took       time.Duration
	Properties []Property
	Cases      []Case // at least one: several readers take an empty suite for a pass
	Out        string // for people who look at one suite
}

// Property is something that is known of a suite.
type Property struct{ Name, Value string }

// Case is one thing that was judged.
type Case struct {
	Name    string
	Status  result.Status
	Broken  bool // it could not be carried out, whatever Status says
	Message string
	Detail  string // further lines, for one that is no pass
	Line    int    // of the file; 0 is not known
	Took    time.Duration
}

// Source returns the scenario file for a reader that looks into a repository. A word
// without a folder and an ending names a bundled scenario, which has no file there. A
// folder is no file either.
func Source(file string) string {
	if !strings.ContainsAny(file, `./\`) || strings.HasSuffix(file, "/") {
		return ""
	}
	return filepath.ToSlash(file)
}

// bad reports whether a case is neither a pass nor n/a.
func (c Case) bad() bool {
	return c.Broken || c.Status != result.Pass && c.Status != result.NotApplicable
}

// word names what came out: "pass", "fail", "unknown", "broken" or "n/a".
func (c Case) word() string {
	if c.Broken {
		return "broken"
	}
	return c.Status.String()
}

// Bad reports whether one of the cases is neither a pass nor n/a. A suite without cases is.
func Bad(cases []Case) bool {
	for _, c := range cases {
		if c.bad() {
			return true
		}
	}
	return len(cases) == 0
}

// List returns lines as a list, for the detail of a case.
func List(lines []string) (text string) {
	for _, l := range lines {
		text += "- " + l + "\n"
	}
	return text
}
