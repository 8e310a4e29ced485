// Package yamltext is what every reader of YAML files here needs of the parser:
// the documents of a text, where a value stands in it, and how a message speaks
// of a value. What a file may hold is its reader's business: harness/spec reads
// scenarios, harness/radio models. [Tree] is a value to be written.
package yamltext

import (
	"errors"
	"fmt"
	"strings"

	yaml "github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Documents parses a text and returns the root of each document that holds
// something. Keys may stand twice: their reader says so, with both places. The
// parser has been seen to panic on input it does not expect; that is an error
// here. The caller bounds the size and the nesting of the text, on which the
// parser is slow.
func Documents(text string) (roots []ast.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			roots, err = nil, fmt.Errorf("%v", r)
		}
	}()
	f, err := parser.ParseBytes([]byte(text), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, err
	}
	for _, doc := range f.Docs {
		if doc.Body != nil {
			roots = append(roots, doc.Body)
		}
	}
	return roots, nil
}

// Explain returns where an error of Documents lies, both from 1, and its first
// line.
func Explain(err error) (line, column int, text string) {
	line, column, text = 1, 1, err.Error()
	if syntax, ok := errors.AsType[*yaml.SyntaxError](err); ok {
		text = syntax.GetMessage()
		if tk := syntax.GetToken(); tk != nil && tk.Position != nil {
			line, column = max(tk.Position.Line, 1), max(tk.Position.Column, 1)
		}
	}
	text, _, _ = strings.Cut(text, "\n")
	return line, column, text
}

// Position returns where a value begins, both from 1. A block mapping's own token
// is the colon of its first pair, so its first key is asked instead.
func Position(n ast.Node) (line, column int) {
	switch v := n.(type) {
	case *ast.MappingNode:
		if !v.IsFlowStyle && len(v.Values) > 0 {
			return Position(v.Values[0])
		}
	case *ast.MappingValueNode:
		return Position(v.Key)
	}
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 1, 1
	}
	p := n.GetToken().Position
	return max(p.Line, 1), max(p.Column, 1)
}

// Scalar returns the text of a scalar as written, without its quotes.
func Scalar(n ast.Node) (string, bool) {
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

// Describe says what a value is that should have been something else.
func Describe(n ast.Node) string {
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
	if text, ok := Scalar(n); ok {
		return fmt.Sprintf("%q", text)
	}
	return "a " + n.Type().String()
}
