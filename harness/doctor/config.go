package doctor

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/exchange"
	"github.com/onebar/onebar/harness/sut"
)

// httpClient returns the HTTP client, completed by its preset and the defaults, or nil if
// the scenario has none.
func (e *examination) httpClient() *sut.HTTPClient {
	c := e.scenario.Subject.Client
	if c == nil || c.HTTP == nil {
		return nil
	}
	plan, _ := exchange.NewClient(*c.HTTP, "server", nil)
	return &plan.Config
}

func (e *examination) client() {
	h := e.httpClient()
	if h == nil {
		return
	}
	switch h.Key {
	case exchange.KeyNone:
		e.note("The client sends no idempotency key: if an answer is lost, the next attempt is a new payment for the server, unless the server recognises the payment by something else.", yamlAt("client.http", "key: payment"))
	case exchange.KeyAttempt:
		e.note("The client makes a key for each attempt: if an answer is lost, the next attempt is a new payment for the server.", yamlAt("client.http", "key: payment"))
	}
	if t := h.TLS; t != nil && t.Insecure {
		e.note("The client trusts every certificate: say which one it must trust.", yamlAt("client.http", "tls: {ca: ca.pem}"))
	}
	if u, err := url.Parse(h.URL); err == nil && u.Scheme == "http" && !isLocal(u.Hostname()) && !strings.Contains(h.URL, "${") {
		e.note("Payments go to "+u.Host+" without TLS: everyone on the network path can read and change them.", yamlAt("client.http", "url: \"https://"+u.Host+u.Path+"\""))
	}
	if h.Retry.Attempts == 1 {
		e.note("The client makes one attempt: if its answer is lost, the payer never knows the outcome, and the run fails as unresolved.", yamlAt("client.http", "retry: {attempts: 3}"))
	}
}

func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && (ip.IsLoopback() || ip.IsPrivate())
}

func (e *examination) ledger() {
	l := e.scenario.Subject.Ledger
	if l == nil {
		return
	}
	if l.None {
		e.note("There is no ledger, so onebar cannot judge whether payments are lost, duplicated or altered. Give a list over HTTP, a query, or a program that prints the bookings.",
			yamlAt("ledger", "http: {path: /payments, fields: {id: item.id, amount: item.amount, payment: item.reference}}"))
		return
	}
	e.slowReading()
	if l.HTTP != nil {
		e.listFields(*l.HTTP)
	}
	if len(e.balances) == 0 && e.result.Error == "" {
		text, yaml := "No balances are read, so onebar cannot judge whether accounts add up (unbalanced).", ""
		switch {
		case l.HTTP != nil:
			yaml = yamlAt("ledger.http", "balances: {path: /accounts, account: item.id, amount: item.balance}")
		case l.SQL != nil:
			yaml = yamlAt("ledger.sql", fmt.Sprintf("balances: SELECT name AS account, '%s' AS currency, balance FROM accounts", e.scenario.Workload.Currency))
		}
		if yaml != "" {
			text += " If the server gives them, add for example:"
		} else {
			text += " Make the ledger program print lines with the key account, too."
		}
		e.note(text, yaml)
	}
}

func (e *examination) listFields(l sut.HTTPLedger) {
	f := l.Fields
	if f.Payment == "" && f.Order == "" || e.matchedByAmount() {
		e.byAmount()
	}
	var missing, yaml []string
	for _, side := range []struct{ name, field string }{{"payer", f.Payer}, {"payee", f.Payee}} {
		if side.field == "" {
			missing = append(missing, side.name)
			yaml = append(yaml, side.name+": item."+side.name)
		}
	}
	if len(missing) > 0 {
		e.note("The ledger names no "+strings.Join(missing, " and no ")+", so onebar cannot judge whether money moves between the right accounts. If its items have them, add for example:", yamlAt("ledger.http", "fields: {"+strings.Join(yaml, ", ")+"}"))
	}
}

func (e *examination) matchedByAmount() bool {
	return slices.ContainsFunc(e.result.Notes, func(n string) bool { return strings.Contains(n, "by their amounts") })
}

