package language

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A Lookup returns a variable of the environment, as os.LookupEnv does.
type Lookup func(name string) (value string, ok bool)

// Template is text with expressions and secrets in it.
type Template struct {
	parts []part
}

// Literal returns a template that is a text as it is.
func Literal(text string) *Template { return &Template{parts: []part{{text: text}}} }

// part is a text, or an expression.
type part struct {
	text string
	hole *Expression
}

// ParseTemplate reads {{ expressions }} and ${SECRETS}; $${ stands for ${ itself.
// Without a lookup secrets stay as they are written.
func ParseTemplate(text string, s Scope, lookup Lookup) (*Template, *Problem) {
	t := &Template{}
	for at := 0; at < len(text); {
		rest := text[at:]
		i := strings.Index(rest, "{{")
		literal := rest
		if i >= 0 {
			literal = rest[:i]
		}
		expanded, p := Expand(literal, lookup)
		if p != nil {
			return nil, p.movedBy(text[:at])
		}
		if literal != "" {
			t.parts = append(t.parts, part{text: expanded})
		}
		if i < 0 {
			break
		}
		begin := at + i + len("{{")
		end := strings.Index(text[begin:], "}}")
		if end < 0 {
			return nil, (&Problem{Line: 1, Column: 1, Reason: "{{ is not closed; write it as {{ payment.id }}"}).movedBy(text[:at+i])
		}
		e, p := Compile(text[begin:begin+end], s, false)
		if p != nil {
			return nil, p.movedBy(text[:begin])
		}
		t.parts = append(t.parts, part{hole: e})
		at = begin + end + len("}}")
	}
	return t, nil
}

// Expand replaces ${NAME} by the environment variable.
func Expand(text string, lookup Lookup) (string, *Problem) {
	var b strings.Builder
	for at := 0; ; {
		i := strings.Index(text[at:], "${")
		if i < 0 {
			b.WriteString(text[at:])
			return b.String(), nil
		}
		i += at
		if i > at && text[i-1] == '$' {
			b.WriteString(text[at:i-1] + "${")
			at = i + len("${")
			continue
		}
		end := strings.IndexByte(text[i:], '}')
		if end < 0 {
			return "", (&Problem{Line: 1, Column: 1, Reason: "${ is not closed; write it as ${API_KEY}, or $${ for the characters themselves"}).movedBy(text[:i])
		}
		name := text[i+len("${") : i+end]
		if !isVariable(name) {
			return "", (&Problem{Line: 1, Column: 1, Reason: fmt.Sprintf("${%s} names no variable of the environment", name)}).movedBy(text[:i])
		}
		b.WriteString(text[at:i])
		at = i + end + 1
		if lookup == nil {
			b.WriteString(text[i:at])
			continue
		}
		value, ok := lookup(name)
		if !ok {
			return "", (&Problem{Line: 1, Column: 1, Reason: fmt.Sprintf("the environment has no variable %s; set it, such as %s=... onebar run ...", name, name)}).movedBy(text[:i])
		}
		b.WriteString(value)
	}
}

func isVariable(name string) bool {
	for i, r := range name {
		if r != '_' && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9' || i == 0) {
			return false
		}
	}
	return name != ""
}

// movedBy returns the problem with the place that it has after the text before.
func (p *Problem) movedBy(before string) *Problem {
	lines := strings.Count(before, "\n")
	moved := *p
	if p.Line <= 1 {
		moved.Column += utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	}
	moved.Line += lines
	return &moved
}

// Fill replaces each expression by its value.
func (t *Template) Fill(v Vars) (string, error) {
	if t == nil {
		return "", nil
	}
	if len(t.parts) == 1 && t.parts[0].hole == nil {
		return t.parts[0].text, nil
	}
	var b strings.Builder
	for _, p := range t.parts {
		if p.hole == nil {
			b.WriteString(p.text)
			continue
		}
		s, err := p.hole.Word(v)
		if err != nil {
			return "", fmt.Errorf("{{ %w }}", err)
		}
		b.WriteString(s)
	}
	return b.String(), nil
}
