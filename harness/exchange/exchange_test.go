package exchange

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/exchange/language"
	"github.com/onebar/onebar/harness/sut"
)

func environment(name string) (string, bool) {
	v, ok := map[string]string{"API_KEY": "s3cret", "EMPTY": ""}[name]
	return v, ok
}

func TestTemplates(t *testing.T) {
	v := PaymentVars(harness.Payment{ID: "p1", Order: "o1", Amount: 1250, Currency: "EUR", Wallet: 3}, "acct_1", `m"0`, "r-p1").
		With(Vars{"key": "k", "attempt": 2})
	s := paymentScope()
	for name, tc := range map[string]struct{ text, want string }{
		"plain":              {"hello", "hello"},
		"nothing":            {"{}", "{}"},
		"holes":              {"{{payment.id}}/{{ payment.order }}", "p1/o1"},
		"numbers":            {"{{ payment.amount }} {{ payment.amount / 100.0 }} {{ attempt + 1 }}", "1250 12.5 3"},
		"major units":        {"{{ payment.major }}", "12.50"},
		"JSON":               {`{"to": {{ json(payment.payee) }}}`, `{"to": "m\"0"}`},
		"query":              {"?to={{ query(payment.payee) }}", "?to=m%220"},
		"secret":             {"Bearer ${API_KEY}", "Bearer s3cret"},
		"empty secret":       {"a${EMPTY}b", "ab"},
		"a dollar":           {"$${API_KEY} costs 5$", "${API_KEY} costs 5$"},
		"secret beside hole": {"${API_KEY}:{{ key }}:${API_KEY}", "s3cret:k:s3cret"},
		"strings in a hole":  {`{{ "a" + 'b' + upper(payment.currency) }}`, "abEUR"},
		"lines":              {"a\n{{ key }}\n", "a\nk\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, p := language.ParseTemplate(tc.text, s, environment)
			require.Nil(t, p)
			text, err := got.Fill(v)
			require.NoError(t, err)
			require.Equal(t, tc.want, text)
		})
	}
}

func TestTemplateProblems(t *testing.T) {
	s := paymentScope().With(captureScope([]string{"token"}))
	for name, tc := range map[string]struct {
		text         string
		line, column int
		reason       string
	}{
		"unknown name":       {"a {{ paymnt.id }}", 1, 6, "nothing is named paymnt here; did you mean payment?"},
		"unknown field":      {"{{ payment.idd }}", 1, 12, "nothing is named idd here; did you mean payment.id?"},
		"unknown capture":    {"x\n  {{ captured.tokn }}", 2, 15, "nothing is named tokn here; did you mean captured.token?"},
		"not closed":         {"é{{ payment.id", 1, 2, "{{ is not closed; write it as {{ payment.id }}"},
		"no expression":      {"ab {{ }}", 1, 6, "unexpected token EOF"},
		"no variable":        {"a ${MISSING} b", 1, 3, "the environment has no variable MISSING; set it, such as MISSING=... onebar run ..."},
		"no name":            {"\n${1}", 2, 1, "${1} names no variable of the environment"},
		"secret not closed":  {"{{ key }} ${A", 1, 11, "${ is not closed; write it as ${API_KEY}, or $${ for the characters themselves"},
		"wrong types":        {"{{ payment.id - 1 }}", 1, 15, "invalid operation: - (mismatched types string and int)"},
		"secret after a row": {"a\nb ${NO} {{ key }}", 2, 3, "the environment has no variable NO; set it, such as NO=... onebar run ..."},
	} {
		t.Run(name, func(t *testing.T) {
			_, p := language.ParseTemplate(tc.text, s, environment)
			require.NotNil(t, p)
			require.Equal(t, tc.reason, p.Reason)
			require.Equal(t, [2]int{tc.line, tc.column}, [2]int{p.Line, p.Column})
		})
	}
}

