// Package draft writes a first scenario for an external HTTP endpoint, from a few answers
// ([Endpoint]) or from its OpenAPI document ([FromOpenAPI]). The file has many comments,
// and the user is expected to edit it.
package draft

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/template"

	"github.com/onebar/onebar/harness/exchange"
)

// Endpoint describes how to pay through an API and how to read its bookings. An empty
// text is left for the user to fill in, or has the default of the scenario format.
type Endpoint struct {
	Name    string // of the scenario
	URL     string // with http or https, and the path that others are relative to
	Server  string // host:port
	Command string // that starts the server; empty if it runs already; words are separated by spaces
	Preset  string // of package exchange
	Secret  string // environment variable whose value is sent as a bearer token; empty is none

	KeyHeader string // overrides that of the preset
	Path      string // of pay; it may hold templates
	Body      string // of pay: JSON with templates
	Form      []Field
	Confirmed string // condition under which the money has moved; empty only if the preset has one

	Ledger   *List // nil is none
	Currency string
	Amount   string // of an order, in major units, such as 1..50
}

// Field is a field and the text or expression for it.
type Field struct{ Name, Text string }

// List describes a list of bookings.
type List struct {
	Path   string
	Items  string // expression; empty is the body
	Fields []Field
}

//go:embed scenario.yaml.tmpl
var scenario string

// Write writes the scenario.
func (e Endpoint) Write(w io.Writer) error {
	t := template.New("scenario").Delims("<<", ">>").Funcs(template.FuncMap{
		"quote": jsonText /* a JSON string is also a YAML string */, "indent": indent, "words": strings.Fields,
	})
	if err := template.Must(t.Parse(scenario)).Execute(w, e); err != nil {
		return fmt.Errorf("write the draft of a scenario: %w", err)
	}
	return nil
}

func jsonText(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// indent writes a text as the lines of a block of YAML.
func indent(by int, s string) string {
	return strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n"+strings.Repeat(" ", by))
}

// Names are an endpoint's names of the fields of a payment, in its JSON and in its list
// of bookings. An empty name is a field that it does not have.
type Names struct {
	Amount    string // in minor units
	Major     string // in major units, instead of Amount
	Currency  string
	Payer     string
	Payee     string
	Reference string
}

// Body returns the body of a payment.
func (n Names) Body() string {
	var lines []string
	for _, f := range []Field{
		{n.Amount, "{{ payment.amount }}"},
		{n.Major, "{{ json(payment.major) }}"},
		{n.Currency, "{{ json(payment.currency) }}"},
		{n.Payer, "{{ json(payment.payer) }}"},
		{n.Payee, "{{ json(payment.payee) }}"},
		{n.Reference, "{{ json(payment.reference) }}"},
	} {
		if f.Name != "" {
			lines = append(lines, fmt.Sprintf("  %q: %s", f.Name, f.Text))
		}
	}
	return "{\n" + strings.Join(lines, ",\n") + "\n}"
}

// Booking returns the fields of a booking in the list.
func (n Names) Booking() []Field {
	fields := []Field{{"id", "item.id"}}
	for _, f := range []Field{
		{"amount", n.Amount},
		{"major", n.Major},
		{"currency", n.Currency},
		{"payer", n.Payer},
		{"payee", n.Payee},
		{"payment", n.Reference},
	} {
		if f.Text != "" {
			fields = append(fields, Field{f.Name, "item." + f.Text})
		}
	}
	return fields
}

// Title returns the API or document whose semantics the preset has.
func (e Endpoint) Title() string {
	p, _ := exchange.PresetOf(e.Preset)
	return p.Title
}
