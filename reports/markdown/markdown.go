// Package markdown writes text and tables in GitHub's dialect of Markdown, within the size
// that a CI shows. What is left out is counted, never dropped in silence.
package markdown

import (
	"fmt"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/reports/format"
)

// MaxRows is how many rows of a table are shown.
const MaxRows = 40

// maxCell is how many characters of a cell or of a line of text are shown, so that one text
// of a server does not fill the report.
const maxCell = 2000

// reserve is kept free for the sentence that says what was left out.
const reserve = 1 << 10

// Document is a text of parts with a largest size.
type Document struct {
	Limit int    // in bytes
	See   string // where everything is, for people

	parts strings.Builder
	left  int
}

// Add appends a part if it fits into the limit.
func (d *Document) Add(part string) {
	if d.left > 0 || d.parts.Len()+len(part) > d.Limit-reserve {
		d.left++ // what follows would stand in the wrong place
		return
	}
	d.parts.WriteString(part)
}

// Lazy is Add for a part that is costly to make: it is not made if there is no room left.
func (d *Document) Lazy(part func() string) {
	if d.left > 0 {
		d.left++
		return
	}
	d.Add(part())
}

// String returns the parts that fitted, and says how many did not.
func (d *Document) String() string {
	if d.left == 0 {
		return d.parts.String()
	}
	return d.parts.String() + fmt.Sprintf("\n%s left out, because the report would be too long: see %s\n", harness.Plural(d.left, "part"), Escape(d.See))
}

// Table returns a table. It shows the first MaxRows rows and says how many more there are.
func (d *Document) Table(g format.Grid) string {
	var b strings.Builder
	for _, h := range g.Heads {
		b.WriteString("| " + h.Flat() + " ")
	}
	b.WriteString("|\n")
	for _, h := range g.Heads {
		if h.Right {
			b.WriteString("| ---: ")
		} else {
			b.WriteString("| --- ")
		}
	}
	b.WriteString("|\n")
	for _, row := range g.Rows[:min(MaxRows, len(g.Rows))] {
		for _, c := range row {
			b.WriteString("| " + Escape(strings.TrimSpace(c.Text)) + " ")
		}
		b.WriteString("|\n")
	}
	return b.String() + d.More(len(g.Rows)-MaxRows)
}

// More returns the sentence that says that n more are not shown, or nothing if there are none.
func (d *Document) More(n int) string {
	if n <= 0 {
		return ""
	}
	return "\n… and " + grouped(n) + " more, see " + Escape(d.See) + "\n"
}

// grouped writes a number with commas between thousands.
func grouped(n int) string {
	text := fmt.Sprint(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// FoldOut returns a part that is shown when its summary is clicked. summary may hold HTML.
func FoldOut(summary, content string) string {
	// The blank lines end the HTML and let Markdown begin again.
	return "\n<details><summary>" + summary + "</summary>\n\n" + strings.TrimLeft(content, "\n") + "\n</details>\n"
}

// Item returns an item of a list: a head in bold, what it came to, and a text behind a
// colon. Each of the findings is an item below it. result may be empty.
func Item(head, result, text string, findings ...string) string {
	if result != "" {
		result = " " + Escape(result)
	}
	lines := []string{"- **" + Escape(head) + "**" + result + ": " + Escape(text) + "\n"}
	for _, f := range findings {
		lines = append(lines, "  - "+Escape(f)+"\n")
	}
	return strings.Join(lines, "")
}

// Escape cleans text, cuts it if it is very long, and makes it mean itself both in Markdown
// and in HTML. It uses character references, because a backslash is a backslash inside HTML
// and a reference never has a structural meaning (CommonMark 0.31 section 2.5).
func Escape(text string) string {
	text = format.Clean(text)
	if runes := []rune(text); len(runes) > maxCell {
		text = string(runes[:maxCell]) + "…"
	}
	marker := listMarker(text)
	var b strings.Builder
	for i, r := range text {
		if i == marker || strings.ContainsRune("&<>|`*_[]\\~#@!$", r) {
			fmt.Fprintf(&b, "&#%d;", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// listMarker returns where text has the sign that would make it a list item or
// a heading if it stood at the beginning of a line, as in "- " or "12. ", or -1.
func listMarker(text string) int {
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	signs := "-+="
	if digits > 0 {
		signs = ".)"
	}
	sign, _, spaced := strings.Cut(text[digits:], " ")
	if spaced && sign != "" && strings.Trim(sign, signs) == "" {
		return digits
	}
	return -1
}

// Shell returns a command as a block of code, or nothing if it is empty.
func Shell(command string) string { return Code("sh", command) }

// Code returns text as a block of code in a language, whose fence is longer than any run of
// backticks in it, or nothing if it is empty.
func Code(language, text string) string {
	if text == "" {
		return ""
	}
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return "\n" + fence + language + "\n" + text + "\n" + fence + "\n"
}
