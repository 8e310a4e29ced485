package keys

import (
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/onebar/onebar/harness/yamltext"
)

// Bounds of a document. The parser recurses into nested values and is quadratic in
// the number of keys of a mapping: within these the worst file known takes it
// less than a second, while 256 KiB took ten. The largest bundled scenario has
// 1 KiB.
const (
	MaxFile  = 64 << 10 // bytes
	MaxLine  = 4 << 10  // bytes
	maxDepth = 64       // open brackets
)

// Kind is a kind of documents, as messages speak of it.
type Kind struct {
	What  string // the document, such as "the scenario"
	Empty string // what an empty one lacks, such as "a scenario begins with onebar: 1"
	One   string // that a file holds one of them
}

// parse turns a document into the root of its syntax tree. A nil root means that there is
// none, and that r has a mistake that says why.
func parse(name string, data []byte, kind Kind) (*Reader, Node) {
	text := strings.TrimPrefix(string(data[:min(len(data), MaxFile+1)]), "\ufeff")
	r := &Reader{File: name, lines: splitLines(text), rules: map[reflect.Type][]Rule{}}
	if !r.acceptable(text) {
		return r, nil
	}
	docs, err := yamltext.Documents(strings.Join(r.lines, "\n"))
	if err != nil {
		r.syntaxError(err)
		return r, nil
	}
	if len(docs) == 0 {
		r.Errorf(Place{1, 1}, "the file is empty; %s", kind.Empty)
		return r, nil
	}
	if len(docs) > 1 {
		r.Errorf(placeOf(docs[1]), "a second YAML document begins; %s", kind.One)
	}
	return r, docs[0]
}

func splitLines(text string) []string {
	return strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n")
}

// acceptable reports whether the text can be handed to the parser at all.
func (r *Reader) acceptable(text string) bool {
	if len(text) > MaxFile {
		r.Errorf(Place{1, 1}, "the file is larger than %d KiB", MaxFile>>10)
		return false
	}
	depth := 0
	for i, line := range r.lines {
		if !utf8.ValidString(line) {
			col := slices.Index([]rune(line), utf8.RuneError) + 1
			r.Errorf(Place{i + 1, max(col, 1)}, "this is not UTF-8; save the file as UTF-8")
			return false
		}
		if len(line) > MaxLine {
			r.Errorf(Place{i + 1, 1}, "the line is longer than %d KiB", MaxLine>>10)
			return false
		}
		if at := strings.IndexFunc(line, control); at >= 0 {
			col := utf8.RuneCountInString(line[:at]) + 1
			r.Errorf(Place{i + 1, col}, "a control character, %q; delete it", line[at:at+1])
			return false
		}
		depth += strings.Count(line, "[") + strings.Count(line, "{") - strings.Count(line, "]") - strings.Count(line, "}")
		if depth = max(depth, 0); depth > maxDepth {
			r.Errorf(Place{i + 1, 1}, "more than %d brackets are open", maxDepth)
			return false
		}
	}
	return true
}

func control(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }

// syntaxError reports what the parser said. It stops at the first error, so
// this is the only mistake reported, but for tabs: every line indented with one
// is named, because that is what people meet.
func (r *Reader) syntaxError(err error) {
	var tabs []Place
	for i, line := range r.lines {
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if at := strings.Index(indent, "\t"); at >= 0 {
			tabs = append(tabs, Place{i + 1, at + 1})
		}
	}
	for _, at := range tabs {
		r.Errorf(at, "a tab in the indentation; YAML wants spaces")
	}
	if len(tabs) > 0 {
		return
	}
	line, col, text := yamltext.Explain(err)
	r.Errorf(Place{line, col}, "not YAML: %s", text)
}

// Inside returns the place of a line and column of a text, if it stands in the document
// as it is, and otherwise the place where it begins.
func (r *Reader) Inside(at Place, text string, line, column int) Place {
	wanted := strings.Split(text, "\n")
	if len(wanted) == 1 && at.Line <= len(r.lines) {
		raw, want, from := []rune(r.lines[at.Line-1]), []rune(text), at.Col-1
		for _, quote := range []int{0, 1} {
			if from+quote+len(want) <= len(raw) && string(raw[from+quote:from+quote+len(want)]) == text {
				return Place{at.Line, at.Col + quote + max(column-1, 0)}
			}
		}
	}
	for i := at.Line - 1; i < len(r.lines); i++ {
		if first := strings.TrimSpace(wanted[0]); first == "" || strings.TrimSpace(r.lines[i]) != first {
			continue
		}
		if i+line > len(r.lines) || line > len(wanted) {
			break
		}
		indent, _, found := strings.Cut(r.lines[i+line-1], wanted[line-1])
		if !found {
			break
		}
		return Place{i + line, utf8.RuneCountInString(indent) + column}
	}
	return at
}
