package format

import (
	"cmp"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Style is how a text for people is drawn. The zero Style has no colours and no limit.
type Style struct {
	Colour bool // whether there are any
	Width  int  // columns of the terminal; 0 is no limit
}

// StyleOf returns colours and a width for terminals only. NO_COLOR takes the colours away, and
// FORCE_COLOR gives them to everything, such as the log of a CI job; each if it is not empty.
// With both there are colours, as in the example of https://force-color.org, and as Node does.
// See also https://no-color.org.
func StyleOf(w any) Style {
	fd, ok := Terminal(w)
	s := Style{Colour: os.Getenv("FORCE_COLOR") != "" || ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
	if !ok {
		return s
	}
	if n, _, err := term.GetSize(fd); err == nil {
		s.Width = n
	}
	return s
}

// plainWidth is the width of a [List] that is not on a terminal.
const plainWidth = 80

// Entry is one thing of a [List].
type Entry struct {
	Name  string
	Words []string // beside the name
	Lines []string // below it
}

// List writes each entry with its name and words on one line, which a search for either finds,
// and its further lines below, wrapped at the edge of the terminal, or of 80 columns.
func List(w io.Writer, entries []Entry) error {
	s := StyleOf(w)
	s.Width = cmp.Or(s.Width, plainWidth)
	wide := 0
	for _, e := range entries {
		wide = max(wide, Width(e.Name))
	}
	var b strings.Builder
	for _, e := range entries {
		s.Item(&b, "", []Cell{Bold.Cell(Pad(e.Name, wide, false))}, strings.Join(e.Words, ", "))
		for _, line := range e.Lines {
			s.Item(&b, "    ", nil, line)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Terminal returns the descriptor of w if it is a terminal.
func Terminal(w any) (fd int, ok bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	return int(f.Fd()), true
}

// Colour is an SGR parameter, see ECMA-48 section 8.3.117.
type Colour string

// The colours. Plain is none.
const (
	Plain   Colour = ""
	Bold    Colour = "1"
	Dim     Colour = "2"
	Red     Colour = "1;31"
	Green   Colour = "32"
	Yellow  Colour = "1;33"
	Magenta Colour = "1;35"
)

// Cell returns text as a cell in this colour.
func (c Colour) Cell(text string) Cell { return Cell{text, c} }

// Paint returns text in a colour.
func (s Style) Paint(c Colour, text string) string {
	if !s.Colour || c == Plain || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// PaintCell returns the text of a cell in its colour.
func (s Style) PaintCell(c Cell) string { return s.Paint(c.Colour, c.Text) }

// MinText is the least width for which a text is wrapped.
const MinText = 24

// Item writes a line of fields and a text, wrapped at the edge of the terminal
// so that its further lines stand below its first.
func (s Style) Item(b *strings.Builder, indent string, fields []Cell, text string) {
	b.WriteString(indent)
	column := Width(indent)
	for _, f := range fields {
		b.WriteString(s.Paint(f.Colour, f.Text) + Gap)
		column += Width(f.Text) + len(Gap)
	}
	if s.Width-column < MinText {
		b.WriteString(text + "\n")
		return
	}
	at := column
	for i, word := range strings.Fields(text) {
		switch n := Width(word); {
		case i == 0:
			at += n
		case at+1+n > s.Width:
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
