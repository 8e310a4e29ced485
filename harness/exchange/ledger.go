package exchange

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr/types"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/exchange/language"
	"github.com/onebar/onebar/harness/sut"
)

// Ledger is a compiled sut.HTTPLedger. It is read only.
type Ledger struct {
	Config   sut.HTTPLedger // with defaults filled in; its texts hold no secrets
	URL      string
	Bookings List
	Balances *List // nil is none

	where           *expression
	fields, balance map[string]*expression
}

// List is a list of an API, in pages.
type List struct {
	First *Request
	Path  string // of the first page, as configured

	items, next *expression
}

// NewLedger compiles a ledger as NewClient compiles a client.
func NewLedger(config sut.HTTPLedger, server string, lookup Lookup) (*Ledger, []*Problem) {
	c := &compiler{lookup: lookup}
	or(&config.Timeout, 0, defaultTimeout)
	got := &Ledger{Config: config, URL: c.base("url", config.URL, server)}
	item := runScope().With(scope{"item": types.Any})
	list := func(at, path, items, next string) List {
		answered := runScope().With(answerScope())
		return List{
			First: c.request(at, sut.HTTPRequest{Path: path}, got.URL, config.Headers, runScope()), Path: path,
			items: c.expression(at+"items", cmp.Or(items, "body"), answered),
			next:  c.expression(at+"next", next, answered.With(pageScope())),
		}
	}
	got.Bookings = list("", config.Path, config.Items, config.Next)
	got.where = c.condition("where", config.Where, item)
	f := config.Fields
	got.fields = c.mapped("fields.", map[string]string{
		"id": f.ID, "amount": f.Amount, "major": f.Major, "currency": f.Currency,
		"payer": f.Payer, "payee": f.Payee, "payment": f.Payment, "order": f.Order,
	}, item)
	if f.ID == "" {
		c.errorf("fields", "no id: what tells one booking from another; such as id: item.id")
	}
	if (f.Amount == "") == (f.Major == "") {
		c.errorf("fields", "give one of amount, in minor units such as 1250, and major, in major units such as 12.50")
	}
	if b := config.Balances; b != nil {
		balances := list("balances.", b.Path, b.Items, b.Next)
		got.Balances = &balances
		got.balance = c.mapped("balances.", map[string]string{"account": b.Account, "amount": b.Amount, "major": b.Major}, item)
		if b.Account == "" || (b.Amount == "") == (b.Major == "") {
			c.errorf("balances", "give account, and one of amount (minor units) and major (major units)")
		}
	}
	return got, c.problems
}

func (c *compiler) mapped(at string, texts map[string]string, s scope) map[string]*expression {
	got := map[string]*expression{}
	for _, name := range names(texts) {
		if e := c.expression(at+name, texts[name], s); e != nil {
			got[name] = e
		}
	}
	return got
}

// Next returns the request of an address that Page has returned.
func (l *List) Next(path string) *Request {
	next := *l.First
	next.path = language.Literal(path)
	return &next
}

// Page is one page of a list.
type Page struct {
	Number int // from 1
	Offset int // items before it
}

// Page returns the items of an answer, and the path of the next page, which is
// empty if this is the last.
func (l *List) Page(a Answer, p Page, v Vars) (items []any, next string, err error) {
	v = v.With(a.vars())
	if items, err = list(l.items, a, v); err != nil || l.next == nil {
		return items, "", err
	}
	got, err := l.next.Value(v.With(Vars{"items": items, "page": p.Number, "offset": p.Offset}))
	if err != nil {
		return nil, "", fmt.Errorf("next: %w", err)
	}
	if got == nil || got == false {
		return items, "", nil
	}
	next, ok := language.Scalar(got)
	if !ok {
		return nil, "", fmt.Errorf("next: %s is %s and no path", l.next.Text, language.Kind(got))
	}
	return items, next, nil
}

// remedy says what to check after an answer that is not a success.
func remedy(a Answer) string {
	to, _, _ := strings.Cut(a.Header.Get("Location"), "?") // a query may hold secrets
	switch {
	case a.Status/100 == 3 && to != "":
		return " to " + to + ", and redirects are not followed: check url and path"
	case a.Status == 401 || a.Status == 403:
		return ": check headers, and the variables of the environment in them"
	case a.Status == 404:
		return ": check url and path"
	}
	return ""
}

