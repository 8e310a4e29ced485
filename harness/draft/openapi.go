package draft

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// FromOpenAPI drafts an endpoint from an OpenAPI 3 document, in YAML or JSON, and lists
// its guesses. pay is the path of the operation that pays; if it is empty, the likeliest
// POST is used. If none is likely, the error lists the paths.
func FromOpenAPI(data []byte, pay string) (e Endpoint, guessed []string, err error) {
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return e, nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	if doc.Paths.Len() == 0 {
		return e, nil, errors.New("the document has no paths: expected OpenAPI 3, with the operation that pays")
	}
	path, op, err := payOperation(doc, pay)
	if err != nil {
		return e, nil, err
	}
	d := drafting{doc: doc, path: path, op: op}
	d.e = Endpoint{Preset: "ietf", Currency: "EUR", Amount: "1..50", Path: path, Confirmed: Booked}
	d.server()
	d.key()
	d.secret()
	d.body()
	d.ledger()
	d.guess("payments are made by POST %s", path)
	d.guess("the money has moved if the answer's %s", Booked)
	return d.e, d.guessed, nil
}

// Booked is the likeliest condition under which the money has moved.
const Booked = "status in [200, 201]"

type drafting struct {
	doc     *openapi3.T
	path    string
	op      *openapi3.Operation
	e       Endpoint
	guessed []string
}

func (d *drafting) guess(format string, args ...any) {
	d.guessed = append(d.guessed, fmt.Sprintf(format, args...))
}

// payWords returns the words that identify the operation that pays, the likeliest first.
func payWords() []string {
	return []string{"payment", "charge", "transfer", "transaction", "pay", "checkout", "order"}
}

// payOperation finds the POST that pays: by its path, or as the one whose path ends
// in the likeliest word.
func payOperation(doc *openapi3.T, pay string) (string, *openapi3.Operation, error) {
	var posts []string
	best, bestRank := "", len(payWords())
	for _, path := range slices.Sorted(maps.Keys(doc.Paths.Map())) {
		if doc.Paths.Value(path).Post == nil {
			continue
		}
		posts = append(posts, path)
		if r := rank(path[strings.LastIndexByte(path, '/')+1:], payWords()); r < bestRank {
			best, bestRank = path, r
		}
	}
	if pay != "" {
		best = pay
	}
	if item := doc.Paths.Value(best); best != "" && item != nil && item.Post != nil {
		return best, item.Post, nil
	}
	if len(posts) == 0 {
		return "", nil, errors.New("the document has no POST: expected an operation that pays")
	}
	return "", nil, fmt.Errorf("which operation pays cannot be told: give one with --pay, of %s", strings.Join(posts, ", "))
}

// rank returns the index of the first of words that s contains, or their number.
func rank(s string, words []string) int {
	s = strings.ToLower(s)
	i := slices.IndexFunc(words, func(w string) bool { return strings.Contains(s, w) })
	if i < 0 {
		return len(words)
	}
	return i
}

// server takes the address from the first of the document's servers.
func (d *drafting) server() {
	d.e.Name, d.e.Server = slug(d.doc.Info), "127.0.0.1:8080"
	if len(d.doc.Servers) == 0 {
		d.guess("the server is at %s: the document names none", d.e.Server)
		return
	}
	text := d.doc.Servers[0].URL
	for name, v := range d.doc.Servers[0].Variables {
		text = strings.ReplaceAll(text, "{"+name+"}", v.Default)
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		d.guess("the server is at %s: the document says %s", d.e.Server, text)
		d.e.URL = "http://" + d.e.Server + strings.TrimRight(text, "/")
		return
	}
	d.e.URL = strings.TrimRight(u.String(), "/")
	d.e.Server = u.Host
	if u.Port() == "" {
		d.e.Server += map[bool]string{true: ":443", false: ":80"}[u.Scheme == "https"]
	}
}

