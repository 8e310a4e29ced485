package yamltext

import (
	"slices"
	"strings"
)

// bracket is one that opens a list or a mapping.
type bracket struct {
	line, column int // both from 0, the column in bytes
	closer       byte
}

// unclosed returns the mistake of a bracket that is not closed. The parser complains only
// about what stands after it, perhaps many lines later: about a line, from 1.
func (t Text) unclosed(complains int) (Mistake, bool) {
	var open []bracket
	crossed := false
	for i, text := range t.Lines {
		if from := len(before.FindString(text)); len(open) > 0 || from < len(text) && strings.IndexByte("{[", text[from]) >= 0 {
			if open, crossed = brackets(open, i, text); crossed {
				break
			}
		}
	}
	if len(open) == 0 || open[0].line >= complains {
		return Mistake{}, false
	}
	b := open[0]
	text := strings.TrimSpace(t.Lines[b.line])
	mended, hint := text, ""
	for _, o := range slices.Backward(open) {
		if o.line == b.line {
			mended += string(o.closer)
		}
	}
	if last := text[len(text)-1]; !crossed && strings.IndexByte("{[,", last) < 0 && !strings.Contains(text, " #") {
		if _, err := Documents(mended); err == nil {
			hint = "; write " + mended
		}
	}
	column := len([]rune(t.Lines[b.line][:b.column])) + 1
	return t.Mistake(b.line+1, column, "a %c is not closed%s", t.Lines[b.line][b.column], hint), true
}

// brackets adds the brackets of a line to those that are open, and takes away those that it
// closes. If one is closed by another kind, it is the last of open, and crossed is true.
func brackets(open []bracket, line int, text string) (still []bracket, crossed bool) {
	var quote byte
	for i := range len(text) {
		c, starts := text[i], i == 0 || strings.IndexByte(" [{,", text[i-1]) >= 0
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case starts && (c == '\'' || c == '"'):
			quote = c
		case starts && c == '#':
			return open, false
		case c == '{':
			open = append(open, bracket{line, i, '}'})
		case c == '[':
			open = append(open, bracket{line, i, ']'})
		case (c == '}' || c == ']') && len(open) > 0:
			if open[len(open)-1].closer != c {
				return open[len(open)-1:], true
			}
			open = open[:len(open)-1]
		}
	}
	return open, false
}