func list(items *expression, a Answer, v Vars) ([]any, error) {
	if a.Status < 200 || a.Status > 299 {
		return nil, fmt.Errorf("the answer is HTTP %d%s", a.Status, remedy(a))
	}
	if v["body"] == nil && string(bytes.TrimSpace(a.Body)) != "null" {
		return nil, fmt.Errorf("the answer is no JSON (%s): is this the API? check url and path",
			cmp.Or(a.Header.Get("Content-Type"), "without a type"))
	}
	got, err := items.Value(v)
	if err != nil {
		return nil, fmt.Errorf("items: %w", err)
	}
	if got == nil {
		return nil, fmt.Errorf("items: %s is not there; if that is how the server writes an empty list, say %s ?? []", items.Text, items.Text)
	}
	all, ok := got.([]any)
	if !ok {
		return nil, fmt.Errorf("items: %s is %s and no list", items.Text, language.Kind(got))
	}
	return all, nil
}

// Posting returns an item as a booking, with the server's names, or false if it is not a
// booking. currency is the scenario's, for an item without a currency.
func (l *Ledger) Posting(item any, currency string, v Vars) (p harness.Posting, is bool, err error) {
	v = v.With(Vars{"item": item})
	if l.where != nil {
		if is, err = l.where.Yes(v); err != nil || !is {
			return p, false, wrap("where", err)
		}
	}
	p.Currency = currency
	for name, to := range map[string]*string{
		"id": &p.ID, "currency": &p.Currency, "payer": &p.Payer, "payee": &p.Payee, "payment": &p.Payment, "order": &p.Order,
	} {
		if err := l.field(name, to, v); err != nil {
			return p, false, err
		}
	}
	if p.ID == "" {
		return p, false, errors.New("fields.id: an item has none")
	}
	p.Currency = strings.ToUpper(p.Currency)
	p.Amount, err = amount(l.fields, p.Currency, v)
	return p, err == nil, wrap("fields", err)
}

// Lacks returns the fields that are configured and that an item does not have, in
// alphabetical order.
func (l *Ledger) Lacks(item any, v Vars) []string {
	v = v.With(Vars{"item": item})
	var names []string
	for _, name := range slices.Sorted(maps.Keys(l.fields)) {
		if got, err := l.fields[name].Value(v); err == nil && got == nil {
			names = append(names, name)
		}
	}
	return names
}

// field sets *to to the text of a field. It does nothing if the item does not have it.
func (l *Ledger) field(name string, to *string, v Vars) error {
	e := l.fields[name]
	if e == nil {
		return nil
	}
	got, err := e.Value(v)
	if err != nil || got == nil {
		return wrap("fields."+name, err)
	}
	s, ok := language.Scalar(got)
	if !ok {
		return fmt.Errorf("fields.%s: %s is %s", name, e.Text, language.Kind(got))
	}
	*to = s
	return nil
}

// Account returns the account of an item of the balances, by the server's name.
func (l *Ledger) Account(item any, v Vars) (string, error) {
	account, err := l.balance["account"].Word(v.With(Vars{"item": item}))
	return account, wrap("balances.account", err)
}

// Balance returns the balance of an item, in minor units of a currency.
func (l *Ledger) Balance(item any, currency string, v Vars) (int64, error) {
	minor, err := amount(l.balance, currency, v.With(Vars{"item": item}))
	return minor, wrap("balances", err)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// amount returns the value of the field amount or major in minor units, exactly.
func amount(fields map[string]*expression, currency string, v Vars) (int64, error) {
	name, scale := "amount", 0
	if fields[name] == nil {
		name, scale = "major", harness.Exponent(currency)
	}
	s, err := fields[name].Word(v)
	if err != nil {
		return 0, wrap(name, err)
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok || len(s) > maxDigits {
		return 0, fmt.Errorf("%s: %q is no amount", name, s)
	}
	r.Mul(r, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
	if !r.IsInt() || !r.Num().IsInt64() {
		return 0, fmt.Errorf("%s: %s %s is not whole in minor units", name, s, currency)
	}
	return r.Num().Int64(), nil
}

// maxDigits bounds the length of a written amount.
const maxDigits = 24

// PaymentVars returns the values of a payment for expressions. payer and payee are the
// server's names.
func PaymentVars(p harness.Payment, payer, payee, reference string) Vars {
	return Vars{"payment": map[string]any{
		"id": p.ID, "order": p.Order, "reference": reference, "amount": p.Amount, "major": Major(p.Amount, p.Currency),
		"currency": p.Currency, "payer": payer, "payee": payee, "wallet": p.Wallet,
	}}
}

// RunVars returns the values of a run for expressions.
func RunVars(id string, started time.Time) Vars {
	return Vars{"run": map[string]any{"id": id, "started": started.Unix()}}
}

// Major writes an amount of minor units in major units, with all digits: 12.50.
func Major(minor int64, currency string) string {
	n := harness.Exponent(currency)
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
	if n == 0 {
		return strconv.FormatInt(minor, 10)
	}
	return new(big.Rat).SetFrac(big.NewInt(minor), scale).FloatString(n)
}