func TestWhatIsNotThereIsNoText(t *testing.T) {
	s := captureScope([]string{"id"})
	for name, tc := range map[string]struct {
		value any
		want  string
	}{
		"nothing":   {nil, "{{  captured.id : is not there }}"},
		"a mapping": {map[string]any{}, "{{  captured.id : is a mapping }}"},
		"a list":    {[]any{}, "{{  captured.id : is a list }}"},
	} {
		t.Run(name, func(t *testing.T) {
			got, p := language.ParseTemplate("/charges/{{ captured.id }}", s, nil)
			require.Nil(t, p)
			_, err := got.Fill(Vars{"captured": map[string]any{"id": tc.value}})
			require.EqualError(t, err, tc.want)
		})
	}
}

func answer(status int, body string, headers ...string) Answer {
	a := Answer{Status: status, Header: http.Header{}, Body: []byte(body)}
	for i := 0; i < len(headers); i += 2 {
		a.Header.Add(headers[i], headers[i+1])
	}
	return a
}

func TestRules(t *testing.T) {
	c := &compiler{}
	rules := c.rules("outcomes", []sut.HTTPRule{
		{When: `status == 200 and body.state == "done" and body.amount == payment.amount`, Outcome: "confirmed", Line: 7},
		{When: `body.error.code in ["no_funds", "limit"]`, Outcome: "declined"},
		{When: `headers["x-state"] == "queued"`, Outcome: "pending"},
		{When: `len(body.items) > 1`, Outcome: "unknown"},
	}, []sut.HTTPRule{{When: "status >= 500", Outcome: "retry"}}, "ietf", paymentScope())
	require.Empty(t, c.problems)
	v := PaymentVars(harness.Payment{Amount: 1250, Currency: "EUR"}, "", "", "")
	for name, tc := range map[string]struct {
		answer Answer
		want   Meaning
		why    string
	}{
		"the first that matches": {answer(200, `{"state": "done", "amount": 1250}`), Confirmed, "HTTP 200: rule on line 7"},
		"a float is a number":    {answer(200, `{"state": "done", "amount": 1250.0}`), Confirmed, "HTTP 200: rule on line 7"},
		"another amount":         {answer(200, `{"state": "done", "amount": 1}`), Unknown, "HTTP 200: no rule matches"},
		"a field of a field":     {answer(402, `{"error": {"code": "limit"}}`), Declined, `HTTP 402: rule body.error.code in ["no_funds", "limit"]`},
		"a header in any case":   {answer(202, ``, "X-State", "queued"), Pending, `HTTP 202: rule headers["x-state"] == "queued"`},
		"HTML matches nothing":   {answer(200, `<html>Log in</html>`), Unknown, "HTTP 200: no rule matches"},
		"no JSON, by its status": {answer(502, `Bad gateway`), Retry, "HTTP 502: rule of ietf, status >= 500"},
		"a list for a mapping":   {answer(200, `[1, 2]`), Unknown, "HTTP 200: no rule matches"},
		"null":                   {answer(200, `null`), Unknown, "HTTP 200: no rule matches"},
		"a body in two parts":    {answer(200, `{"state": "done", "amount": 1250} {}`), Unknown, "HTTP 200: no rule matches"},
	} {
		t.Run(name, func(t *testing.T) {
			got, why := rules.Judge(tc.answer, v)
			require.Equal(t, tc.want, got)
			require.Equal(t, tc.why, why)
		})
	}
	n, first := rules.Unmatched()
	require.EqualValues(t, 5, n)
	require.Contains(t, first, "HTTP 200")
	require.Equal(t, []string{"rule len(body.items) > 1 (len(body.items) > 1)"}, rules.Idle())
}

func TestLinkHeader(t *testing.T) {
	for text, want := range map[string]string{
		`<https://a/p?page=2>; rel="next"`:                                     "https://a/p?page=2",
		`<https://a/1>; rel="prev", <https://a/3>; title="x"; rel="last next"`: "https://a/3",
		`<https://a/1>; rel=next`:                                              "https://a/1",
		`<https://a/1>; rel="prev"`:                                            "",
		`nonsense`:                                                             "",
		``:                                                                     "",
	} {
		e, p := language.Compile(`link(headers, "next")`, answerScope(), false)
		require.Nil(t, p)
		got, err := e.Value(answer(200, "", "Link", text).vars())
		require.NoError(t, err)
		require.Equal(t, want, got, text)
	}
}

