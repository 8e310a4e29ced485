package radio

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"github.com/onebar/onebar/harness/yamltext"
)

// Bounds of a model file: the YAML parser recurses into nested values and is
// slow on hostile input. The largest bundled model has 2 KiB.
const (
	maxFile  = 32 << 10 // bytes
	maxDepth = 32       // open brackets, and columns of indentation by two
)

// place is where something stands in the file.
type place struct{ line, col int }

// placeOf returns where a value begins.
func placeOf(n ast.Node) place {
	line, col := yamltext.Position(n)
	return place{line, col}
}

// decoder walks the syntax tree of a file and collects the mistakes.
type decoder struct {
	file     string
	lines    []string
	mistakes yamltext.Mistakes
}

func (d *decoder) errorf(at place, format string, args ...any) {
	d.mistakes = append(d.mistakes, yamltext.NewMistake(d.file, d.lines, at.line, at.col, fmt.Sprintf(format, args...)))
}

// parse returns the root of the file, or nil after a mistake.
func (d *decoder) parse(data []byte) ast.Node {
	text := strings.ReplaceAll(strings.TrimPrefix(string(data), "\ufeff"), "\r\n", "\n")
	d.lines = strings.Split(text, "\n")
	foreign := yamltext.Foreign(d.lines, "radio")
	if foreign {
		d.lines = nil
	}
	if at, why := unacceptable(text); why != "" {
		d.errorf(at, "%s", why)
		return nil
	}
	if foreign {
		d.errorf(place{1, 1}, "this is no radio model: it has no key radio, as in radio: 1")
		return nil
	}
	roots, err := yamltext.Documents(text)
	if err != nil {
		line, col, text := yamltext.Explain(err)
		d.errorf(place{line, col}, "not YAML: %s", text)
		return nil
	}
	if len(roots) == 0 {
		d.errorf(place{1, 1}, "the file is empty; a model begins with radio: 1")
		return nil
	}
	if len(roots) > 1 {
		d.errorf(placeOf(roots[1]), "a second YAML document begins; a file holds one model")
	}
	return roots[0]
}

// unacceptable says why a text cannot be handed to the parser, if so.
func unacceptable(text string) (place, string) {
	if len(text) > maxFile {
		return place{1, 1}, fmt.Sprintf("the file is larger than %d KiB", maxFile>>10)
	}
	depth := 0
	for i, line := range strings.Split(text, "\n") {
		if !utf8.ValidString(line) {
			return place{i + 1, 1}, "the line is not UTF-8; save the file as UTF-8"
		}
		if at := strings.IndexFunc(line, unicode.IsControl); at >= 0 {
			return place{i + 1, utf8.RuneCountInString(line[:at]) + 1}, fmt.Sprintf("a control character, %q; YAML wants spaces", line[at:at+1])
		}
		indent := len(line) - len(strings.TrimLeft(line, " -?"))
		depth = max(0, depth+strings.Count(line, "[")+strings.Count(line, "{")-strings.Count(line, "]")-strings.Count(line, "}"))
		if depth > maxDepth || indent > 2*maxDepth {
			return place{i + 1, 1}, "the line is nested too deeply"
		}
	}
	return place{}, ""
}

// key is one key a mapping may have.
type key struct {
	name     string
	required bool
	read     func(ast.Node)
}

func required(name string, read func(ast.Node)) key { return key{name, true, read} }
func optional(name string, read func(ast.Node)) key { return key{name, false, read} }

// mapping reads the pairs of n, which is called what in messages, and returns
// the places of the keys it has.
func (d *decoder) mapping(n ast.Node, what string, keys ...key) map[string]place {
	seen := map[string]place{}
	var pairs []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		pairs = m.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{m}
	default:
		d.errorf(placeOf(n), "%s is %s; expected keys with values", what, yamltext.Describe(n))
		return seen
	}
	for _, p := range pairs {
		name, _ := yamltext.Scalar(p.Key)
		at := placeOf(p.Key)
		i := slices.IndexFunc(keys, func(k key) bool { return k.name == name })
		if i < 0 {
			d.errorf(at, "unknown key %q in %s; expected one of %s", name, what, keyNames(keys))
			continue
		}
		if first, twice := seen[name]; twice {
			d.errorf(at, "%s stands here a second time; it is already given on line %d", name, first.line)
			continue
		}
		seen[name] = at
		keys[i].read(p.Value)
	}
	for _, k := range keys {
		if _, given := seen[k.name]; k.required && !given {
			d.errorf(placeOf(n), "%s has no %s", what, k.name)
		}
	}
	return seen
}

func keyNames(keys []key) string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	return strings.Join(names, ", ")
}

// list calls read for each element of a sequence.
func (d *decoder) list(n ast.Node, what string, read func(ast.Node)) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.errorf(placeOf(n), "%s is %s; expected a list", what, yamltext.Describe(n))
		return
	}
	for _, v := range seq.Values {
		read(v)
	}
}