// byAmount gives advice about a ledger that names no payment.
func (e *examination) byAmount() {
	field := e.reference()
	text := "Bookings are matched to payments by their amounts alone, which is right only while amounts differ: send payment.reference with the payment, and give the field of the list that returns it."
	if field == "" {
		field = "item.reference"
	} else {
		text = "Bookings are matched to payments by their amounts alone, which is right only while amounts differ; the list has a name of the payment from the request, in " + field + "."
	}
	w := e.scenario.Workload
	pairs := float64(w.Payments) * float64(w.Payments-1) / 2
	same := pairs / float64(w.AmountMax-w.AmountMin+1) // expected number of pairs of one amount, as of birthdays
	yaml := yamlAt("ledger.http", "fields: {payment: "+field+"}")
	if same >= 1 {
		e.must(fmt.Sprintf("%s About %.0f pairs of the %d orders of this scenario will have the same amount, and then the ledger cannot be read; or widen workload.amount.", text, same, w.Payments), yaml)
		return
	}
	e.note(text, yaml)
}

// unmatched gives advice about new bookings that were not matched to the payment.
func (e *examination) unmatched(stray []harness.Posting) {
	p := stray[0]
	l := e.scenario.Subject.Ledger
	switch {
	case l == nil:
		return // the reference pair: the checks say it
	case l.HTTP != nil:
		e.must(fmt.Sprintf("The ledger has a new booking, %s, but no field says that it belongs to the payment%s.", p.ID, e.namesInstead(p, l.HTTP.Fields)), e.fieldYAML())
	case l.SQL != nil:
		e.must(fmt.Sprintf("The query gives a new booking, %s, but its payment %q is none of the payment's names: the column payment must hold payment.id, payment.reference or the idempotency key, whichever the request has sent.", p.ID, p.Payment), "")
	default:
		e.must(fmt.Sprintf("The ledger program prints a new booking, %s, but its payment %q is none of the payment's names: it must be the payment's id, or a key that the client has reported by the event called.", p.ID, p.Payment), "")
	}
}

// namesInstead says what a booking has where the payment should be.
func (e *examination) namesInstead(p harness.Posting, f sut.HTTPFields) string {
	text := ""
	if f.Payment != "" {
		text = fmt.Sprintf(": %s is %q", f.Payment, p.Payment)
		if p.Payment == "" {
			text = fmt.Sprintf(": %s is not there", f.Payment)
		}
	} else if f.Order == "" {
		text = fmt.Sprintf(": no order is of its amount, %s (check amount or major)", harness.FormatMoney(p.Amount, p.Currency))
	}
	if field := e.reference(); field != "" {
		return text + "; the name from the request stands in " + field
	}
	n, last := e.listed()
	return fmt.Sprintf("%s; send payment.reference in a field that the server stores. The last of its %d items is %s", text, n, last)
}

func (e *examination) fieldYAML() string {
	field := e.reference()
	if field == "" {
		return ""
	}
	return yamlAt("ledger.http", "fields: {payment: "+field+"}")
}

// abilities gives notes about faults that this subject does not support, and about what
// cannot be judged.
func (e *examination) abilities() {
	s := e.scenario.Subject
	if s.Client == nil || s.Server == nil {
		return // the reference pair supports everything
	}
	if s.Server.Address != "" {
		e.note("The server cannot be crashed or frozen, because onebar did not start it: scenarios with crash: server need server: exec or container.", "")
	}
	if s.Client.HTTP != nil {
		e.note("The client cannot be crashed, because it is onebar itself: to test an app that stores payments, use client: exec.", "")
	}
	if c := s.Client.Exec; c != nil && !c.Holds {
		e.note("The client does not say which payments it still holds: onebar cannot tell a forgotten payment from one that the client still attempts.", yamlAt("client.exec", "holds: true"))
	}
	if !e.subject.Abilities().Has(harness.ReportCommits) {
		e.note("The server does not report when a booking is durable, so onebar cannot judge whether a payer is told too early (early). There is nothing to add.", "")
	}
}
