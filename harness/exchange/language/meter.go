package language

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm/runtime"
)

// The bounds of one evaluation of one expression. The longest answer that is read
// (16 MiB) has some 200,000 items; each may be visited ten times.
const (
	maxSteps = 2_000_000       // visited items and calls of functions
	maxBytes = 64 << 20        // of the texts, lists and mappings that it makes
	maxDepth = 10_000          // of lists within lists: encoding/json's bound on answers
	maxTime  = 5 * time.Second // on the clock
	wordSize = 16              // bytes of an item of a list
)

// ErrBound says that an evaluation went beyond its bounds, so it has no result.
var ErrBound = errors.New("an expression may visit 2,000,000 items, make 64 MiB of text and lists, and take 5 seconds; make it simpler")

// The names of the functions by which an expression is metered. They have a space, so
// that no expression can name them.
const (
	spendName = "meter spend"
	weighName = "meter weigh"
)

// A meter counts what one evaluation does, and ends it beyond the bounds by a panic,
// which the virtual machine of expr-lang returns as an error.
type meter struct {
	ctx          context.Context
	steps, bytes int
}

// spend counts one step and the memory of its result, which it returns.
func (m *meter) spend(params ...any) any {
	m.steps++
	m.bytes += shallow(params[0])
	if m.steps > maxSteps || m.bytes > maxBytes || m.ctx.Err() != nil {
		panic(ErrBound)
	}
	return params[0]
}

// weigh returns its parameter if it is small enough to compare with another.
func (m *meter) weigh(params ...any) any {
	if _, err := weight(params[0]); err != nil {
		panic(err)
	}
	return params[0]
}

// shallow returns the memory of a value, in bytes, without what its items refer to.
func shallow(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case []any:
		return len(v) * wordSize
	case map[string]any:
		return len(v) * 4 * wordSize
	case []int:
		return len(v) * wordSize
	case []string:
		return len(v) * wordSize
	}
	return 0
}

// weight returns the memory of a value, in bytes, as if each of its items were a copy.
// The same list may be an item a million times.
func weight(v any) (int, error) {
	left := maxBytes
	if !weighed(v, &left, 0) {
		return 0, ErrBound
	}
	return maxBytes - left, nil
}

func weighed(v any, left *int, depth int) bool {
	*left -= shallow(v) + 1
	if *left < 0 || depth > maxDepth {
		return false
	}
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if !weighed(item, left, depth+1) {
				return false
			}
		}
	case map[string]any:
		for _, item := range v {
			if !weighed(item, left, depth+1) {
				return false
			}
		}
	case []string:
		for _, item := range v {
			*left -= len(item)
		}
	}
	return *left >= 0
}

// metering inserts the calls that meter an expression. It implements ast.Visitor.
type metering struct {
	metered bool // there is at least one call
	long    bool // one step may take long
}

func (m *metering) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.PredicateNode:
		n.Node = m.call(spendName, n.Node)
	case *ast.BuiltinNode, *ast.ArrayNode, *ast.MapNode:
		m.long = true
		m.wrap(node)
	case *ast.CallNode:
		if name, ok := n.Callee.(*ast.IdentifierNode); !ok || name.Value != spendName && name.Value != weighName {
			m.long = true
			m.wrap(node)
		}
	case *ast.BinaryNode:
		switch n.Operator {
		case "+", "..":
			m.wrap(node)
		case "==", "!=", "in":
			if !literal(n.Left) && !literal(n.Right) {
				n.Left = m.call(weighName, n.Left)
			}
		case "matches":
			m.long = true
		}
	}
}

func (m *metering) wrap(node *ast.Node) { ast.Patch(node, m.call(spendName, *node)) }

// call returns a call of one of the functions of a meter.
func (m *metering) call(name string, of ast.Node) ast.Node {
	m.metered = true
	return &ast.CallNode{Callee: &ast.IdentifierNode{Value: name}, Arguments: []ast.Node{of}}
}

// literal reports whether a node is a single value as written: comparing with it is cheap.
func literal(n ast.Node) bool {
	switch n.(type) {
	case *ast.NilNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode:
		return true
	}
	return false
}

// meterScope has the functions of a meter.
func meterScope() Scope {
	function := types.TypeOf(func(...any) any { return nil })
	return Scope{spendName: function, weighName: function}
}

// bounded replaces functions of expr-lang whose result may be much larger than
// their parameters, or which take each item of a list within a list.
func bounded() expr.Option {
	return func(c *conf.Config) {
		for name := range strings.FieldsSeq(
			"repeat replace split splitAfter join string toJSON fromJSON concat flatten uniq min max mean median",
		) {
			f := *c.Builtins[name]
			f.Func = guard(name, plain(c.Builtins[name]))
			c.Functions[name] = &f
		}
	}
}

// plain returns what a function of expr-lang does.
func plain(f *builtin.Function) func(...any) (any, error) {
	switch {
	case f.Func != nil:
		return f.Func
	case f.Safe != nil:
		return func(params ...any) (any, error) {
			got, _, err := f.Safe(params...)
			return got, err
		}
	}
	return func(params ...any) (any, error) {
		if len(params) != 1 {
			return nil, fmt.Errorf("%s takes one parameter, got %d", f.Name, len(params))
		}
		return f.Fast(params[0]), nil
	}
}

// guard returns a function that fails rather than make too large a result.
func guard(name string, f func(...any) (any, error)) func(...any) (any, error) {
	return func(params ...any) (any, error) {
		size := 0
		for _, p := range params {
			n, err := weight(p)
			if err != nil {
				return nil, err
			}
			size += n
		}
		if grown(name, size, params) > maxBytes {
			return nil, ErrBound
		}
		return f(params...)
	}
}

// grown returns how many bytes a call makes at most, or for uniq, how many comparisons.
// size is the weight of its parameters. Floating point does not overflow.
func grown(name string, size int, params []any) float64 {
	text := func(i int) string {
		if i >= len(params) {
			return ""
		}
		s, _ := params[i].(string)
		return s
	}
	switch name {
	case "repeat":
		if len(params) > 1 {
			return float64(len(text(0))) * float64(runtime.ToInt(params[1]))
		}
	case "replace":
		return float64(size) + float64(strings.Count(text(0), text(1)))*float64(len(text(2)))
	case "split", "splitAfter":
		return float64(strings.Count(text(0), text(1))) * wordSize
	case "join":
		if list, ok := params[0].([]any); ok {
			return float64(size) + float64(len(list))*float64(len(text(1)))
		}
	case "fromJSON":
		return float64(size) * wordSize
	case "uniq":
		n := float64(shallow(params[0]) / wordSize)
		return n * n
	}
	return float64(size)
}

// asJSON is json(x).
func asJSON(params ...any) (any, error) {
	if _, err := weight(params[0]); err != nil {
		return nil, err
	}
	b, err := json.Marshal(params[0])
	return string(b), err
}
