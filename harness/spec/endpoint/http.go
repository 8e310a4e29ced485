package endpoint

import (
	"fmt"
	"strings"

	"github.com/onebar/onebar/harness/exchange"
	"github.com/onebar/onebar/harness/keys"
	"github.com/onebar/onebar/harness/sut"
)

// httpClient is a client that is the harness itself, paying over HTTP.
type httpClient struct {
	Preset    keys.Word     `yaml:"preset" words:"ietf stripe checkout ppro whop solidgate" doc:"known semantics to start from: key header, meaning of statuses, when to attempt again; keys given here override it, and rules given here come first"`
	URL       keys.Verbatim `yaml:"url" doc:"base URL of all paths, such as https://api.example.com/v1; without it http:// and the address of the server. Connections always go to the server of the subject, whatever host the URL names"`
	TLS       httpTLS       `yaml:"tls" doc:"which server certificates to trust; without it the roots of the system and the name in url"`
	Headers   sources       `yaml:"headers" doc:"headers of every request, by name"`
	Setup     []httpSetup   `yaml:"setup" doc:"requests before the first payment, one after the other, not over the impaired link"`
	Pay       httpPay       `yaml:"pay" required:"true" doc:"the request that pays"`
	Outcomes  []httpRule    `yaml:"outcomes" doc:"what an answer to pay means: the first rule that matches counts; if none matches, the outcome is unknown. One rule must say confirmed, unless the preset is stripe"`
	Key       keys.Word     `yaml:"key" words:"payment order attempt none" doc:"scope of an idempotency key. payment: one press of pay; order: one order with all its presses; attempt: one attempt; none: no key at all. Without it payment"`
	KeyHeader keys.Verbatim `yaml:"key_header" doc:"the header of the key; without it Idempotency-Key"`
	KeyQuoted keys.Yes      `yaml:"key_quoted" doc:"true: the key is in quotes in its header, as in the IETF draft"`
	Timeout   keys.Duration `yaml:"timeout" range:"10ms..10m" doc:"longest wait for an answer to one request; without it 10s"`
	GiveUp    keys.Duration `yaml:"give_up" range:"10ms..24h" doc:"after this time the client gives up a payment that has no final outcome; the outcome is then unknown; without it 60s"`
	Retry     httpRetry     `yaml:"retry" doc:"when a payment is attempted again"`
	Poll      httpPoll      `yaml:"poll" doc:"queries the status of a payment that is pending, or unknown after its last attempt"`
	Callback  httpCall      `yaml:"callback" doc:"the server reports the outcome of a payment to a URL, which templates name {{ callback }}"`
}

type httpTLS struct {
	CA         keys.Verbatim `yaml:"ca" file:"file" doc:"PEM file of certificates to trust, in place of the system's; relative paths start at the folder of the scenario file"`
	Pin        keys.Verbatim `yaml:"pin" doc:"SHA-256 of the server's certificate in hexadecimal; the chain is then not verified"`
	ServerName keys.Verbatim `yaml:"server_name" doc:"server name to send (SNI) and to expect, in place of the one in url"`
	Insecure   keys.Yes      `yaml:"insecure" doc:"true: trust every certificate"`
}

type httpPay struct {
	Method  keys.Verbatim `yaml:"method" doc:"without it POST if there is a body or a form, else GET"`
	Path    source        `yaml:"path" required:"true" doc:"path after url, or a whole URL; a template"`
	Headers sources       `yaml:"headers" doc:"headers, by name; templates"`
	Body    source        `yaml:"body" doc:"the body; a template; a body that begins with { or [ is sent as application/json, unless headers say otherwise"`
	Form    sources       `yaml:"form" doc:"fields of a form, by name, in place of a body; templates"`
	Capture sources       `yaml:"capture" doc:"values to keep from the answer, by name; expressions such as body.id; later requests use them as {{ captured.NAME }}"`
}

