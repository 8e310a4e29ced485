package main

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness/draft"
	"github.com/onebar/onebar/harness/exchange"
	"github.com/onebar/onebar/harness/spec"
)

// starting is the command line of onebar init.
type starting struct {
	openAPI, pay string
	force        bool
}

func newInit() *cobra.Command {
	var s starting
	cmd := &cobra.Command{
		Use:   "init FILE.yaml",
		Short: "Write a first scenario for your own HTTP endpoint",
		Long: `Write a commented scenario for an HTTP endpoint. onebar asks a few questions, or
reads an OpenAPI document. Press enter to accept the answer in brackets. Then try it:

  onebar doctor FILE.yaml`,
		Example: `  onebar init shop.yaml
  onebar init shop.yaml --openapi openapi.yaml
  onebar init shop.yaml --openapi openapi.yaml --pay /v1/charges`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return s.run(cmd, args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&s.openAPI, "openapi", "", "OpenAPI 3 document of the endpoint, instead of questions")
	f.StringVar(&s.pay, "pay", "", "with --openapi: path of the POST that pays")
	f.BoolVar(&s.force, "force", false, "overwrite an existing file")
	return cmd
}

func (s *starting) run(cmd *cobra.Command, file string) error {
	if s.pay != "" && s.openAPI == "" {
		return errors.New("--pay goes with --openapi")
	}
	if _, err := os.Stat(file); !s.force && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already: give another name, or --force", file)
	}
	var e draft.Endpoint
	var guessed []string
	var err error
	if s.openAPI == "" {
		e, err = interview(&questions{in: bufio.NewScanner(cmd.InOrStdin()), out: cmd.OutOrStdout()}, file)
	} else {
		var data []byte
		if data, err = os.ReadFile(s.openAPI); err == nil {
			e, guessed, err = draft.FromOpenAPI(data, s.pay)
		}
	}
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := e.Write(&text); err != nil {
		return err
	}
	if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the scenario: %w", err)
	}
	out := cmd.OutOrStdout()
	for _, g := range guessed {
		fmt.Fprintf(out, "guessed: %s\n", g)
	}
	lib, err := library()
	if err != nil {
		return err
	}
	if _, err := spec.Parse(file, text.Bytes(), lib); err != nil {
		return fmt.Errorf("wrote %s, and it needs to be mended:\n%w", file, err)
	}
	fmt.Fprintf(out, "wrote %s: read it, mend what is marked \"check\", and then\n\n  onebar doctor %s\n", file, quote(file))
	return nil
}

// questions asks a person.
type questions struct {
	in  *bufio.Scanner
	out io.Writer
	err error // the first
}

// ask asks until the answer is right. Nothing is the fallback.
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

// text asks for anything that is not empty.
func (q *questions) text(question, fallback string) string {
	return q.ask(question, fallback, func(s string) error {
		if s == "" {
			return errors.New("expected something")
		}
		return nil
	})
}

// optional asks for anything.
func (q *questions) optional(question string) string {
	return q.ask(question, "", func(string) error { return nil })
}

// interview asks what has to be known of an endpoint.
func interview(q *questions, file string) (draft.Endpoint, error) {
	e := draft.Endpoint{Name: nameOf(file)}
	q.base(&e)
	e.Command = q.optional("Command that starts it, with {{port}} where its port stands (enter if it runs already)")
	e.Path = q.text("Path of the POST that pays", "/payments")
	e.Preset = q.ask("Semantics of its idempotency keys, one of "+strings.Join(exchange.Presets(), ", "), "ietf", func(s string) error {
		if !slices.Contains(exchange.Presets(), s) {
			return fmt.Errorf("expected one of %s", strings.Join(exchange.Presets(), ", "))
		}
		return nil
	})
	if e.Confirmed = draft.Booked; e.Preset == "stripe" {
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
	n := draft.Names{Amount: field("amount, in minor units such as 1250", "amount")}
	if n.Amount == "" {
		n.Major = field("amount, in major units such as 12.50", "amount")
	}
	n.Currency = field("currency", "currency")
	n.Payer, n.Payee = field("who pays", "-"), field("who is paid", "payee")
	n.Reference = field("reference that the list of payments shows again", "reference")
	e.Body = n.Body()
	if list := q.text("Path of a list of what was booked; - for none", e.Path); list != "-" {
		e.Ledger = &draft.List{Path: list, Fields: n.Booking()}
		if items := q.optional("  field of the answer that holds the list (enter if the answer is the list)"); items != "" {
			e.Ledger.Items = "body." + items
		}
	}
	e.Currency, e.Amount = q.text("Currency", "EUR"), q.text("Amount of an order, or a range", "1..50")
	return e, q.err
}

// base asks where the endpoint is.
func (q *questions) base(e *draft.Endpoint) {
	e.URL = strings.TrimRight(q.ask("URL of the endpoint, without the path that pays", "http://127.0.0.1:8080", func(s string) error {
		u, err := url.Parse(s)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return errors.New("expected a URL such as http://127.0.0.1:8080 or https://api.example.com/v1")
		}
		return nil
	}), "/")
	u, err := url.Parse(e.URL)
	if err != nil {
		return // asked until it could be read, or q.err says why not
	}
	e.Server = u.Host
	if u.Port() == "" {
		e.Server += map[bool]string{true: ":443", false: ":80"}[u.Scheme == "https"]
	}
	if u.Scheme == "http" && u.Path == "" {
		e.URL = "" // what it is without one
	}
}

// nameOf makes the name of a scenario of that of its file.
func nameOf(file string) string {
	name := strings.ToLower(strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)))
	name = strings.TrimLeft(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, name), "-")
	return cmp.Or(name, "my-api")
}
