package yamltext

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

// Bounds of a document. The parser recurses into nested values and is quadratic in
// the number of keys of a mapping: within these the worst file known takes it
// less than a second, while 256 KiB took ten. The largest bundled scenario has
// 1 KiB.
const (
	MaxFile  = 64 << 10 // bytes
	MaxLine  = 4 << 10  // bytes
	MaxDepth = 64       // open brackets
)

// ReadFile reads at most MaxFile bytes and one more, so that Read sees that a file is too
// large.
func ReadFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing(path)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxFile+1))
}

// missing is the path of a file that there is not. It is fs.ErrNotExist.
type missing string

func (m missing) Error() string {
	name := strings.TrimSuffix(strings.TrimSuffix(string(m), ".yaml"), ".yml")
	for _, beside := range []string{name + ".yaml", name + ".yml"} {
		if _, err := os.Stat(beside); err == nil {
			return "there is no file " + string(m) + "; did you mean " + beside + "?"
		}
	}
	return "there is no file " + string(m)
}

func (missing) Is(target error) bool { return target == fs.ErrNotExist }

// Text is the text of a file as a reader of YAML needs it.
type Text struct {
	File  string
	Lines []string // without their ends
}

// Read parses a file within the bounds. It returns what is wrong if it is no YAML, outside
// the bounds, or without a key, see Foreign; an empty key is none. There may be no root.
func Read(file string, data []byte, key string) (t Text, roots []ast.Node, wrong Mistakes) {
	text := strings.TrimPrefix(string(data[:min(len(data), MaxFile+1)]), "\ufeff")
	t = Text{file, splitLines(text)}
	foreign := key != "" && Foreign(t.Lines, key)
	if m, ok := t.acceptable(text); !ok {
		if foreign {
			m.Source = ""
		}
		return t, nil, Mistakes{m}
	}
	if foreign {
		t.Lines = nil
		return t, nil, Mistakes{t.Mistake(1, 1, "this is no file of onebar's: it has no key %s, as in %[1]s: 1", key)}
	}
	if at := slices.IndexFunc(t.Lines, func(l string) bool { return l != "" && l[0] != '#' }); at >= 0 && t.Lines[at][0] == '%' {
		return t, nil, Mistakes{t.Mistake(at+1, 1, "a directive of YAML, which is not supported; delete the line")}
	}
	roots, err := Documents(strings.Join(t.Lines, "\n"))
	if err != nil {
		return t, nil, t.syntaxError(err)
	}
	return t, roots, nil
}

// Mistake returns a mistake at a place, both from 1.
func (t Text) Mistake(line, column int, format string, args ...any) Mistake {
	return NewMistake(t.File, t.Lines, line, column, fmt.Sprintf(format, args...))
}

// Place is where something stands in a file, both from 1. Line 0 is nowhere.
type Place struct{ Line, Column int }

func splitLines(text string) []string {
	return strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n")
}

// acceptable reports whether the text can be handed to the parser at all.
func (t Text) acceptable(text string) (wrong Mistake, ok bool) {
	if len(text) > MaxFile {
		return t.Mistake(1, 1, "the file is larger than %d KiB", MaxFile>>10), false
	}
	depth := 0
	for i, line := range t.Lines {
		if !utf8.ValidString(line) {
			col := slices.Index([]rune(line), utf8.RuneError) + 1
			return t.Mistake(i+1, max(col, 1), "this is not UTF-8; save the file as UTF-8"), false
		}
		if len(line) > MaxLine {
			return t.Mistake(i+1, 1, "the line is longer than %d KiB", MaxLine>>10), false
		}
		if at := strings.IndexFunc(line, control); at >= 0 {
			col := utf8.RuneCountInString(line[:at]) + 1
			return t.Mistake(i+1, col, "a control character, %q; delete it", line[at:at+1]), false
		}
		depth += strings.Count(line, "[") + strings.Count(line, "{") - strings.Count(line, "]") - strings.Count(line, "}")
		if depth = max(depth, 0); depth > MaxDepth {
			return t.Mistake(i+1, 1, "more than %d brackets are open", MaxDepth), false
		}
	}
	return Mistake{}, true
}

func control(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }

// syntaxError reports what the parser said. It stops at the first error, so
// this is the only mistake reported, but for tabs: every line indented with one
// is named, because that is what people meet.
func (t Text) syntaxError(err error) Mistakes {
	var tabs Mistakes
	for i, line := range t.Lines {
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if at := strings.Index(indent, "\t"); at >= 0 {
			tabs = append(tabs, t.Mistake(i+1, at+1, "a tab in the indentation; YAML wants spaces"))
		}
	}
	if len(tabs) > 0 {
		return tabs
	}
	line, column, text := Explain(err)
	if m, ok := t.unclosed(line); ok {
		return Mistakes{m}
	}
	if m, ok := t.likely(line); ok {
		return Mistakes{m}
	}
	return Mistakes{t.Mistake(line, column, "not YAML: %s", text)}
}

// Inside returns the place of a line and column of a text, if it stands in the file
// as it is, and otherwise the place where it begins.
func (t Text) Inside(at Place, text string, line, column int) Place {
	wanted := strings.Split(text, "\n")
	if len(wanted) == 1 && at.Line <= len(t.Lines) {
		raw, want, from := []rune(t.Lines[at.Line-1]), []rune(text), at.Column-1
		for _, quote := range []int{0, 1} {
			if from+quote+len(want) <= len(raw) && string(raw[from+quote:from+quote+len(want)]) == text {
				return Place{at.Line, at.Column + quote + max(column-1, 0)}
			}
		}
	}
	for i := at.Line - 1; i < len(t.Lines); i++ {
		if first := strings.TrimSpace(wanted[0]); first == "" || strings.TrimSpace(t.Lines[i]) != first {
			continue
		}
		if i+line > len(t.Lines) || line > len(wanted) {
			break
		}
		indent, _, found := strings.Cut(t.Lines[i+line-1], wanted[line-1])
		if !found {
			break
		}
		return Place{i + line, utf8.RuneCountInString(indent) + column}
	}
	return at
}
