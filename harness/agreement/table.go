// Package agreement compares what the engines sim and packet measure of the same
// scenarios: [Measurements] of each, in a [Table], held to [Bounds] where nothing happens
// on purpose. onebar agree makes the runs; docs/fidelity.md has the table.
package agreement

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/metric"
	"github.com/onebar/onebar/harness/result"
)

// Pair is what the two engines measured of one scenario.
type Pair struct {
	Scenario    harness.Scenario
	Sim, Packet Measurements
}

// missing says why a run is not among them. It is empty if all are.
func (p Pair) missing() string { return cmp.Or(p.Sim.Missing, p.Packet.Missing) }

// steady reports whether nothing happens on purpose: only then must both engines
// measure the same. What a fault hits depends on the very instant.
func (p Pair) steady() bool { return len(p.Scenario.Timeline) == 0 }

// column is one figure of the table.
type column struct {
	title string
	unit  string  // after the value of packet
	bound float64 // by how much sim may be off on a steady link, a share of packet's; 0 is any
	value func(Measurements) float64
}

func columns() []column {
	mean := func(figure string) func(Measurements) float64 {
		return func(m Measurements) float64 { return m.sums[figure] / max(m.payments, 1) }
	}
	return []column{
		{"p50(confirm)", " s", 0.05, func(m Measurements) float64 { return m.quantile(50) }},
		{"p95(confirm)", " s", 0.15, func(m Measurements) float64 { return m.quantile(95) }},
		{"bytes a payment", "", 0.05, mean("bytes_per_payment")},
		{"packets a payment", "", 0, mean("packets_per_payment")},
		{"joules a payment", "", 0, mean("joules_per_payment")},
	}
}

// Bounds lists what is held to.
func Bounds() string {
	var parts []string
	for _, c := range columns() {
		if c.bound > 0 {
			parts = append(parts, fmt.Sprintf("%s within %g %%", c.title, 100*c.bound))
		}
	}
	return strings.Join(parts, ", ")
}

// quantile is of the confirmed payments, in seconds.
func (m Measurements) quantile(percent int) float64 {
	if len(m.confirm) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(m.confirm))
	return metric.NearestRank(sorted, percent).Round(10 * time.Microsecond).Seconds()
}

// off returns by how much sim differs from packet, as a share of packet's.
func (c column) off(p Pair) float64 {
	sim, packet := c.value(p.Sim), c.value(p.Packet)
	if sim == packet {
		return 0
	}
	return sim/packet - 1
}

func (c column) outside(p Pair) bool {
	return p.steady() && c.bound > 0 && !(math.Abs(c.off(p)) <= c.bound)
}

func (p Pair) outside() bool {
	return p.missing() == "" && slices.ContainsFunc(columns(), func(c column) bool { return c.outside(p) })
}

// Exit returns the exit code of a comparison: a figure out of bounds is worse than one that
// could not be measured.
func Exit(pairs []Pair) int {
	switch {
	case slices.ContainsFunc(pairs, Pair.outside):
		return result.ExitFail
	case slices.ContainsFunc(pairs, func(p Pair) bool { return p.missing() != "" }):
		return result.ExitUnknown
	}
	return result.ExitPass
}

func (p Pair) row() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| `%s` | %d, %.0f |", p.Scenario.Name, p.Packet.runs, p.Packet.payments)
	columns := columns()
	if p.missing() != "" {
		fmt.Fprintf(&b, " not measured: %s |%s\n", p.missing(), strings.Repeat(" |", len(columns)-1))
		return b.String()
	}
	for _, c := range columns {
		fmt.Fprintf(&b, " %s |", c.cell(p))
	}
	b.WriteString("\n")
	return b.String()
}

// cell is what both measured, bold if it is out of bounds.
func (c column) cell(p Pair) string {
	sim, packet := c.value(p.Sim), c.value(p.Packet)
	text := fmt.Sprintf("%s / %s%s, %s", significant(sim), significant(packet), c.unit, signed(100*c.off(p)))
	if c.outside(p) {
		return "**" + text + "**"
	}
	return text
}

// significant shows three digits or more.
func significant(v float64) string {
	switch {
	case v == 0:
		return "0"
	case math.Abs(v) >= 100:
		return fmt.Sprintf("%.0f", v)
	case math.Abs(v) >= 10:
		return fmt.Sprintf("%.1f", v)
	case math.Abs(v) >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// signed is a percentage as docs/fidelity.md has it.
func signed(percent float64) string {
	text := fmt.Sprintf("%+.1f %%", percent)
	if text == "-0.0 %" || text == "+0.0 %" {
		return "0.0 %"
	}
	return strings.Replace(text, "-", "−", 1)
}

// Table is Markdown: the scenarios without a timeline, which are held to
// bounds, and then the others.
func Table(pairs []Pair) string {
	var b strings.Builder
	for _, part := range []struct {
		steady bool
		title  string
	}{
		{true, "Scenarios without a timeline (" + Bounds() + ", or bold):"},
		{false, "Scenarios in which something happens, for which there are no bounds:"},
	} {
		list := slices.DeleteFunc(slices.Clone(pairs), func(p Pair) bool { return p.steady() != part.steady })
		if len(list) == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\n")
		}
		b.WriteString(part.title + "\n\n| scenario | runs, payments |")
		columns := columns()
		for _, c := range columns {
			fmt.Fprintf(&b, " %s |", c.title)
		}
		b.WriteString("\n|---|---|" + strings.Repeat("---|", len(columns)) + "\n")
		for _, p := range list {
			b.WriteString(p.row())
		}
	}
	return b.String()
}

// The markers of the table in a file.
const (
	begin = "<!-- begin agreement -->\n"
	end   = "<!-- end -->"
)

// Update replaces what stands between the markers of a file.
func Update(path, table string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("update the table: %w", err)
	}
	before, rest, ok := strings.Cut(string(data), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("update %s: it has no place for the table, between lines %q and %q", path, strings.TrimSpace(begin), end)
	}
	if err := os.WriteFile(path, []byte(before+begin+table+end+after), 0o644); err != nil {
		return fmt.Errorf("update the table: %w", err)
	}
	return nil
}
