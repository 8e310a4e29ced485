package draft

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness/exchange"
)

type questions struct {
	in  *bufio.Scanner
	out io.Writer
	err error // the first
}

// ask asks until the answer is right. An empty answer is the fallback.
func (q *questions) ask(question, fallback string, right func(string) error) string {
	for q.err == nil {
		if fallback == "" {
			fmt.Fprintf(q.out, "%s: ", question)
		} else {
			fmt.Fprintf(q.out, "%s [%s]: ", question, fallback)
		}
		if !q.in.Scan() {
			q.err = cmp.Or(q.in.Err(), fmt.Errorf("no answer to %q: nothing was written", question))
			break
		}
		answer := cmp.Or(strings.TrimSpace(q.in.Text()), fallback)
		if err := right(answer); err != nil {
			fmt.Fprintf(q.out, "  %v\n", err)
			continue
		}
		return answer
	}
	return ""
}

func (q *questions) text(question, fallback string) string {
	return q.ask(question, fallback, func(s string) error {
		if s == "" {
			return errors.New("expected an answer")
		}
		return nil
	})
}

func (q *questions) optional(question string) string {
	return q.ask(question, "", func(string) error { return nil })
}

// Interview writes questions about an endpoint to out, and reads the answers from in, one
// on each line. An empty line accepts the answer in brackets. It repeats a question after
// a wrong answer. name is the scenario's. It is an error if in ends early.
func Interview(in io.Reader, out io.Writer, name string) (Endpoint, error) {
	q := &questions{in: bufio.NewScanner(in), out: out}
	e := Endpoint{Name: name}
	q.base(&e)
	e.Command = q.optional("Command that starts it, with {{port}} where its port stands (enter if it runs already)")
	e.Path = q.text("Path of the POST that pays", "/payments")
	e.Preset = q.ask("Semantics of its idempotency keys, one of "+strings.Join(exchange.Presets(), ", "), "ietf", func(s string) error {
		if !slices.Contains(exchange.Presets(), s) {
			return fmt.Errorf("expected one of %s", strings.Join(exchange.Presets(), ", "))
		}
		return nil
	})
	if e.Confirmed = Booked; e.Preset == "stripe" {
		e.Confirmed = "" // its preset knows
	}
	if e.Confirmed != "" {
		e.Confirmed = q.text("Condition on the answer when the money has moved, such as status == 201 and body.state == \"done\"", e.Confirmed)
	}
	e.Secret = q.optional("Environment variable with a bearer token (enter if none is needed)")
	fmt.Fprintln(q.out, "Fields of the JSON that pays; - for none:")
	field := func(what, fallback string) string {
		if name := q.text("  "+what, fallback); name != "-" {
			return name
		}
		return ""
	}
	n := Names{Amount: field("amount, in minor units such as 1250", "amount")}
	if n.Amount == "" {
		n.Major = field("amount, in major units such as 12.50", "amount")
	}
	n.Currency = field("currency", "currency")
	n.Payer, n.Payee = field("who pays", "-"), field("who is paid", "payee")
	n.Reference = field("reference that the list of payments shows again", "reference")
	e.Body = n.Body()
	if list := q.text("Path of a list of what was booked; - for none", e.Path); list != "-" {
		e.Ledger = &List{Path: list, Fields: n.Booking()}
		if items := q.optional("  field of the answer that holds the list (enter if the answer is the list)"); items != "" {
			e.Ledger.Items = "body." + items
		}
	}
	e.Currency, e.Amount = q.text("Currency", "EUR"), q.text("Amount of an order, or a range", "1..50")
	return e, q.err
}

func (q *questions) base(e *Endpoint) {
	e.URL = strings.TrimRight(q.ask("URL of the endpoint, without the path that pays", "http://127.0.0.1:8080", func(s string) error {
		u, err := url.Parse(s)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return errors.New("expected a URL such as http://127.0.0.1:8080 or https://api.example.com/v1")
		}
		return nil
	}), "/")
	u, err := url.Parse(e.URL)
	if err != nil {
		return // the question was repeated until the URL could be parsed, or q.err is set
	}
	e.Server = u.Host
	if u.Port() == "" {
		e.Server += map[bool]string{true: ":443", false: ":80"}[u.Scheme == "https"]
	}
	if u.Scheme == "http" && u.Path == "" {
		e.URL = "" // the default of the format
	}
}
