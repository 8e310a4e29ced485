package format

import (
	"slices"
	"strings"
)

// Column is a column of a table with a row for each T.
type Column[T any] struct {
	Heading
	Cell  func(T) Cell
	Worth func(T) bool // if there is one, the column is left out unless a row makes it so
}

// Left returns a column of texts. A text that is no more than None, or a pair of them, is
// dim.
func Left[T any](heading string, text func(T) string) Column[T] {
	return Column[T]{Heading: Heading{Text: heading}, Cell: func(t T) Cell {
		s := text(t)
		if strings.Trim(s, None+"/") == "" {
			return Dim.Cell(s)
		}
		return Plain.Cell(s)
	}}
}

// Right returns a column of numbers. Its place among those to be left out is drop, see
// Heading.
func Right[T any](heading string, drop int, text func(T) string) Column[T] {
	c := Left(heading, text)
	c.Right, c.Drop = true, drop
	return c
}

// If returns c with a Worth.
func (c Column[T]) If(worth func(T) bool) Column[T] {
	c.Worth = worth
	return c
}

// Table returns the table of rows.
func Table[T any](rows []T, columns ...Column[T]) Grid {
	g := Grid{Rows: make([][]Cell, len(rows))}
	for _, c := range columns {
		if c.Worth != nil && !slices.ContainsFunc(rows, c.Worth) {
			continue
		}
		g.Heads = append(g.Heads, c.Heading)
		for i, r := range rows {
			g.Rows[i] = append(g.Rows[i], c.Cell(r))
		}
	}
	return g
}
