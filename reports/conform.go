package reports

import (
	"fmt"
	"strings"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/format"
)

// Conform is the report of a conformance for people: what each probe expected and saw.
func Conform(c result.Conformance) Report {
	return drawn(func(s format.Style) string {
		var b strings.Builder
		for _, p := range c.Probes {
			verdict := format.Verdict(strings.ToUpper(p.Status.String()), len("UNKNOWN"))
			fmt.Fprintf(&b, "%s  %-17s  %s\n         %-17s  expected: %s\n         %-17s  seen:     %s\n",
				s.PaintCell(verdict), p.Name, p.Title, "", format.Clean(p.Expected), "", format.Clean(p.Seen))
		}
		return b.String()
	})
}
