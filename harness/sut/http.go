package sut

import "time"

// HTTPClient has the harness pay over HTTP, as an app would. Texts with {{ }} are
// templates and conditions are expressions, see package exchange; keys that are
// left out are those of the preset, or else of package exchange.
type HTTPClient struct {
	Preset   string            `json:"preset,omitempty"`  // known semantics to start from
	URL      string            `json:"url,omitempty"`     // what paths are relative to; empty is http:// and the server's address
	TLS      *HTTPTLS          `json:"tls,omitempty"`     // whom to trust; nil is the system's roots
	Headers  map[string]string `json:"headers,omitempty"` // of every request; templates
	Setup    []HTTPSetup       `json:"setup,omitempty"`   // before the first payment, in this order, beside the impaired link
	Pay      HTTPRequest       `json:"pay"`
	Outcomes []HTTPRule        `json:"outcomes,omitempty"` // what an answer to pay means: the first that matches, before those of the preset

	Key       string `json:"key,omitempty"`        // what has one idempotency key: payment, order, attempt or none
	KeyHeader string `json:"key_header,omitempty"` // the header the key is sent in
	KeyQuoted bool   `json:"key_quoted,omitempty"` // it is sent as a string of RFC 8941: in quotes

	Timeout  time.Duration `json:"timeout,omitempty"` // of one attempt
	GiveUp   time.Duration `json:"give_up,omitempty"` // of a payment with all its attempts
	Retry    HTTPRetry     `json:"retry,omitzero"`
	Poll     *HTTPPoll     `json:"poll,omitempty"`
	Callback *HTTPCallback `json:"callback,omitempty"`
}

// HTTPTLS is whom a client trusts. The zero value is the roots of the system and
// the name in the URL.
type HTTPTLS struct {
	CA       string `json:"ca,omitempty"`          // file of PEM certificates, in place of the system's roots
	Pin      string `json:"pin,omitempty"`         // SHA-256 of the server's certificate in hexadecimal, in place of any chain
	Name     string `json:"server_name,omitempty"` // in place of the name in the URL
	Insecure bool   `json:"insecure,omitempty"`    // trust anybody
}

// HTTPRequest is a request to be made.
type HTTPRequest struct {
	Method  string            `json:"method,omitempty"`  // empty is GET, or POST of what has a body
	Path    string            `json:"path,omitempty"`    // relative to the URL, or a whole URL; a template
	Headers map[string]string `json:"headers,omitempty"` // templates
	Body    string            `json:"body,omitempty"`    // a template
	Form    map[string]string `json:"form,omitempty"`    // a body of fields, in place of Body; templates, encoded as in a URL
	Capture map[string]string `json:"capture,omitempty"` // values to keep of the answer, by name; expressions
}

// HTTPSetup is a request that prepares the server.
type HTTPSetup struct {
	HTTPRequest
	For     string `json:"for,omitempty"`     // once, wallet or merchant; empty is once
	Expect  string `json:"expect,omitempty"`  // condition; empty is a status of 200 to 299
	Account string `json:"account,omitempty"` // expression: what the server calls the account of the wallet or merchant
	Line    int    `json:"line,omitempty"`    // where it stands in the file; 0 is not from a file
}

// HTTPRule says what an answer means.
type HTTPRule struct {
	When    string `json:"when"`           // condition
	Outcome string `json:"outcome"`        // confirmed, declined, retry, pending or unknown
	Line    int    `json:"line,omitempty"` // where it stands in the file; 0 is not from a file
}

// HTTPRetry says when a client tries a payment again. The wait before attempt n+1
// is Wait·Factor^(n-1), at most Cap, less up to the share Jitter of it.
type HTTPRetry struct {
	Attempts   int           `json:"attempts,omitempty"` // most attempts a payment, the first included
	Wait       time.Duration `json:"wait,omitempty"`
	Factor     float64       `json:"factor,omitempty"` // 1 or more
	Cap        time.Duration `json:"cap,omitempty"`
	Jitter     *float64      `json:"jitter,omitempty"`      // 0 to 1
	On         []string      `json:"on,omitempty"`          // what is tried again: timeout, connection, retry, unknown
	RetryAfter string        `json:"retry_after,omitempty"` // obey or ignore the server's Retry-After; empty is obey
}

// HTTPPoll queries the status of a payment whose outcome is pending, or unknown
// after its last attempt.
type HTTPPoll struct {
	HTTPRequest
	Every    time.Duration `json:"every,omitempty"`
	Limit    int           `json:"limit,omitempty"` // most questions a payment; 0 is until it is given up
	Outcomes []HTTPRule    `json:"outcomes"`
}

// HTTPCallback is a request by which the server reports the outcome of a payment.
type HTTPCallback struct {
	Payment  string     `json:"payment"` // expression: the payment's id, its reference or its key
	Outcomes []HTTPRule `json:"outcomes"`
}

// HTTPLedger reads what the server has booked from a list over HTTP, beside the
// impaired link. Fields, conditions and Next are expressions, see package exchange.
type HTTPLedger struct {
	URL     string            `json:"url,omitempty"` // as of HTTPClient
	TLS     *HTTPTLS          `json:"tls,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`

	Path    string        `json:"path"`            // of the first page; a template
	Items   string        `json:"items,omitempty"` // the list in an answer; empty is the body
	Where   string        `json:"where,omitempty"` // which items are bookings; empty is all
	Next    string        `json:"next,omitempty"`  // the path of the next page, or nothing after the last; empty is one page
	Fields  HTTPFields    `json:"fields"`
	Timeout time.Duration `json:"timeout,omitempty"` // of one page

	Balances *HTTPBalances `json:"balances,omitempty"`
}

// HTTPFields are the fields of a booking as expressions over an item of the list.
// ID and one of the amounts are needed.
type HTTPFields struct {
	ID       string `json:"id"`
	Amount   string `json:"amount,omitempty"` // in minor units
	Major    string `json:"major,omitempty"`  // in major units, such as 12.50, in place of Amount
	Currency string `json:"currency,omitempty"`
	Payer    string `json:"payer,omitempty"`
	Payee    string `json:"payee,omitempty"`
	Payment  string `json:"payment,omitempty"` // the payment's id, its reference or its key
	Order    string `json:"order,omitempty"`
}

// HTTPBalances reads balances from a list.
type HTTPBalances struct {
	Path    string `json:"path"` // of the first page
	Items   string `json:"items,omitempty"`
	Next    string `json:"next,omitempty"` // as of HTTPLedger
	Account string `json:"account"`
	Amount  string `json:"amount,omitempty"` // in minor units
	Major   string `json:"major,omitempty"`
}