func TestRequests(t *testing.T) {
	config := sut.HTTPClient{
		URL:     "https://api.example.com/v1/",
		Headers: map[string]string{"Authorization": "Bearer ${API_KEY}", "x-common": "a"},
		Pay: sut.HTTPRequest{
			Path: "pay/{{ payment.id }}", Headers: map[string]string{"X-Common": "b", "Host": "shop.example.com"},
			Form: map[string]string{"amount[value]": "{{ payment.major }}", "note": "a&b"},
		},
		Outcomes: []sut.HTTPRule{{When: "status == 200", Outcome: "confirmed"}},
	}
	c, problems := NewClient(config, "127.0.0.1:80", environment)
	require.Empty(t, problems)
	v := PaymentVars(harness.Payment{ID: "p1", Amount: 5, Currency: "EUR"}, "", "", "").With(RunVars("r", time.Unix(7, 0)))
	req, err := c.Pay.Make(t.Context(), v)
	require.NoError(t, err)
	require.Equal(t, "POST https://api.example.com/v1/pay/p1", req.Method+" "+req.URL.String())
	require.Equal(t, "shop.example.com", req.Host)
	require.Equal(t, []string{"b"}, req.Header.Values("X-Common"))
	require.Equal(t, "Bearer s3cret", req.Header.Get("Authorization"))
	require.Equal(t, "application/x-www-form-urlencoded", req.Header.Get("Content-Type"))
	require.Nil(t, req.GetBody, "net/http must not send it twice by itself")
	body, err := io.ReadAll(req.Body)
	require.NoError(t, err)
	require.Equal(t, "amount%5Bvalue%5D=0.05&note=a%26b", string(body))
	require.Equal(t, "Bearer ${API_KEY}", c.Config.Headers["Authorization"], "no secret in what may be written somewhere")
}

func TestTypesOfBodies(t *testing.T) {
	for name, tc := range map[string]struct {
		request sut.HTTPRequest
		want    string
	}{
		"JSON":      {sut.HTTPRequest{Body: `{"a": 1}`}, "application/json"},
		"a list":    {sut.HTTPRequest{Body: `[]`}, "application/json"},
		"a form":    {sut.HTTPRequest{Form: map[string]string{"a": "1"}}, "application/x-www-form-urlencoded"},
		"its own":   {sut.HTTPRequest{Body: `{}`, Headers: map[string]string{"content-type": "application/vnd.api+json"}}, "application/vnd.api+json"},
		"something": {sut.HTTPRequest{Body: `<pay/>`}, ""},
		"no body":   {sut.HTTPRequest{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, problems := NewClient(sut.HTTPClient{Pay: tc.request, Outcomes: []sut.HTTPRule{{When: "true", Outcome: "confirmed"}}}, "h:1", nil)
			require.Empty(t, problems)
			req, err := c.Pay.Make(t.Context(), Vars{})
			require.NoError(t, err)
			require.Equal(t, tc.want, req.Header.Get("Content-Type"))
		})
	}
}

func TestPresetsCompile(t *testing.T) {
	for _, name := range Presets() {
		t.Run(name, func(t *testing.T) {
			c, problems := NewClient(sut.HTTPClient{
				Preset: name, Pay: sut.HTTPRequest{Path: "/", Body: "{}"},
				Outcomes: []sut.HTTPRule{{When: `body.state == "done"`, Outcome: "confirmed"}},
			}, "h:1", environment)
			require.Empty(t, problems)
			require.NotEmpty(t, c.Config.KeyHeader)
			m, _ := c.Outcomes.Judge(answer(503, ``), nil)
			require.Equal(t, Retry, m)
			m, _ = c.Outcomes.Judge(answer(200, `<html>`), nil)
			require.Equal(t, Unknown, m, "an answer that is no JSON is no confirmation")
			m, _ = c.Outcomes.Judge(answer(302, ``), nil)
			require.Equal(t, Unknown, m)
			p, ok := PresetOf(name)
			require.True(t, ok)
			for _, status := range p.Busy {
				m, _ = c.Outcomes.Judge(answer(status, `{}`), nil)
				require.Equal(t, Retry, m, "a key in use is asked for again")
			}
		})
	}
}

