// Package draft writes a first scenario for an HTTP endpoint that somebody else
// wrote, from a few answers ([Endpoint]) or from its OpenAPI document
// ([FromOpenAPI]). The file is full of comments, and meant to be edited.
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

// Endpoint is what has to be known of an API to pay through it and to read what it
// has booked. Texts that are empty are left for the reader to fill in, or have the
// default that the scenario format gives them.
type Endpoint struct {
	Name    string // of the scenario
	URL     string // with http or https, and the path that others are relative to
	Server  string // host:port
	Command string // that starts the server, in place of one that is there already; words apart by spaces
	Preset  string // of package exchange
	Secret  string // environment variable whose value is sent as a bearer token; empty is none

	KeyHeader string // in place of the preset's
	Path      string // of pay; it may hold templates
	Body      string // of pay: JSON with templates
	Form      []Field
	Confirmed string // condition under which the money has moved; empty only if the preset says it

	Ledger   *List // nil is none
	Currency string
	Amount   string // of an order, in major units, such as 1..50
}

// Field is a field and the text or expression for it.
type Field struct{ Name, Text string }

// List is where bookings are listed.
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
		"quote": quote, "indent": indent, "words": strings.Fields,
	})
	if err := template.Must(t.Parse(scenario)).Execute(w, e); err != nil {
		return fmt.Errorf("write the draft of a scenario: %w", err)
	}
	return nil
}

// quote writes a text as YAML, in quotes.
func quote(s string) (string, error) { return jsonText(s) } // a JSON string is one of YAML

// jsonText writes a value as JSON.
func jsonText(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// indent writes a text as the lines of a block of YAML.
func indent(by int, s string) string {
	return strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n"+strings.Repeat(" ", by))
}

// Names are what the fields of a payment are called by an endpoint, in its JSON and in
// its list of what was booked. An empty name is a field that it has not.
type Names struct {
	Amount    string // in minor units
	Major     string // in place of Amount: in major units
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

// Title returns what a preset is the semantics of.
func (e Endpoint) Title() string {
	p, _ := exchange.PresetOf(e.Preset)
	return p.Title
}
