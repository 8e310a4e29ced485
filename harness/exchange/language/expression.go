package language

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"

	"github.com/onebar/onebar/harness/nearest"
)

// Vars are the values of the names that an expression may use.
type Vars map[string]any

// With returns the names of v and more; those of more win.
func (v Vars) With(more Vars) Vars {
	all := make(Vars, len(v)+len(more))
	maps.Copy(all, v)
	maps.Copy(all, more)
	return all
}

// untilName is the name of a context among Vars. It has a space, so that no expression
// can name it.
const untilName = "meter until"

// Until returns values with which evaluations end, with an error, when ctx does.
func Until(ctx context.Context) Vars { return Vars{untilName: ctx} }

// Scope holds the names that an expression may use, with their types.
type Scope types.Map

// With returns the names of s and more; those of more win.
func (s Scope) With(more Scope) Scope {
	all := Scope{}
	maps.Copy(all, s)
	maps.Copy(all, more)
	return all
}

// Names returns the names of the scope, those within mappings with a point.
func (s Scope) Names() []string {
	var all []string
	for name, t := range s {
		inner, ok := t.(types.Map)
		if !ok {
			all = append(all, name)
			continue
		}
		for _, n := range Scope(inner).Names() {
			all = append(all, name+"."+n)
		}
	}
	slices.Sort(all)
	return all
}

// Expression is compiled for one scope. It may be evaluated by several goroutines.
type Expression struct {
	Text    string
	program *vm.Program
	meters  metering
}

// Problem is something wrong with a configuration.
type Problem struct {
	Field  string // where in the configuration, such as outcomes[2].when
	Line   int    // within the text there, from 1; 0 is the whole of it
	Column int    // within the line, in characters from 1
	Reason string
}

// Error returns field: reason.
func (p *Problem) Error() string { return p.Field + ": " + p.Reason }

// Compile compiles an expression. A condition must be true or false.
func Compile(text string, s Scope, condition bool) (*Expression, *Problem) {
	e := &Expression{Text: text}
	options := []expr.Option{
		expr.Env(types.Map(s)),
		expr.Optimize(false), // it would make the lists of ranges while it compiles
		bounded(),
		expr.Function("json", asJSON, new(func(any) string)),
		expr.Function("query", asQuery, new(func(any) string)),
		expr.Function("link", link, new(func(map[string]string, string) string)),
	}
	if condition {
		options = append(options, expr.AsBool())
	}
	_, err := expr.Compile(text, options...)
	if err == nil {
		// Messages of the compiler are about the expression as it is written, so the
		// metered one is compiled after it.
		options[0] = expr.Env(types.Map(s.With(meterScope())))
		e.program, err = expr.Compile(text, append(options, expr.Patch(&e.meters))...)
	}
	if err == nil {
		return e, nil
	}
	p := &Problem{Line: 1, Column: 1, Reason: err.Error()}
	if wrong, ok := errors.AsType[*file.Error](err); ok {
		p.Line, p.Column, p.Reason = max(wrong.Line, 1), wrong.Column+1, explain(wrong.Message, s)
	}
	return nil, p
}

// explain adds a suggestion to a message of the compiler, if there is one.
func explain(message string, s Scope) string {
	unknown := regexp.MustCompile(`^unknown (?:name|field) (\w+)`).FindStringSubmatch(message)
	switch {
	case strings.Contains(message, `Operator("=")`):
		return message + "; a comparison is written =="
	case unknown == nil:
		return message
	}
	full := s.full()
	if best := nearest.Word(unknown[1], slices.Sorted(maps.Keys(full))); best != "" {
		return fmt.Sprintf("nothing is named %s here; did you mean %s?", unknown[1], full[best])
	}
	return fmt.Sprintf("nothing is named %s here; there are %s", unknown[1], strings.Join(s.Names(), ", "))
}

// full returns the names of the scope by their last words.
func (s Scope) full() map[string]string {
	all := map[string]string{}
	for name := range s {
		all[name] = name
	}
	for _, n := range s.Names() {
		all[n[strings.LastIndex(n, ".")+1:]] = n
	}
	return all
}