func TestOwnKeysWinOverAPreset(t *testing.T) {
	jitter := 0.0
	c, problems := NewClient(sut.HTTPClient{
		Preset: "stripe", KeyHeader: "X-Key", Timeout: time.Second, Key: KeyNone,
		Retry:    sut.HTTPRetry{Jitter: &jitter, Attempts: 9},
		Outcomes: []sut.HTTPRule{{When: "status == 503", Outcome: "declined"}},
		Pay:      sut.HTTPRequest{Path: "/"},
	}, "h:1", environment)
	require.Empty(t, problems)
	require.Equal(t, "X-Key none 1s", c.Config.KeyHeader+" "+c.Config.Key+" "+c.Config.Timeout.String())
	require.Equal(t, 2*time.Minute, c.Config.GiveUp, "of the preset")
	require.Equal(t, 9, c.Config.Retry.Attempts)
	require.Zero(t, *c.Config.Retry.Jitter)
	m, _ := c.Outcomes.Judge(answer(503, ``), nil)
	require.Equal(t, Declined, m)
}

func TestClientProblems(t *testing.T) {
	good := func() sut.HTTPClient {
		return sut.HTTPClient{Pay: sut.HTTPRequest{Path: "/"}, Outcomes: []sut.HTTPRule{{When: "true", Outcome: "confirmed"}}}
	}
	for name, tc := range map[string]struct {
		change func(*sut.HTTPClient)
		want   string
	}{
		"no rules":       {func(c *sut.HTTPClient) { c.Outcomes = nil }, `outcomes: no rule says confirmed; give one, such as {when: status == 200 and body.state == "done", outcome: confirmed}`},
		"no such preset": {func(c *sut.HTTPClient) { c.Preset = "strpe" }, `preset: there is no preset "strpe"; expected one of ietf, stripe, checkout, ppro, whop, solidgate`},
		"no address":     {func(c *sut.HTTPClient) { c.URL = "localhost:80" }, `url: "localhost:80" is no address of a server; write it as in https://api.example.com/v1`},
		"two bodies":     {func(c *sut.HTTPClient) { c.Pay.Body, c.Pay.Form = "x", map[string]string{"a": "b"} }, "pay.form: body and form are two bodies; leave one of them out"},
		"no such outcome": {func(c *sut.HTTPClient) {
			c.Outcomes = append(c.Outcomes, sut.HTTPRule{When: "true", Outcome: "ok"})
		}, `outcomes[1].outcome: "ok" is none of unknown, confirmed, declined, retry, pending`},
		"no condition":        {func(c *sut.HTTPClient) { c.Outcomes[0].When = "status + 1" }, "outcomes[0].when: expected bool, but got int"},
		"no such key":         {func(c *sut.HTTPClient) { c.Key = "wallet" }, `key: "wallet" is none of payment order attempt none`},
		"nothing is tried on": {func(c *sut.HTTPClient) { c.Retry.On = []string{"5xx"} }, `retry.on: "5xx" is none of timeout connection retry unknown`},
		"given up at once":    {func(c *sut.HTTPClient) { c.GiveUp = time.Second }, "give_up: a payment is given up before its first attempt has timed out; make give_up longer than timeout"},
		"account of nobody": {
			func(c *sut.HTTPClient) { c.Setup = []sut.HTTPSetup{{Account: "body.id"}} },
			"setup[0].account: a request that is made once names no account; say for: wallet or for: merchant",
		},
		"captured later": {func(c *sut.HTTPClient) {
			c.Setup = []sut.HTTPSetup{{HTTPRequest: sut.HTTPRequest{Path: "{{ captured.a }}"}}, {HTTPRequest: sut.HTTPRequest{Capture: map[string]string{"a": "body"}}}}
		}, "setup[0].path: nothing is named a here; there are currency, run.id, run.started"},
		"a secret that is not there": {
			func(c *sut.HTTPClient) { c.Headers = map[string]string{"A": "${NOPE}"} },
			"headers.A: the environment has no variable NOPE; set it, such as NOPE=... onebar run ...",
		},
	} {
		t.Run(name, func(t *testing.T) {
			config := good()
			tc.change(&config)
			_, problems := NewClient(config, "h:1", environment)
			require.Len(t, problems, 1)
			require.EqualError(t, problems[0], tc.want)
		})
	}
}

