package radio

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	yaml "github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Bounds of a model file: the YAML parser recurses into nested values and is
// slow on hostile input. The largest bundled model has 2 KiB.
const (
	maxFile  = 32 << 10 // bytes
	maxDepth = 32       // open brackets, and columns of indentation by two
)

// place is where something stands in the file.
type place struct{ line, col int }

// placeOf returns where a value begins. A block mapping's own token is the colon
// of its first pair, so its first key is asked instead.
func placeOf(n ast.Node) place {
	switch v := n.(type) {
	case *ast.MappingNode:
		if !v.IsFlowStyle && len(v.Values) > 0 {
			return placeOf(v.Values[0])
		}
	case *ast.MappingValueNode:
		return placeOf(v.Key)
	}
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return place{1, 1}
	}
	p := n.GetToken().Position
	return place{max(p.Line, 1), max(p.Column, 1)}
}

// decoder walks the syntax tree of a file and collects the mistakes.
type decoder struct {
	file     string
	mistakes Mistakes
}

func (d *decoder) errorf(at place, format string, args ...any) {
	d.mistakes = append(d.mistakes, Mistake{File: d.file, Line: at.line, Column: at.col, Text: fmt.Sprintf(format, args...)})
}

// parse returns the root of the file, or nil after a mistake.
func (d *decoder) parse(data []byte) ast.Node {
	text := strings.ReplaceAll(strings.TrimPrefix(string(data), "\ufeff"), "\r\n", "\n")
	if at, why := unacceptable(text); why != "" {
		d.errorf(at, "%s", why)
		return nil
	}
	file, err := parseYAML(text)
	if err != nil {
		at, text := place{1, 1}, err.Error()
		if syntax, ok := errors.AsType[*yaml.SyntaxError](err); ok {
			text = syntax.GetMessage()
			if tk := syntax.GetToken(); tk != nil && tk.Position != nil {
				at = place{max(tk.Position.Line, 1), max(tk.Position.Column, 1)}
			}
		}
		first, _, _ := strings.Cut(text, "\n")
		d.errorf(at, "not YAML: %s", first)
		return nil
	}
	var roots []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil {
			roots = append(roots, doc.Body)
		}
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

// parseYAML parses, and turns a panic of the parser, which has been seen to on
// input it does not expect, into an error.
func parseYAML(text string) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			file, err = nil, fmt.Errorf("%v", r)
		}
	}()
	return parser.ParseBytes([]byte(text), 0, parser.AllowDuplicateMapKey())
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
		d.errorf(placeOf(n), "%s is %s; expected keys with values", what, describe(n))
		return seen
	}
	for _, p := range pairs {
		name, _ := scalar(p.Key)
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
		d.errorf(placeOf(n), "%s is %s; expected a list", what, describe(n))
		return
	}
	for _, v := range seq.Values {
		read(v)
	}
}

// scalar returns the text of a scalar as written, without its quotes.
func scalar(n ast.Node) (string, bool) {
	switch v := n.(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.LiteralNode:
		if v.Value == nil {
			return "", true
		}
		return strings.TrimSpace(v.Value.Value), true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// describe says what a value is that should have been something else.
func describe(n ast.Node) string {
	switch n.(type) {
	case nil, *ast.NullNode:
		return "empty"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		return "an anchor or alias, which is not supported (write the value out)"
	case *ast.TagNode:
		return "tagged, which is not supported (delete the tag)"
	}
	if text, ok := scalar(n); ok {
		return fmt.Sprintf("%q", text)
	}
	return "a " + n.Type().String()
}