type httpSetup struct {
	For     keys.Word     `yaml:"for" words:"once wallet merchant" default:"once" doc:"how often: once, once a wallet, or once a merchant"`
	Method  keys.Verbatim `yaml:"method" doc:"as for pay, and so are the keys below"`
	Path    source        `yaml:"path" required:"true" doc:"path after url, or a whole URL; a template"`
	Headers sources       `yaml:"headers" doc:"headers, by name; templates"`
	Body    source        `yaml:"body" doc:"the body; a template"`
	Form    sources       `yaml:"form" doc:"fields of a form, by name, in place of a body; templates"`
	Capture sources       `yaml:"capture" doc:"values to keep from the answer, by name; a value of a request for a wallet or merchant is kept for that one alone"`
	Expect  source        `yaml:"expect" doc:"condition on the answer; if it is not met the run does not begin; without it a status of 200 to 299"`
	Account source        `yaml:"account" doc:"expression over the answer: the server's name for the account of the wallet or merchant; without it w0, w1, m0, m1 and so on"`
}

type httpRule struct {
	When    source    `yaml:"when" required:"true" doc:"condition over the answer, such as status == 200 and body.state == 'done'"`
	Outcome keys.Word `yaml:"outcome" required:"true" words:"confirmed declined retry pending unknown" doc:"what the answer means. confirmed: the money has moved; declined: refused, and no money has moved; retry: attempt again; pending: accepted, the outcome follows later; unknown: it may have moved or not"`
}

type httpRetry struct {
	Attempts   keys.Count    `yaml:"attempts" range:"1..10000" doc:"most attempts for a payment, the first included; without it 3"`
	Wait       keys.Duration `yaml:"wait" range:"0s..1h" doc:"wait before the second attempt; without it 500ms"`
	Factor     keys.Number   `yaml:"factor" range:"1..100" doc:"factor from each wait to the next; without it 2"`
	Cap        keys.Duration `yaml:"cap" range:"0s..24h" doc:"longest wait; without it 5s"`
	Jitter     keys.Share    `yaml:"jitter" range:"0%..100%" doc:"each wait is shortened by up to this share; the seed decides; without it 25%"`
	On         []keys.Word   `yaml:"on" words:"timeout connection retry unknown" doc:"what leads to another attempt. timeout: no answer in time; connection: a connection that failed or broke; retry: an answer whose rule says retry; unknown: an answer that is unknown. Without it the first three"`
	RetryAfter keys.Word     `yaml:"retry_after" words:"obey ignore" doc:"the server's Retry-After header; without it obey"`
}

type httpPoll struct {
	Method   keys.Verbatim `yaml:"method" doc:"without it GET"`
	Path     source        `yaml:"path" required:"true" doc:"as for pay, and so are headers, body and form; {{ captured.NAME }} has what pay has captured"`
	Headers  sources       `yaml:"headers" doc:"headers, by name; templates"`
	Body     source        `yaml:"body" doc:"the body; a template"`
	Form     sources       `yaml:"form" doc:"fields of a form, by name, in place of a body; templates"`
	Every    keys.Duration `yaml:"every" range:"1ms..1h" default:"1s" doc:"wait before each status query"`
	Limit    keys.Count    `yaml:"limit" range:"1..100000" doc:"most status queries for one payment; without it until the client gives up"`
	Outcomes []httpRule    `yaml:"outcomes" doc:"what an answer means; retry attempts the payment again; after pending or unknown the queries go on"`
}

type httpCall struct {
	Payment  source     `yaml:"payment" required:"true" doc:"expression over the callback: the payment's reference, id or key"`
	Outcomes []httpRule `yaml:"outcomes" doc:"what a callback means"`
}

