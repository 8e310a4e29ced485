package spec

import (
	"cmp"
	"fmt"
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

// sorted returns the mistakes in the order of the file, each once, and then
// those of the files it names.
func (m Mistakes) sorted(file string) Mistakes {
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

// suggest ends a message about a word that is not among the options: the
// nearest one if it is near, otherwise all of them.
func suggest(word string, options []string) string {
	if len(options) == 0 {
		return "there are none"
	}
	best, dist := "", max(len(word)/3, 1)+1
	if len(options) == 1 || len(word) < 3 {
		return "expected " + oneOf(options)
	}
	for _, o := range options {
		if d := distance(strings.ToLower(word), strings.ToLower(o)); d < dist {
			best, dist = o, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return "expected " + oneOf(options)
}

func oneOf(options []string) string {
	if len(options) == 1 {
		return options[0]
	}
	return "one of " + strings.Join(options, ", ")
}

// maxWord bounds the words that are compared; a longer one is near nothing.
const maxWord = 64

// distance is the number of edits between two words, where an edit inserts,
// deletes or replaces a letter or swaps two neighbours (optimal string
// alignment distance).
func distance(a, b string) int {
	if len(a) > maxWord || len(b) > maxWord {
		return max(len(a), len(b))
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