func TestLedgerItems(t *testing.T) {
	config := sut.HTTPLedger{
		Path: "/list", Items: "body.data", Where: `item.status == "done"`, Next: "body.next",
		Fields: sut.HTTPFields{ID: "item.id", Major: "item.total", Currency: "item.cur", Payer: "item.from", Payment: "item.meta?.ref"},
	}
	l, problems := NewLedger(config, "h:1", environment)
	require.Empty(t, problems)
	for name, tc := range map[string]struct {
		body string
		want []harness.Posting
		err  string
	}{
		"whole": {
			`[{"id": 7, "status": "done", "total": "12.50", "cur": "eur", "from": "a", "meta": {"ref": "p1"}}]`,
			[]harness.Posting{{ID: "7", Amount: 1250, Currency: "EUR", Payer: "a", Payment: "p1"}},
			"",
		},
		"a number in major units is exact": {
			`[{"id": "x", "status": "done", "total": 0.29, "from": null}]`,
			[]harness.Posting{{ID: "x", Amount: 29, Currency: "KES"}},
			"",
		},
		"filtered":       {`[{"id": "x", "status": "open"}]`, nil, ""},
		"no id":          {`[{"status": "done", "total": 1}]`, nil, "fields.id: an item has none"},
		"no amount":      {`[{"id": "x", "status": "done"}]`, nil, "fields: major: item.total: is not there"},
		"half a cent":    {`[{"id": "x", "status": "done", "total": "0.005"}]`, nil, "fields: major: 0.005 KES is not whole in minor units"},
		"not an amount":  {`[{"id": "x", "status": "done", "total": "ten"}]`, nil, `fields: major: "ten" is no amount`},
		"a list as name": {`[{"id": "x", "status": "done", "total": 1, "from": []}]`, nil, "fields.payer: item.from is a list"},
	} {
		t.Run(name, func(t *testing.T) {
			items, _, err := l.Bookings.Page(answer(200, `{"data": `+tc.body+`}`), Page{Number: 1}, nil)
			require.NoError(t, err)
			var got []harness.Posting
			for _, item := range items {
				p, is, e := l.Posting(item, "KES", nil)
				if err = e; is {
					got = append(got, p)
				}
			}
			if tc.err != "" {
				require.EqualError(t, err, tc.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
		})
	}
}

func TestPages(t *testing.T) {
	for name, tc := range map[string]struct {
		next   string
		answer Answer
		want   string
		err    string
	}{
		"a link in the body": {"body.next", answer(200, `{"data": [1], "next": "/p2"}`), "/p2", ""},
		"the last":           {"body.next", answer(200, `{"data": [1], "next": null}`), "", ""},
		"a Link header":      {`link(headers, "next")`, answer(200, `{"data": []}`, "Link", `<http://h/p2>; rel="next"`), "http://h/p2", ""},
		"a cursor":           {`body.more ? "/p?after=" + items[-1].id : ""`, answer(200, `{"data": [{"id": "a"}, {"id": "b"}], "more": true}`), "/p?after=b", ""},
		"a page number":      {`len(items) > 0 ? "/p?page=" + string(page + 1) : ""`, answer(200, `{"data": [1]}`), "/p?page=4", ""},
		"an offset":          {`len(items) == 1 ? "/p?offset=" + string(offset + len(items)) : ""`, answer(200, `{"data": [1]}`), "/p?offset=21", ""},
		"no path":            {"body.data", answer(200, `{"data": [1]}`), "", "next: body.data is a list and no path"},
		"no list":            {"", answer(200, `{"data": {}}`), "", "items: body.data is a mapping and no list"},
		"not there":          {"", answer(200, `{}`), "", "items: body.data is not there; if that is how the server writes an empty list, say body.data ?? []"},
		"HTML":               {"", answer(200, `<html>`, "Content-Type", "text/html"), "", "the answer is no JSON (text/html): is this the API? check url and path"},
		"an error":           {"", answer(401, `{"data": []}`), "", "the answer is HTTP 401: check headers, and the variables of the environment in them"},
		"a redirect":         {"", answer(302, ``, "Location", "/login"), "", "the answer is HTTP 302 to /login, and redirects are not followed: check url and path"},
		"no such path":       {"", answer(404, ``), "", "the answer is HTTP 404: check url and path"},
	} {
		t.Run(name, func(t *testing.T) {
			l, problems := NewLedger(sut.HTTPLedger{Path: "/", Items: "body.data", Next: tc.next, Fields: sut.HTTPFields{ID: "item.id", Amount: "item.amount"}}, "h:1", nil)
			require.Empty(t, problems)
			_, next, err := l.Bookings.Page(tc.answer, Page{Number: 3, Offset: 20}, nil)
			if tc.err != "" {
				require.EqualError(t, err, tc.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.want, next)
		})
	}
}

func TestMajor(t *testing.T) {
	for want, tc := range map[string]struct {
		minor    int64
		currency string
	}{"12.50": {1250, "EUR"}, "0.05": {5, "EUR"}, "1250": {1250, "JPY"}, "1.250": {1250, "KWD"}, "-0.01": {-1, "USD"}} {
		require.Equal(t, want, Major(tc.minor, tc.currency))
	}
}

// FuzzTemplate reads any text: what is accepted without a hole or secret must be
// filled in as it is.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"a {{ key }} b", "${API_KEY}", "$${", "{{", "}}", "{{ {} }}", "{{ '}}' }}", "\n{{ x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, p := language.ParseTemplate(text, paymentScope(), nil)
		if p != nil {
			require.GreaterOrEqual(t, p.Line, 1)
			require.GreaterOrEqual(t, p.Column, 1)
			require.NotEmpty(t, p.Reason)
			return
		}
		filled, err := got.Fill(Vars{"key": "k", "attempt": 1, "payment": map[string]any{}})
		if err == nil && !strings.Contains(text, "{{") && !strings.Contains(text, "$${") {
			require.Equal(t, text, filled)
		}
	})
}