// httpLedger is a ledger that is read over HTTP.
type httpLedger struct {
	URL      keys.Verbatim `yaml:"url" doc:"base URL, as for the client http; tls and headers, too"`
	TLS      httpTLS       `yaml:"tls" doc:"which server certificates to trust"`
	Headers  sources       `yaml:"headers" doc:"headers of every request, by name; templates"`
	Path     source        `yaml:"path" required:"true" doc:"path of the first page; a template"`
	Items    source        `yaml:"items" doc:"expression: the list in an answer, such as body.data; without it the body"`
	Where    source        `yaml:"where" doc:"condition over item that selects the bookings, such as item.status == 'succeeded'; without it all items"`
	Next     source        `yaml:"next" doc:"expression: path of the next page, or nothing after the last; it may use body, headers, items, page and offset. Without it there is one page"`
	Fields   httpFields    `yaml:"fields" required:"true" doc:"where an item has its values; expressions over item"`
	Timeout  keys.Duration `yaml:"timeout" range:"10ms..10m" doc:"longest wait for one page; without it 10s"`
	Balances httpBalances  `yaml:"balances" doc:"a list of accounts with their balances; without it the check unbalanced is n/a"`
}

type httpFields struct {
	ID       source `yaml:"id" required:"true" doc:"the server's own id of the booking"`
	Amount   source `yaml:"amount" doc:"amount in minor units, such as 1250"`
	Major    source `yaml:"major" doc:"amount in major units, such as 12.50, in place of amount"`
	Currency source `yaml:"currency" doc:"ISO 4217 code in either case; without it that of the workload"`
	Payer    source `yaml:"payer" doc:"account that paid; without it the payer is not compared with the payment"`
	Payee    source `yaml:"payee" doc:"account that was paid; without it the payee is not compared with the payment"`
	Payment  source `yaml:"payment" doc:"identifies the payment: its reference, its id or its key"`
	Order    source `yaml:"order" doc:"identifies the order. Without payment and order, bookings are matched by their amounts"`
}

type httpBalances struct {
	Path    source `yaml:"path" required:"true" doc:"path of the list; a template"`
	Items   source `yaml:"items" doc:"expression: the list in the answer; without it the body"`
	Next    source `yaml:"next" doc:"expression: path of the next page, as for the bookings; without it there is one page"`
	Account source `yaml:"account" required:"true" doc:"expression over item: the account"`
	Amount  source `yaml:"amount" doc:"expression over item: the balance, in minor units"`
	Major   source `yaml:"major" doc:"the balance in major units, in place of amount"`
}

// source is a template or an expression.
type source struct{ keys.Verbatim }

// sources is a mapping from names to templates or expressions.
type sources struct{ keys.Named[source] }

// check reports what package exchange finds wrong with a client.
func (v *httpClient) check(r *keys.Reader) {
	if r.Given(v) {
		var plain sut.HTTPClient
		r.Fill(v, &plain)
		_, found := exchange.NewClient(plain, "127.0.0.1:1", nil)
		problems(r, v, found)
	}
}

func (v *httpLedger) check(r *keys.Reader) {
	if r.Given(v) {
		var plain sut.HTTPLedger
		r.Fill(v, &plain)
		_, found := exchange.NewLedger(plain, "127.0.0.1:1", nil)
		problems(r, v, found)
	}
}

// problems reports what package exchange finds wrong with the plain form of v, where it
// stands in the file. What is wrong in the file has been reported already.
func problems(r *keys.Reader, v any, list []*exchange.Problem) {
	for _, p := range list {
		field := p.Field
		of := r.Below(v, field)
		if isWrong(r, v, field) {
			continue
		}
		if s, ok := of.(*source); ok && p.Line > 0 {
			r.Errorf(r.Inside(r.At(s), string(s.Verbatim), p.Line, p.Column), "%s: %s", field, p.Reason)
			continue
		}
		for field != "" && (of == nil || !r.Given(of)) {
			field = field[:max(strings.LastIndexAny(field, ".["), 0)]
			of = r.Below(v, field)
		}
		r.Errorf(r.At(of), "%s", p.Error())
	}
}

// isWrong reports whether a field has a wrong value, or is a list of which one is wrong.
func isWrong(r *keys.Reader, v any, field string) bool {
	of := r.Below(v, field)
	if of != nil && r.Wrong(of) {
		return true
	}
	for i := 0; ; i++ {
		one := r.Below(v, fmt.Sprintf("%s[%d]", field, i))
		if one == nil {
			return false
		}
		if r.Wrong(one) {
			return true
		}
	}
}
