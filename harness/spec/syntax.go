package spec

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"github.com/onebar/onebar/harness/yamltext"
)

// Bounds of a file. The parser recurses into nested values and is quadratic in
// the number of keys of a mapping: within these the worst file known takes it
// less than a second, while 256 KiB took ten. The largest bundled scenario has
// 1 KiB.
const (
	maxFile  = 64 << 10 // bytes
	maxLine  = 4 << 10  // bytes
	maxDepth = 64       // open brackets
)

// parse turns a file into the root of its syntax tree. A nil root means that
// there is none, and that d has a mistake that says why.
func parse(name string, data []byte) (*decoder, ast.Node) {
	text := strings.TrimPrefix(string(data[:min(len(data), maxFile+1)]), "\ufeff")
	d := &decoder{file: name, lines: splitLines(text)}
	d.foreign = yamltext.Foreign(d.lines, "onebar")
	if !d.acceptable(text) {
		return d, nil
	}
	if d.foreign {
		d.errorf(place{1, 1}, "this is no file of onebar's: it has no key onebar, as in onebar: 1")
		return d, nil
	}
	docs, err := yamltext.Documents(strings.Join(d.lines, "\n"))
	if err != nil {
		d.syntaxError(err)
		return d, nil
	}
	if len(docs) == 0 {
		d.errorf(place{1, 1}, "the file is empty; a scenario begins with onebar: 1")
		return d, nil
	}
	if len(docs) > 1 {
		d.errorf(placeOf(docs[1]), "a second YAML document begins; a file holds one scenario")
	}
	return d, docs[0]
}

func splitLines(text string) []string {
	return strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n")
}

// acceptable reports whether the text can be handed to the parser at all.
func (d *decoder) acceptable(text string) bool {
	if len(text) > maxFile {
		d.errorf(place{1, 1}, "the file is larger than %d KiB", maxFile>>10)
		return false
	}
	depth := 0
	for i, line := range d.lines {
		if !utf8.ValidString(line) {
			col := slices.Index([]rune(line), utf8.RuneError) + 1
			d.errorf(place{i + 1, max(col, 1)}, "this is not UTF-8; save the file as UTF-8")
			return false
		}
		if len(line) > maxLine {
			d.errorf(place{i + 1, 1}, "the line is longer than %d KiB", maxLine>>10)
			return false
		}
		if at := strings.IndexFunc(line, control); at >= 0 {
			col := utf8.RuneCountInString(line[:at]) + 1
			d.errorf(place{i + 1, col}, "a control character, %q; delete it", line[at:at+1])
			return false
		}
		depth += strings.Count(line, "[") + strings.Count(line, "{") - strings.Count(line, "]") - strings.Count(line, "}")
		if depth = max(depth, 0); depth > maxDepth {
			d.errorf(place{i + 1, 1}, "more than %d brackets are open", maxDepth)
			return false
		}
	}
	return true
}

func control(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// syntaxError reports what the parser said. It stops at the first error, so
// this is the only mistake reported, but for tabs: every line indented with one
// is named, because that is what people meet.
func (d *decoder) syntaxError(err error) {
	var tabs []place
	for i, line := range d.lines {
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if at := strings.Index(indent, "\t"); at >= 0 {
			tabs = append(tabs, place{i + 1, at + 1})
		}
	}
	for _, at := range tabs {
		d.errorf(at, "a tab in the indentation; YAML wants spaces")
	}
	if len(tabs) > 0 {
		return
	}
	line, col, text := yamltext.Explain(err)
	d.errorf(place{line, col}, "not YAML: %s", text)
}
