package reports

import (
	"fmt"
	"io"

	"github.com/onebar/onebar/reports/format"
)

// Report writes itself to w, in one piece and to nothing else. It may be written
// again.
type Report func(w io.Writer) error

// drawn returns a report for people. It is drawn in the style of its writer.
func drawn(draw func(s format.Style) string) Report {
	return func(w io.Writer) error { return send(w, "console", draw(format.StyleOf(w))) }
}

// send writes a finished report in one piece.
func send(w io.Writer, what, text string) error {
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("write %s report: %w", what, err)
	}
	return nil
}
