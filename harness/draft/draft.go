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

// Body returns the body of a payment of which the fields have these names; an empty
// name leaves the field out.
func Body(amount, currency, payee, reference string) string {
	var lines []string
	for _, f := range []struct{ name, value string }{
		{amount, "{{ payment.amount }}"},
		{currency, "{{ json(payment.currency) }}"},
		{payee, "{{ json(payment.payee) }}"},
		{reference, "{{ json(payment.reference) }}"},
	} {
		if f.name != "" {
			lines = append(lines, fmt.Sprintf("  %q: %s", f.name, f.value))
		}
	}
	return "{\n" + strings.Join(lines, ",\n") + "\n}"
}

// Title returns what a preset is the semantics of.
func (e Endpoint) Title() string {
	p, _ := exchange.PresetOf(e.Preset)
	return p.Title
}
