package ci

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/onebar/onebar/reports/format"
)

// MaxAnnotations is how many errors of a step GitHub shows
// (actions/toolkit, docs/problem-matchers.md, "Limitations").
const MaxAnnotations = 10

// Annotations returns workflow commands that make GitHub show what is no pass beside the
// scenario file, a line each: what broke first, then what failed, then what could not be
// judged. If there are more than GitHub shows, the last says how many. GitHub's runner
// reads them on the standard output and the standard error of a step.
func Annotations(suites []Suite) string {
	type trouble struct {
		Suite
		Case
	}
	var all []trouble
	for _, s := range suites {
		for _, c := range s.Cases {
			if c.bad() {
				all = append(all, trouble{s, c})
			}
		}
	}
	order := []string{"broken", "fail", "unknown"}
	slices.SortStableFunc(all, func(a, b trouble) int {
		return slices.Index(order, a.word()) - slices.Index(order, b.word())
	})
	shown := all
	if len(all) > MaxAnnotations {
		shown = all[:MaxAnnotations-1]
	}
	var b strings.Builder
	for _, t := range shown {
		b.WriteString(t.annotation(t.Case))
	}
	if more := len(all) - len(shown); more > 0 {
		fmt.Fprintf(&b, "::error title=onebar::and %d more that did not pass\n", more)
	}
	return b.String()
}

// annotation returns the workflow command of a case.
func (s Suite) annotation(c Case) string {
	at := ""
	if s.File != "" {
		at = "file=" + property(inWorkspace(s.File)) + ",line=" + strconv.Itoa(max(1, c.Line)) + ","
	}
	title := strings.ToUpper(c.word()) + " " + s.Title + ": " + c.Name
	return "::error " + at + "title=" + property(title) + "::" + data(c.Message) + "\n"
}

// inWorkspace returns a path as GitHub reads it: from the folder of the repository.
func inWorkspace(file string) string {
	root := os.Getenv("GITHUB_WORKSPACE")
	full, err := filepath.Abs(file)
	if root == "" || err != nil {
		return file
	}
	if inside, err := filepath.Rel(root, full); err == nil && filepath.IsLocal(inside) {
		return filepath.ToSlash(inside)
	}
	return file
}

// data escapes the message of a workflow command, and property the value of a property: it
// ends at a comma, and the properties at a colon (actions/toolkit,
// packages/core/src/command.ts).
func data(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "%", "%25"), "\n")
	for i, l := range lines {
		lines[i] = format.Clean(strings.ReplaceAll(l, "\r", "%0D"))
	}
	return strings.Join(lines, "%0A")
}

func property(text string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(data(text))
}
