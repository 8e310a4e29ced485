package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
)

// pair is what the two engines measured of one scenario.
type pair struct {
	scenario    harness.Scenario
	sim, packet totals
	missing     string // why a run is not among them; empty if all are
}

func (p *pair) of(engine string) *totals {
	if engine == simulated {
		return &p.sim
	}
	return &p.packet
}

// steady reports whether nothing happens on purpose: only then must both engines
// measure the same. What a fault hits depends on the very instant.
func (p pair) steady() bool { return len(p.scenario.Timeline) == 0 }

// column is one figure of the table.
type column struct {
	title string
	unit  string  // after the value of packet
	bound float64 // by how much sim may be off on a steady link, a share of packet's; 0 is any
	value func(totals) float64
}

func agreementColumns() []column {
	mean := func(figure string) func(totals) float64 {
		return func(t totals) float64 { return t.sums[figure] / max(t.payments, 1) }
	}
	return []column{
		{"p50(confirm)", " s", 0.05, func(t totals) float64 { return t.quantile(50) }},
		{"p95(confirm)", " s", 0.15, func(t totals) float64 { return t.quantile(95) }},
		{"bytes a payment", "", 0.05, mean("bytes_per_payment")},
		{"packets a payment", "", 0, mean("packets_per_payment")},
		{"joules a payment", "", 0, mean("joules_per_payment")},
	}
}

// bounds lists what is held to.
func bounds() string {
	var parts []string
	for _, c := range agreementColumns() {
		if c.bound > 0 {
			parts = append(parts, fmt.Sprintf("%s within %g %%", c.title, 100*c.bound))
		}
	}
	return strings.Join(parts, ", ")
}

// quantile is of the confirmed payments, by nearest rank as in package metric,
// seconds.
func (t totals) quantile(percent int) float64 {
	if len(t.confirm) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(t.confirm))
	return sorted[(percent*len(sorted)+99)/100-1].Round(10 * time.Microsecond).Seconds()
}

// off returns by how much sim differs from packet, as a share of packet's.
func (c column) off(p pair) float64 {
	sim, packet := c.value(p.sim), c.value(p.packet)
	if sim == packet {
		return 0
	}
	return sim/packet - 1
}

// outside reports whether sim is too far off.
func (c column) outside(p pair) bool {
	return p.steady() && c.bound > 0 && !(math.Abs(c.off(p)) <= c.bound)
}

// outside reports whether a figure of the scenario is out of its bound.
func (p pair) outside() bool {
	return p.missing == "" && slices.ContainsFunc(agreementColumns(), func(c column) bool { return c.outside(p) })
}

// row is the row of the table.
func (p pair) row() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| `%s` | %d, %.0f |", p.scenario.Name, p.packet.runs, p.packet.payments)
	columns := agreementColumns()
	if p.missing != "" {
		fmt.Fprintf(&b, " not measured: %s |%s\n", p.missing, strings.Repeat(" |", len(columns)-1))
		return b.String()
	}
	for _, c := range columns {
		fmt.Fprintf(&b, " %s |", c.cell(p))
	}
	b.WriteString("\n")
	return b.String()
}

// cell is what both measured, bold if it is out of bounds.
func (c column) cell(p pair) string {
	sim, packet := c.value(p.sim), c.value(p.packet)
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

// agreementTable is Markdown: the scenarios without a timeline, which are held to
// bounds, and then the others.
func agreementTable(pairs []pair) string {
	var b strings.Builder
	for _, part := range []struct {
		steady bool
		title  string
	}{
		{true, "Scenarios without a timeline (" + bounds() + ", or bold):"},
		{false, "Scenarios in which something happens, for which there are no bounds:"},
	} {
		list := slices.DeleteFunc(slices.Clone(pairs), func(p pair) bool { return p.steady() != part.steady })
		if len(list) == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\n")
		}
		b.WriteString(part.title + "\n\n| scenario | runs, payments |")
		columns := agreementColumns()
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
	agreementBegin = "<!-- begin agreement -->\n"
	agreementEnd   = "<!-- end -->"
)

// updateBetween replaces what stands between the markers of a file.
func updateBetween(path, table string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("update the table: %w", err)
	}
	before, rest, ok := strings.Cut(string(data), agreementBegin)
	_, after, closed := strings.Cut(rest, agreementEnd)
	if !ok || !closed {
		return fmt.Errorf("update %s: it has no place for the table, between lines %q and %q", path, strings.TrimSpace(agreementBegin), agreementEnd)
	}
	if err := os.WriteFile(path, []byte(before+agreementBegin+table+agreementEnd+after), 0o644); err != nil {
		return fmt.Errorf("update the table: %w", err)
	}
	return nil
}
