package yamltext

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Mistake is one thing that is wrong in a file.
type Mistake struct {
	File   string
	Line   int    // from 1
	Column int    // from 1, in characters
	Text   string // what is wrong and what was expected
	Source string // the line as it stands in the file
}

// NewMistake returns a mistake in a file of these lines.
func NewMistake(file string, lines []string, line, column int, text string) Mistake {
	m := Mistake{File: file, Line: line, Column: column, Text: text}
	if line >= 1 && line <= len(lines) {
		m.Source = lines[line-1]
	}
	return m
}

// Foreign reports whether a text of these lines has content and not the key with which a
// file of a format begins. Such a file may be anybody's, named by mistake or by a
// link: messages must not contain what it holds.
func Foreign(lines []string, key string) bool {
	has := regexp.MustCompile(`\b` + regexp.QuoteMeta(key) + `["']?\s*:`)
	content := false
	for _, line := range lines {
		if has.MatchString(line) {
			return false
		}
		trimmed := strings.TrimSpace(line)
		content = content || trimmed != "" && trimmed[0] != '#'
	}
	return content
}

// Error returns file:line:column: text.
func (m Mistake) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", m.File, m.Line, m.Column, m.Text)
}

// maxExcerpt is the longest line an excerpt shows.
const maxExcerpt = 160

// Excerpt returns the line with a caret below the column, in two lines each
// ending with a newline, or nothing if the line is empty or too long to help.
func (m Mistake) Excerpt() string {
	n := utf8.RuneCountInString(m.Source)
	if n == 0 || n > maxExcerpt || m.Column < 1 || m.Column > n+1 {
		return ""
	}
	margin := fmt.Sprintf("%5d | ", m.Line)
	source := strings.ReplaceAll(m.Source, "\t", " ")
	return margin + source + "\n" + strings.Repeat(" ", len(margin)-2) + "| " + strings.Repeat(" ", m.Column-1) + "^\n"
}

// Mistakes are all mistakes of a file, in its order, and of the files it names.
// It is an error, and each Mistake can be had with errors.As.
type Mistakes []Mistake

// Error returns one line per mistake.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i, e := range m {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the mistakes as errors.
func (m Mistakes) Unwrap() []error {
	errs := make([]error, len(m))
	for i, e := range m {
		errs[i] = e
	}
	return errs
}

// Sorted returns the mistakes in the order of the file, each once, and then
// those of the files it names.
func (m Mistakes) Sorted(file string) Mistakes {
	slices.SortStableFunc(m, func(a, b Mistake) int {
		if (a.File == file) != (b.File == file) {
			if a.File == file {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(m)
}