// Value evaluates the expression. Beyond the bounds of an evaluation it returns ErrBound.
func (e *Expression) Value(v Vars) (any, error) {
	if !e.meters.metered {
		return e.run(v)
	}
	outer, ok := v[untilName].(context.Context)
	if !ok {
		outer = context.Background()
	}
	ctx, cancel := context.WithTimeout(outer, maxTime)
	defer cancel()
	m := &meter{ctx: ctx}
	v = v.With(Vars{spendName: m.spend, weighName: m.weigh, matchName: m.match})
	if !e.meters.long {
		return e.run(v)
	}
	// One step, such as a call of a function of expr-lang, is bounded, and is not interrupted.
	// Beyond the time its goroutine is left to end with that step.
	type result struct {
		got any
		err error
	}
	done := make(chan result, 1)
	go func() {
		got, err := e.run(v)
		done <- result{got, err}
	}()
	select {
	case r := <-done:
		return r.got, r.err
	case <-ctx.Done():
		if outer.Err() != nil {
			return nil, fmt.Errorf("%s: %w", e.Text, context.Cause(outer))
		}
		return nil, fmt.Errorf("%s: %w", e.Text, ErrBound)
	}
}

func (e *Expression) run(v Vars) (any, error) {
	got, err := expr.Run(e.program, map[string]any(v))
	switch wrong, ok := errors.AsType[*file.Error](err); {
	case errors.Is(err, ErrBound), ok && strings.Contains(wrong.Message, "memory budget exceeded"): // of expr-lang: a million items
		return nil, fmt.Errorf("%s: %w", e.Text, ErrBound)
	case ok:
		return nil, fmt.Errorf("%s: %s", e.Text, wrong.Message)
	case err == nil && e.meters.metered:
		if _, err := weight(got); err != nil {
			return nil, fmt.Errorf("%s: %w", e.Text, err)
		}
	}
	return got, err
}

// Yes reports whether a condition holds. A condition that cannot be evaluated, such as
// one about a field that the answer does not have, does not hold.
func (e *Expression) Yes(v Vars) (bool, error) {
	got, err := e.Value(v)
	if err != nil {
		return false, err
	}
	is, ok := got.(bool)
	if !ok {
		return false, fmt.Errorf("%s: is %s and not true or false", e.Text, Kind(got))
	}
	return is, nil
}

// Word returns the value as text. A missing value, a list and a mapping are errors.
func (e *Expression) Word(v Vars) (string, error) {
	got, err := e.Value(v)
	if err != nil {
		return "", err
	}
	s, ok := Scalar(got)
	if !ok {
		return "", fmt.Errorf("%s: is %s", e.Text, Kind(got))
	}
	return s, nil
}

// Scalar returns a single value as text, a number without an exponent.
func Scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case int:
		return strconv.Itoa(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	}
	return "", false
}

// Kind says what a value is, for messages.
func Kind(v any) string {
	switch v := v.(type) {
	case nil:
		return "not there"
	case map[string]any:
		return "a mapping"
	case []any:
		return "a list"
	case string, bool, float64, int, int64:
		return fmt.Sprintf("%v", v)
	}
	return "a " + reflect.TypeOf(v).String()
}

func asQuery(params ...any) (any, error) {
	s, ok := Scalar(params[0])
	if !ok {
		return nil, fmt.Errorf("query of what is %s", Kind(params[0]))
	}
	return url.QueryEscape(s), nil
}

// link returns the target of the first link with a relation type, or nothing.
func link(params ...any) (any, error) {
	headers, _ := params[0].(map[string]string)
	rel, _ := params[1].(string)
	for l := range strings.SplitSeq(headers["link"], ",") {
		target, rest, ok := strings.Cut(strings.TrimSpace(l), ">")
		if !ok || !strings.HasPrefix(target, "<") {
			continue
		}
		for p := range strings.SplitSeq(rest, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
			if strings.EqualFold(name, "rel") && slices.Contains(strings.Fields(strings.Trim(value, `"`)), rel) {
				return target[1:], nil
			}
		}
	}
	return "", nil
}
