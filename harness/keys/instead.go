package keys

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness/yamltext"
)

// instead is what a message tells to write, in the place of n characters of a line. It is
// the text alone if n is 0.
type instead struct {
	mistake int // the number of the message among the mistakes
	at      Place
	n       int
	text    string
}

// write ends the next mistake that is added: it tells to write a text in the place of n
// characters.
func (r *Reader) write(at Place, n int, text string) string {
	r.instead = append(r.instead, instead{len(r.mistakes), at, n, text})
	return "write "
}

// told returns the mistakes with what to write: the whole line, as it is when every mistake
// of it is mended, or the text alone if another mistake of the line has no such text.
func (r *Reader) told() yamltext.Mistakes {
	mend := map[int][]instead{}
	for _, w := range r.instead {
		mend[w.at.Line] = append(mend[w.at.Line], w)
	}
	all, on := slices.Clone(r.mistakes), map[int]int{}
	for _, m := range slices.Concat(r.mistakes, r.broken) {
		on[m.Line]++
	}
	for _, w := range r.instead {
		text := w.text
		if ws := mend[w.at.Line]; len(ws) == on[w.at.Line] {
			text = cmp.Or(r.mended(ws), text)
		}
		all[w.mistake].Text += text
	}
	return append(all, r.broken...)
}

// widestLine is the longest line that mended returns.
const widestLine = 100

// mended returns a line without its indentation, where texts stand in the place of others,
// or nothing if a text has no place or the line is long.
func (r *Reader) mended(all []instead) string {
	if all[0].at.Line > len(r.Lines) {
		return ""
	}
	line := []rune(r.Lines[all[0].at.Line-1])
	if len(line) > widestLine {
		return ""
	}
	slices.SortFunc(all, func(a, b instead) int { return cmp.Compare(b.at.Column, a.at.Column) })
	for _, w := range all {
		from, to := w.at.Column-1, w.at.Column-1+w.n
		if w.n == 0 || to > len(line) {
			return ""
		}
		line = slices.Replace(line, from, to, []rune(w.text)...)
	}
	return strings.TrimSpace(string(line))
}
