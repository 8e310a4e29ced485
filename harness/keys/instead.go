package keys

import (
	"cmp"
	"reflect"
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

// told returns the mistakes with what to write: the whole line, with all of its mistakes
// mended, or the text alone if there is no such line.
func (r *Reader) told() yamltext.Mistakes {
	all, lines := slices.Clone(r.mistakes), r.good()
	for _, w := range r.instead {
		all[w.mistake].Text += cmp.Or(lines[w.at.Line], w.text)
	}
	return append(all, r.broken...)
}

// good returns the mended lines in which a second reading finds no mistake.
func (r *Reader) good() map[int]string {
	mend, lines, document := map[int][]instead{}, map[int]string{}, slices.Clone(r.Lines)
	for _, w := range r.instead {
		mend[w.at.Line] = append(mend[w.at.Line], w)
	}
	for n, all := range mend {
		if line := r.mended(all); line != "" {
			lines[n], document[n-1] = strings.TrimSpace(line), line
		}
	}
	if len(lines) == 0 {
		return nil
	}
	again, ok := Read(r.File, []byte(strings.Join(document, "\n")), reflect.New(r.root).Interface(), r.kind)
	if !ok {
		return nil
	}
	for _, m := range slices.Concat(again.mistakes, again.broken, r.mistakes[r.read:]) { // the last are not of a reading
		if !strings.Contains(lines[m.Line], "…") { // which stands for a value that is yet to be written
			delete(lines, m.Line)
		}
	}
	return lines
}

// widestLine is the longest line that mended returns.
const widestLine = 100

// mended returns a line where texts stand in the place of others, or nothing if a text has no
// place or the line is long.
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
	return string(line)
}
