package yamltext

import (
	"regexp"
	"slices"
	"strings"
)

var (
	entry   = regexp.MustCompile(`^ *(- +)*[\w.-]+:( |$)`)     // a key, maybe with a value
	dash    = regexp.MustCompile(`^ *- `)                      // an item of a list
	before  = regexp.MustCompile(`^ *(?:- +)*(?:[\w.-]+: +)?`) // what stands before a value
	joined  = regexp.MustCompile(`^ *(?:- +)*[\w.-]+:[^ /]`)   // a key without a space behind its colon
	comment = regexp.MustCompile(`^ *(#.*)?$`)
)

// likely returns what people do wrong most often in a file that is no YAML, if the line that
// the parser complains about, or the next one, shows it: a line that is indented too far or
// not far enough, a colon in a text without quotes, a colon without a space.
func (t Text) likely(line int) (Mistake, bool) {
	if line > len(t.Lines) {
		return Mistake{}, false
	}
	text := t.Lines[line-1]
	if open := t.open(line); !slices.Contains(open, indent(text)) && entry.MatchString(text) {
		return t.indented(line, open, "keys"), true
	}
	if m, ok := t.misplaced(line); ok {
		return m, true
	}
	if entry.MatchString(text) {
		next := line + 1
		for next <= len(t.Lines) && comment.MatchString(t.Lines[next-1]) {
			next++
		}
		if next <= len(t.Lines) && indent(t.Lines[next-1]) > depth(text) && !strings.HasSuffix(strings.TrimSpace(text), ":") && entry.MatchString(t.Lines[next-1]) {
			return t.indented(next, []int{depth(text)}, "keys"), true
		}
	}
	key := before.FindString(text)
	if value := text[len(key):]; value != "" && !strings.ContainsAny(value[:1], "'\"[{|>&*!#%@`") && !strings.Contains(value, " #") && strings.Contains(value+" ", ": ") {
		return t.Mistake(line, len([]rune(key))+1, "a text with a colon in it needs quotes; write %s%s", strings.TrimLeft(key, " "), Quote(value, false)), true
	}
	if at := joined.FindStringIndex(text); at != nil {
		end := at[1] - 1
		return t.Mistake(line, end, "a colon needs a space behind it; write %s %s", strings.TrimSpace(text[:end]), text[end:]), true
	}
	return Mistake{}, false
}

// misplaced returns the mistake of a line that begins with a dash in another column than the
// dashes of the lists that are open before it.
func (t Text) misplaced(line int) (Mistake, bool) {
	if !dash.MatchString(t.Lines[line-1]) {
		return Mistake{}, false
	}
	var open []int
	last := ""
	for _, text := range t.Lines[:line-1] {
		if comment.MatchString(text) {
			continue
		}
		is, begins := indent(text), dash.MatchString(text)
		open = slices.DeleteFunc(open, func(n int) bool { return n > is || n == is && !begins })
		if last = text; begins && !slices.Contains(open, is) {
			open = append(open, is)
		}
	}
	last, _, _ = strings.Cut(last, " #")
	if len(open) == 0 || slices.Contains(open, indent(t.Lines[line-1])) || strings.HasSuffix(strings.TrimSpace(last), ":") {
		return Mistake{}, false
	}
	return t.indented(line, open, "dashes"), true
}

// Swallowed returns the mistake of an item of a list that stands too deep, and so is a part of
// the text of the item before it. The parser has the place of such a text where it begins or,
// at the end of the file, where it ends.
func (t Text) Swallowed(at Place, text string) (Mistake, bool) {
	within := func(line int) bool {
		return line > 1 && line <= len(t.Lines) && dash.MatchString(t.Lines[line-1]) && strings.Contains(text, " "+strings.TrimSpace(t.Lines[line-1]))
	}
	line := at.Line
	if !within(line) {
		line++
	}
	for within(line - 1) {
		line--
	}
	if !within(line) {
		return Mistake{}, false
	}
	return t.misplaced(line)
}

// indented returns the mistake of a line that is indented neither as deep as the keys, or
// dashes, above it nor below one of them.
func (t Text) indented(line int, open []int, above string) Mistake {
	text := t.Lines[line-1]
	is, want := indent(text), open[0]
	for _, n := range open {
		if max(n-is, is-n) <= max(want-is, is-want) {
			want = n
		}
	}
	return t.Mistake(line, is+1, "the line begins in column %d, the %s above it in column %d; write %q", is+1, above, want+1, strings.Repeat(" ", want)+strings.TrimLeft(text, " "))
}

// open returns the indentations that a line may have: of the mappings and lists that are open
// before it, and its own below a key without a value.
func (t Text) open(line int) []int {
	open, last := []int{0}, ""
	for _, text := range t.Lines[:line-1] {
		if comment.MatchString(text) || !entry.MatchString(text) {
			continue
		}
		open = append(slices.DeleteFunc(open, func(n int) bool { return n > indent(text) }), indent(text), depth(text))
		last = text
	}
	last, _, _ = strings.Cut(last, " #")
	if is := indent(t.Lines[line-1]); is >= indent(last) && strings.HasSuffix(strings.TrimSpace(last), ":") {
		open = append(open, is)
	}
	return open
}

// indent returns how many spaces a line begins with.
func indent(text string) int { return len(text) - len(strings.TrimLeft(text, " ")) }

// depth returns the column from 0 of the key of a line, also behind dashes.
func depth(text string) int { return len(text) - len(strings.TrimLeft(text, " -")) }
