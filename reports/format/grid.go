package format

import (
	"slices"
	"strings"
)

// Cell is one field of a Grid, or of a line that Item writes.
type Cell struct {
	Text   string
	Colour Colour
}

// Heading opens a column of a grid.
type Heading struct {
	Text  string // "\n" breaks it; a line may end in a hyphen
	Right bool   // numbers stand on the right
	Drop  int    // a column with a higher number goes first when the terminal is narrow; 0 stays
}

// Flat is the heading in one line.
func (h Heading) Flat() string {
	return strings.ReplaceAll(strings.ReplaceAll(h.Text, "-\n", ""), "\n", " ")
}

// Grid is a table with columns of even width. When the terminal is narrow, the column
// with the index Shrink may have as few as minShrink columns of text. A longer text in it is
// not cut: it has a line of its own, and the rest of its row is below it.
type Grid struct {
	Heads  []Heading
	Rows   [][]Cell // each with a cell for each heading
	Shrink int
	Indent string // before each line
}

// Gap stands between columns; on a narrow terminal it is one space.
const Gap = "  "

const minShrink = 12

// Draw appends the grid to b.
func (g Grid) Draw(b *strings.Builder, s Style) {
	l := g.layout(s.Width)
	depth := 0 // lines of the headings; a grid may have none
	for _, h := range g.Heads {
		if h.Text != "" {
			depth = max(depth, strings.Count(h.Text, "\n")+1)
		}
	}
	for line := range depth {
		row := make([]Cell, len(g.Heads))
		for i, h := range g.Heads {
			// Headings stand on the bottom of their rows.
			parts := strings.Split(h.Text, "\n")
			if at := line - (depth - len(parts)); at >= 0 {
				row[i] = Cell{parts[at], Dim}
			}
		}
		g.drawRow(b, s, row, l)
	}
	for _, row := range g.Rows {
		g.drawRow(b, s, row, l)
	}
}

// layout is how a grid is fitted to a terminal.
type layout struct {
	widths []int  // of each column
	shown  []bool // whether each column is shown
	gap    string
	limit  int // columns of the terminal; 0 is no limit
}

func (g Grid) drawRow(b *strings.Builder, s Style, row []Cell, l layout) {
	blank := g.Indent // spaces are written only before something
	at := Width(g.Indent)
	for i, c := range row {
		if !l.shown[i] {
			continue
		}
		width := l.widths[i]
		if i == g.Shrink && Width(c.Text) > width {
			for _, line := range folded(c.Text, l.limit-at) {
				b.WriteString(blank + s.Paint(c.Colour, line))
				blank = "\n" + strings.Repeat(" ", at)
			}
			c.Text = ""
		}
		at += width + len(l.gap)
		field := Pad(c.Text, width, g.Heads[i].Right)
		lead := len(field) - len(strings.TrimLeft(field, " "))
		tail := len(strings.TrimRight(field, " "))
		if tail == 0 {
			blank += field + l.gap
			continue
		}
		b.WriteString(blank + field[:lead] + s.Paint(c.Colour, field[lead:tail]))
		blank = field[tail:] + l.gap
	}
	b.WriteByte('\n')
}

// folded returns a text in lines of at most n columns.
func folded(text string, n int) (lines []string) {
	line := ""
	for _, r := range text {
		if Width(line+string(r)) > n && line != "" {
			lines, line = append(lines, line), ""
		}
		line += string(r)
	}
	return append(lines, line)
}

// LeftOut returns the headings of the columns that a terminal of limit columns has no room for.
func (g Grid) LeftOut(limit int) (names []string) {
	for i, shown := range g.layout(limit).shown {
		if !shown {
			names = append(names, g.Heads[i].Flat())
		}
	}
	return names
}

// widths returns the natural width of every column.
func (g Grid) widths() []int {
	widths := make([]int, len(g.Heads))
	for i, h := range g.Heads {
		for part := range strings.SplitSeq(h.Text, "\n") {
			widths[i] = max(widths[i], Width(part))
		}
		for _, row := range g.Rows {
			widths[i] = max(widths[i], Width(row[i].Text))
		}
	}
	return widths
}

// layout fits the grid to a terminal of limit columns. If it is too wide, the
// gaps become narrow, then columns are left out, and what is still missing is
// taken from the column that may shrink.
func (g Grid) layout(limit int) layout {
	l := layout{widths: g.widths(), shown: make([]bool, len(g.Heads)), gap: Gap, limit: limit}
	over := Width(g.Indent) - len(Gap) - limit
	for i, w := range l.widths {
		l.shown[i] = true
		over += w + len(Gap)
	}
	slack := max(0, l.widths[g.Shrink]-minShrink)
	if limit == 0 || over <= 0 {
		return l
	}
	if over > slack {
		l.gap = " "
		over -= (len(Gap) - len(l.gap)) * (len(g.Heads) - 1)
	}
	for over > slack {
		last := g.leastWorth(l.shown)
		if last < 0 {
			break
		}
		l.shown[last] = false
		over -= l.widths[last] + len(l.gap)
	}
	l.widths[g.Shrink] -= min(slack, max(0, over))
	return l
}

// leastWorth returns the shown column to leave out next, or -1.
func (g Grid) leastWorth(shown []bool) int {
	last := -1
	for i, h := range g.Heads {
		if shown[i] && h.Drop > 0 && (last < 0 || h.Drop > g.Heads[last].Drop) {
			last = i
		}
	}
	return last
}

// Set puts text into the row and the column of these names, which it makes
// where they are missing.
func (g *Grid) Set(row, column, text string) {
	x := slices.IndexFunc(g.Heads, func(h Heading) bool { return h.Text == column })
	if x < 0 {
		x = len(g.Heads)
		g.Heads = append(g.Heads, Heading{Text: column, Right: true})
		for y := range g.Rows {
			g.Rows[y] = append(g.Rows[y], Cell{None, Dim})
		}
	}
	y := slices.IndexFunc(g.Rows, func(cells []Cell) bool { return cells[0].Text == row })
	if y < 0 {
		y = len(g.Rows)
		g.Rows = append(g.Rows, slices.Repeat([]Cell{{None, Dim}}, len(g.Heads)))
		g.Rows[y][0] = Cell{Text: row}
	}
	g.Rows[y][x] = Cell{Text: text}
}