func slug(info *openapi3.Info) string {
	if info == nil {
		return "my-api"
	}
	words := regexp.MustCompile(`[a-z0-9]+`).FindAllString(strings.ToLower(info.Title), 4)
	return cmp.Or(strings.Join(words, "-"), "my-api")
}

func (d *drafting) key() {
	item := d.doc.Paths.Value(d.path)
	for _, p := range slices.Concat(d.op.Parameters, item.Parameters) {
		if p.Value != nil && p.Value.In == "header" && strings.Contains(strings.ToLower(p.Value.Name), "idempot") {
			if !strings.EqualFold(p.Value.Name, "Idempotency-Key") {
				d.e.KeyHeader = p.Value.Name
			}
			return
		}
	}
	d.guess("the idempotency key goes into the header Idempotency-Key: the document names none")
}

// secret finds out whether a token is needed.
func (d *drafting) secret() {
	if d.doc.Components != nil && len(d.doc.Components.SecuritySchemes) > 0 {
		d.e.Secret = "API_KEY"
		d.guess("requests carry the bearer token of the environment's API_KEY")
	}
}

// The name of a field contains one of these words.
func amountWords() []string   { return []string{"amount", "value", "total", "sum"} }
func currencyWords() []string { return []string{"currency"} }
func payeeWords() []string {
	return []string{"payee", "merchant", "destination", "recipient", "receiver", "creditor", "to"}
}

func payerWords() []string {
	return []string{"payer", "customer", "source", "sender", "debtor", "account", "wallet", "from"}
}

func referenceWords() []string {
	return []string{"reference", "external", "order", "description", "memo", "note"}
}

func (d *drafting) body() {
	d.e.Body = Names{Amount: "amount", Currency: "currency", Payee: "payee", Reference: "reference"}.Body()
	if d.op.RequestBody == nil || d.op.RequestBody.Value == nil {
		d.guess("the body has amount, currency, payee and reference: the document describes none")
		return
	}
	content := d.op.RequestBody.Value.Content
	if form := content.Get("application/x-www-form-urlencoded"); form != nil && content["application/json"] == nil {
		for _, f := range d.fields(form.Schema) {
			d.e.Form = append(d.e.Form, Field{f.Name, bare(f.Text)})
		}
		return
	}
	media := content.Get("application/json")
	if media == nil {
		return
	}
	if fields := d.fields(media.Schema); len(fields) > 0 {
		lines := make([]string, len(fields))
		for i, f := range fields {
			lines[i] = fmt.Sprintf("  %q: %s", f.Name, f.Text)
		}
		d.e.Body = "{\n" + strings.Join(lines, ",\n") + "\n}"
	}
}

// bare turns a text for a JSON body into one for a form, without quotes.
func bare(text string) string {
	return regexp.MustCompile(`json\(([a-z.]+)\)`).ReplaceAllString(strings.Trim(text, `"`), "$1")
}

// fields fills in the fields of a schema: those that are required or known.
func (d *drafting) fields(ref *openapi3.SchemaRef) (list []Field) {
	properties, required := flatten(ref)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		schema := properties[name].Value
		if schema == nil || schema.ReadOnly {
			continue
		}
		text, known := value(name, schema)
		if known || slices.Contains(required, name) {
			list = append(list, Field{name, text})
		}
		if !known && slices.Contains(required, name) {
			d.guess("the field %s of a payment is %s", name, text)
		}
	}
	return list
}

// flatten returns the properties of a schema, with those of which it is composed.
func flatten(ref *openapi3.SchemaRef) (properties map[string]*openapi3.SchemaRef, required []string) {
	properties = map[string]*openapi3.SchemaRef{}
	if ref == nil || ref.Value == nil {
		return properties, nil
	}
	for _, part := range ref.Value.AllOf {
		p, r := flatten(part)
		maps.Copy(properties, p)
		required = append(required, r...)
	}
	maps.Copy(properties, ref.Value.Properties)
	return properties, append(required, ref.Value.Required...)
}

