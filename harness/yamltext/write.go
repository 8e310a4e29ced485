package yamltext

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Tree is a value as it is written: a scalar, pairs, or a list.
type Tree struct {
	Text  string // of a scalar, within brackets
	Lines string // of a scalar of several lines, as it is
	alone string // of a scalar outside brackets

	Keys     []string // of pairs
	Children []Tree   // of pairs or a list
	List     bool
}

// widest is the longest line in brackets that Block writes.
const widest = 100

// TextTree returns the tree of a text.
func TextTree(s string) Tree {
	t := Tree{Text: Quote(s, true), alone: Quote(s, false)}
	if isLiteral(s) {
		t.Lines = s
	}
	return t
}

// Put adds a scalar, as it is written, at the end of a path of keys. The first of a path counts.
func (t *Tree) Put(path []string, value string) {
	if len(path) == 0 {
		t.Text = cmp.Or(t.Text, value)
		return
	}
	i := slices.Index(t.Keys, path[0])
	if i < 0 {
		i = len(t.Keys)
		t.Keys, t.Children = append(t.Keys, path[0]), append(t.Children, Tree{})
	}
	t.Children[i].Put(path[1:], value)
}

// Line returns a tree that has a line of its own.
func (t Tree) Line() string {
	if t.alone != "" {
		return t.alone
	}
	return t.Flow()
}

// Flow returns a tree in brackets.
func (t Tree) Flow() string {
	if t.List || len(t.Keys) > 0 || t.Text == "" {
		var items []string
		for i, c := range t.Children {
			if t.List {
				items = append(items, c.Flow())
			} else {
				items = append(items, t.Keys[i]+": "+c.Flow())
			}
		}
		if t.List {
			return "[" + strings.Join(items, ", ") + "]"
		}
		return "{" + strings.Join(items, ", ") + "}"
	}
	return t.Text
}

// fits reports whether a tree is written in brackets.
func (t Tree) fits() bool {
	return t.Lines == "" && len(t.Flow()) <= widest && !slices.ContainsFunc(t.Children, func(c Tree) bool { return !c.fits() })
}

// Block writes what comes after a key or a dash: on its line, or on lines of its
// own that are indented.
func (t Tree) Block(b *strings.Builder, indent string) {
	switch {
	case t.Lines != "":
		b.WriteString(" |-\n")
		for line := range strings.Lines(t.Lines) {
			b.WriteString(indent + strings.TrimSuffix(line, "\n") + "\n")
		}
	case len(t.Children) == 0 || t.fits():
		b.WriteString(" " + t.Flow() + "\n")
	case t.List:
		b.WriteString("\n")
		for _, c := range t.Children {
			b.WriteString(indent + "-")
			if c.fits() || len(c.Keys) == 0 {
				c.Block(b, indent+"  ")
				continue
			}
			var pairs strings.Builder
			c.pairs(&pairs, indent+"  ")
			b.WriteString(" " + strings.TrimLeft(pairs.String(), " "))
		}
	default:
		b.WriteString("\n")
		t.pairs(b, indent)
	}
}

// pairs writes one key a line.
func (t Tree) pairs(b *strings.Builder, indent string) {
	for i, c := range t.Children {
		b.WriteString(indent + t.Keys[i] + ":")
		c.Block(b, indent+"  ")
	}
}

// isLiteral reports whether a text is written as its lines are. The parser drops
// the line break at the end of such a text, so one that has it is none.
func isLiteral(s string) bool {
	if !strings.Contains(s, "\n") || strings.HasSuffix(s, "\n") || strings.ContainsAny(s[:1], " \t\n#") {
		return false
	}
	for line := range strings.SplitSeq(s, "\n") {
		if line == "" || strings.TrimRight(line, " \t") != line || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return false
		}
	}
	return true
}

// Quote returns a text as a YAML scalar: as it is if YAML reads it so, and
// otherwise in single quotes, or in double ones if it is more than printable
// characters on one line. Within brackets a comma needs quotes.
func Quote(s string, brackets bool) string {
	if isPlain(s, brackets) {
		return s
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return escaped(s)
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// escaped returns a text in double quotes.
func escaped(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteRune('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return `"` + b.String() + `"`
}

func isPlain(s string, brackets bool) bool {
	if s == "" || strings.HasSuffix(s, " ") || slices.Contains([]string{"null", "true", "false", "yes", "no", "on", "off", ".inf", ".nan"}, strings.ToLower(s)) {
		return false
	}
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == 'µ'
		inside := " '-+*/%=<>()_"
		if !brackets {
			inside += ","
		}
		if !letter && r != '.' && (i == 0 || !strings.ContainsRune(inside, r)) {
			return false
		}
	}
	return true
}
