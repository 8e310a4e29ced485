package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// printer prints rows as a table for people, or as JSON Lines for programs.
type printer struct {
	tab  *tabwriter.Writer
	json *json.Encoder // nil is a table
	err  error

	tables int
}

func newPrinter(w io.Writer, asJSON bool) *printer {
	p := &printer{tab: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	if asJSON {
		p.json = json.NewEncoder(w)
	}
	return p
}

// head begins a table. Its columns are not aligned with those of the table
// before.
func (p *printer) head(columns ...string) {
	if p.json != nil {
		return
	}
	if p.tables++; p.tables > 1 && p.err == nil {
		p.err = p.tab.Flush()
		p.line(nil)
	}
	p.line(columns)
}

// row prints one row: v as JSON unless it is nil, or the cells.
func (p *printer) row(v any, cells ...any) {
	if p.json != nil {
		if p.err == nil && v != nil {
			p.err = p.json.Encode(v)
		}
		return
	}
	texts := make([]string, len(cells))
	for i, c := range cells {
		texts[i] = fmt.Sprint(c)
	}
	p.line(texts)
}

func (p *printer) line(cells []string) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.tab, strings.Join(cells, "\t"))
	}
}

// flush prints what is left and returns the first error.
func (p *printer) flush() error {
	if p.err != nil || p.json != nil {
		return p.err
	}
	return p.tab.Flush()
}

func moment(ms int64) string { return time.UnixMilli(ms).Format("2006-01-02 15:04:05.000") }
