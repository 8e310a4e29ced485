package reports

import (
	"slices"

	"github.com/onebar/onebar/reports/format"
)

// column is a column of a table with a row for each T.
type column[T any] struct {
	format.Heading
	cell  func(T) format.Cell
	worth func(T) bool // if there is one, the column is left out unless a row makes it so
}

// table is the table of rows.
func table[T any](rows []T, columns []column[T]) format.Grid {
	g := format.Grid{Rows: make([][]format.Cell, len(rows))}
	for _, c := range columns {
		if c.worth != nil && !slices.ContainsFunc(rows, c.worth) {
			continue
		}
		g.Heads = append(g.Heads, c.Heading)
		for i, r := range rows {
			g.Rows[i] = append(g.Rows[i], c.cell(r))
		}
	}
	return g
}

// plain makes cells of texts.
func plain[T any](text func(T) string) func(T) format.Cell {
	return func(t T) format.Cell { return format.Plain.Cell(text(t)) }
}

// right is the heading of a column of numbers; drop is that of format.Heading.
func right(text string, drop int) format.Heading {
	return format.Heading{Text: text, Right: true, Drop: drop}
}