// FuzzAnswer judges any body: it must neither panic nor be confirmed unless it is
// JSON that says so.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{`{"status": "succeeded"}`, `[]`, `null`, `{"status": {}}`, `"x"`, `{`, ``} {
		f.Add([]byte(s), 200)
	}
	c, problems := NewClient(sut.HTTPClient{Preset: "stripe", Pay: sut.HTTPRequest{Path: "/"}}, "h:1", nil)
	require.Empty(f, problems)
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		m, why := c.Outcomes.Judge(Answer{Status: status, Body: body}, Vars{})
		require.NotEmpty(t, why)
		if m == Confirmed {
			var charge struct{ Status string }
			require.NoError(t, json.Unmarshal(body, &charge))
			require.Equal(t, "succeeded", charge.Status)
			require.Equal(t, 200, status)
		}
	})
}

// TestPresetsAreDocumented holds the table of docs/endpoints.md to the presets.
func TestPresetsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/endpoints.md")
	require.NoError(t, err)
	list := func(statuses []int) string {
		return strings.Trim(strings.ReplaceAll(fmt.Sprint(statuses), " ", ", "), "[]")
	}
	for _, p := range presets() {
		header, mark := "`"+p.Client.KeyHeader+"`", ""
		if p.Client.KeyQuoted {
			header += ", in quotes"
		}
		if p.Mark != "" {
			mark = "`" + p.Mark + "`"
		}
		row := strings.Join([]string{"| `" + p.Name + "`", header, list(p.Mismatch), list(p.Busy), mark}, " | ") + " |"
		require.True(t, strings.Contains(string(page), strings.ReplaceAll(strings.ReplaceAll(row, "|  |", "| |"), "|  |", "| |")), row)
	}
	for _, s := range []scope{runScope(), accountScope(), answerScope(), pageScope()} {
		for _, n := range s.Names() {
			require.True(t, strings.Contains(string(page), "`"+n+"`"), n)
		}
	}
}