// value returns the template for a field: by its name, or else a sample of its type.
func value(name string, s *openapi3.Schema) (text string, known bool) {
	is := func(words []string) bool { return matches(name, words) }
	switch {
	case is(amountWords()) && s.Type.Is("string"):
		return "{{ json(payment.major) }}", true
	case is(amountWords()) && s.Type.Is("number"):
		return "{{ payment.major }}", true
	case is(amountWords()) && !s.Type.Is("object"):
		return "{{ payment.amount }}", true
	case is(currencyWords()):
		return "{{ json(payment.currency) }}", true
	case !s.Type.Is("string"):
	case is(payeeWords()):
		return "{{ json(payment.payee) }}", true
	case is(payerWords()):
		return "{{ json(payment.payer) }}", true
	case is(referenceWords()):
		return "{{ json(payment.reference) }}", true
	}
	return sample(s), false
}

// matches reports whether one of words is a part of a name such as merchantId or
// destination_account.
func matches(name string, words []string) bool {
	parts := regexp.MustCompile(`[A-Z]?[a-z]+|[A-Z]+`).FindAllString(name, -1)
	return slices.ContainsFunc(parts, func(p string) bool { return slices.Contains(words, strings.ToLower(p)) })
}

func sample(s *openapi3.Schema) string {
	for _, v := range append([]any{s.Example, s.Default}, s.Enum...) {
		if v != nil {
			if text, err := jsonText(v); err == nil {
				return text
			}
		}
	}
	switch {
	case s.Type.Is("integer"), s.Type.Is("number"):
		return "1"
	case s.Type.Is("boolean"):
		return "true"
	case s.Type.Is("array"):
		return "[]"
	case s.Type.Is("object"):
		return "{}"
	}
	return `"onebar"`
}

// ledger finds the list of what was paid: GET of the same path.
func (d *drafting) ledger() {
	item := d.doc.Paths.Value(d.path)
	if item.Get == nil {
		d.guess("there is no ledger: the document has no GET %s", d.path)
		return
	}
	list := &List{Path: d.path}
	schema := answer(item.Get)
	if schema != nil && !schema.Type.Is("array") {
		properties, _ := flatten(&openapi3.SchemaRef{Value: schema})
		for _, name := range slices.Sorted(maps.Keys(properties)) {
			if p := properties[name].Value; p != nil && p.Type.Is("array") {
				list.Items, schema = "body."+name, p
				break
			}
		}
	}
	var properties map[string]*openapi3.SchemaRef
	if schema != nil && schema.Items != nil {
		properties, _ = flatten(schema.Items)
	}
	list.Fields = ledgerFields(properties)
	d.e.Ledger = list
	d.guess("the ledger is GET %s", d.path)
}

func ledgerFields(properties map[string]*openapi3.SchemaRef) []Field {
	fields := []Field{{"id", "item.id"}}
	for _, f := range []struct {
		name, fallback string
		words          []string
	}{
		{"amount", "amount", amountWords()},
		{"currency", "", currencyWords()},
		{"payer", "", payerWords()},
		{"payee", "", payeeWords()},
		{"payment", "reference", referenceWords()},
	} {
		found := f.fallback
		for _, name := range slices.Sorted(maps.Keys(properties)) {
			if matches(name, f.words) {
				found = name
				break
			}
		}
		if found == "" {
			continue
		}
		key := f.name
		if p := properties[found]; key == "amount" && p != nil && p.Value != nil && (p.Value.Type.Is("string") || p.Value.Type.Is("number")) {
			key = "major"
		}
		fields = append(fields, Field{key, "item." + found})
	}
	return fields
}

// answer returns the schema of the JSON of an answer of 200.
func answer(op *openapi3.Operation) *openapi3.Schema {
	if op.Responses == nil {
		return nil
	}
	r := op.Responses.Status(http.StatusOK)
	if r == nil || r.Value == nil {
		return nil
	}
	media := r.Value.Content.Get("application/json")
	if media == nil || media.Schema == nil {
		return nil
	}
	return media.Schema.Value
}
