package yamltext

import (
	"cmp"
	"slices"
)

// Instead is a text to be written in the place of N characters of a line. If N is 0, it has no
// place.
type Instead struct {
	At   Place
	N    int
	Text string
}

// widestLine is the longest line that Mended returns, in characters.
const widestLine = 100

// Mended returns a line where texts stand in the place of others, or nothing if a text has no
// place or the line is long. All texts are of one line; there is at least one.
func (t Text) Mended(all []Instead) string {
	if all[0].At.Line > len(t.Lines) {
		return ""
	}
	line := []rune(t.Lines[all[0].At.Line-1])
	if len(line) > widestLine {
		return ""
	}
	for _, w := range slices.SortedFunc(slices.Values(all), func(a, b Instead) int { return cmp.Compare(b.At.Column, a.At.Column) }) {
		from, to := w.At.Column-1, w.At.Column-1+w.N
		if w.N == 0 || to > len(line) {
			return ""
		}
		line = slices.Replace(line, from, to, []rune(w.Text)...)
	}
	return string(line)
}
