package reports

import (
	"os"
	"strings"

	"golang.org/x/term"
)

// style is how a console report is drawn.
type style struct {
	colour bool
	width  int // columns of the terminal; 0 is no limit
}

// styleOf returns plain for all but terminals, and colours unless the user
// does not want any, see https://no-color.org.
func styleOf(w any) style {
	fd, ok := terminal(w)
	if !ok {
		return style{}
	}
	s := style{colour: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
	if n, _, err := term.GetSize(fd); err == nil {
		s.width = n
	}
	return s
}

// terminal returns the descriptor of w if it is a terminal.
func terminal(w any) (fd int, ok bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	return int(f.Fd()), true
}

// colour is an SGR parameter, see ECMA-48 section 8.3.117.
type colour string

const (
	plain   colour = ""
	bold    colour = "1"
	dim     colour = "2"
	red     colour = "1;31"
	green   colour = "32"
	yellow  colour = "1;33"
	magenta colour = "1;35"
)

func (s style) paint(c colour, text string) string {
	if !s.colour || c == plain || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// minText is the least width for which a text is wrapped.
const minText = 24

// item writes a line of fields and a text, wrapped at the edge of the terminal
// so that its further lines stand below its first.
func (s style) item(b *strings.Builder, indent string, fields []cell, text string) {
	b.WriteString(indent)
	column := width(indent)
	for _, f := range fields {
		b.WriteString(s.paint(f.colour, f.text) + gap)
		column += width(f.text) + len(gap)
	}
	if s.width-column < minText {
		b.WriteString(text + "\n")
		return
	}
	at := column
	for i, word := range strings.Fields(text) {
		switch n := width(word); {
		case i == 0:
			at += n
		case at+1+n > s.width:
			b.WriteString("\n" + strings.Repeat(" ", column))
			at = column + n
		default:
			b.WriteByte(' ')
			at += 1 + n
		}
		b.WriteString(word)
	}
	b.WriteByte('\n')
}

// cell is one field of a grid.
type cell struct {
	text   string
	colour colour
}

// heading opens a column of a grid.
type heading struct {
	text  string // "\n" breaks it; a line may end in a hyphen
	right bool   // numbers stand on the right
	drop  int    // a column with a higher number goes first when the terminal is narrow; 0 stays
}

// flat is the heading in one line.
func (h heading) flat() string {
	return strings.ReplaceAll(strings.ReplaceAll(h.text, "-\n", ""), "\n", " ")
}

// grid is a table with columns of even width. Column shrink may be cut to
// minShrink columns of text when the terminal is narrow.
type grid struct {
	heads  []heading
	rows   [][]cell
	shrink int
	indent string
}

const (
	gap       = "  " // between columns; on a narrow terminal one space
	minShrink = 12
)

// draw appends the grid to b.
func (g grid) draw(b *strings.Builder, s style) {
	l := g.layout(s.width)
	depth := 0 // lines of the headings; a grid may have none
	for _, h := range g.heads {
		if h.text != "" {
			depth = max(depth, strings.Count(h.text, "\n")+1)
		}
	}
	for line := range depth {
		row := make([]cell, len(g.heads))
		for i, h := range g.heads {
			// Headings stand on the bottom of their rows.
			parts := strings.Split(h.text, "\n")
			if at := line - (depth - len(parts)); at >= 0 {
				row[i] = cell{parts[at], dim}
			}
		}
		g.drawRow(b, s, row, l)
	}
	for _, row := range g.rows {
		g.drawRow(b, s, row, l)
	}
}

// layout is how a grid is fitted to a terminal.
type layout struct {
	widths []int  // of each column
	shown  []bool // whether each column is shown
	gap    string
}

func (g grid) drawRow(b *strings.Builder, s style, row []cell, l layout) {
	blank := g.indent // spaces are written only before something
	for i, c := range row {
		if !l.shown[i] {
			continue
		}
		cut := fit(c.text, l.widths[i])
		field := pad(cut, l.widths[i], g.heads[i].right)
		lead := len(field) - len(strings.TrimLeft(field, " "))
		tail := len(strings.TrimRight(field, " "))
		if tail == 0 {
			blank += field + l.gap
			continue
		}
		b.WriteString(blank + field[:lead] + s.paint(c.colour, field[lead:tail]))
		blank = field[tail:] + l.gap
	}
	b.WriteByte('\n')
}

// widths returns the natural width of every column.
func (g grid) widths() []int {
	widths := make([]int, len(g.heads))
	for i, h := range g.heads {
		for part := range strings.SplitSeq(h.text, "\n") {
			widths[i] = max(widths[i], width(part))
		}
		for _, row := range g.rows {
			widths[i] = max(widths[i], width(row[i].text))
		}
	}
	return widths
}

// layout fits the grid to a terminal of limit columns. If it is too wide, the
// gaps become narrow, then columns are left out, and what is still missing is
// cut off the column that may shrink.
func (g grid) layout(limit int) layout {
	l := layout{widths: g.widths(), shown: make([]bool, len(g.heads)), gap: gap}
	over := width(g.indent) - len(gap) - limit
	for i, w := range l.widths {
		l.shown[i] = true
		over += w + len(gap)
	}
	slack := max(0, l.widths[g.shrink]-minShrink)
	if limit == 0 || over <= 0 {
		return l
	}
	if over > slack {
		l.gap = " "
		over -= (len(gap) - len(l.gap)) * (len(g.heads) - 1)
	}
	for over > slack {
		last := g.leastWorth(l.shown)
		if last < 0 {
			break
		}
		l.shown[last] = false
		over -= l.widths[last] + len(l.gap)
	}
	l.widths[g.shrink] -= min(slack, max(0, over))
	return l
}

// leastWorth returns the shown column to leave out next, or -1.
func (g grid) leastWorth(shown []bool) int {
	last := -1
	for i, h := range g.heads {
		if shown[i] && h.drop > 0 && (last < 0 || h.drop > g.heads[last].drop) {
			last = i
		}
	}
	return last
}
