package keys

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness/yamltext"
)

// instead is what a message tells to write.
type instead struct {
	yamltext.Instead
	mistake int // the number of the message among the mistakes
}

// write ends the next mistake that is added: it tells to write a text in the place of n
// characters.
func (r *Reader) write(at Place, n int, text string) string {
	r.instead = append(r.instead, instead{yamltext.Instead{At: at, N: n, Text: text}, len(r.mistakes)})
	return "write "
}

// told returns the mistakes with what to write: the whole line, with all of its mistakes
// mended, or the text alone if there is no such line.
func (r *Reader) told() yamltext.Mistakes {
	all, lines := slices.Clone(r.mistakes), r.good()
	for _, w := range r.instead {
		all[w.mistake].Text += cmp.Or(lines[w.At.Line], w.Text)
	}
	return append(all, r.broken...)
}

// good returns the mended lines in which a second reading finds no mistake.
func (r *Reader) good() map[int]string {
	mend, lines, document := map[int][]yamltext.Instead{}, map[int]string{}, slices.Clone(r.Lines)
	for _, w := range r.instead {
		mend[w.At.Line] = append(mend[w.At.Line], w.Instead)
	}
	for n, all := range mend {
		if line := r.Mended(all); line != "" {
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
