package exchange

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onebar/onebar/harness/sut"
)

// Client is a compiled sut.HTTPClient, completed by its preset and the defaults. It
// is read only, and its methods may be called from several goroutines.
type Client struct {
	Config   sut.HTTPClient // with preset and defaults filled in; its texts hold no secrets
	Setup    []Setup
	Pay      *Request
	Outcomes *Rules
	Poll     *Request // nil is none
	Polled   *Rules
	Called   *Rules // nil if there is no callback
	URL      string // what paths are relative to

	payment *expression // of a callback
}

// Setup is a compiled harness.HTTPSetup.
type Setup struct {
	*Request
	Config  sut.HTTPSetup
	expect  *expression // nil is 200 to 299
	account *expression // nil is none
}

// The defaults of keys that neither the file nor the preset gives.
const (
	defaultTimeout  = 10 * time.Second
	defaultGiveUp   = 60 * time.Second
	defaultAttempts = 3
	defaultWait     = 500 * time.Millisecond
	defaultFactor   = 2
	defaultCap      = 5 * time.Second
	defaultJitter   = 0.25
	defaultEvery    = time.Second
)

// The words of HTTPClient.Key, HTTPSetup.For and HTTPRetry.On.
const (
	KeyPayment = "payment"
	KeyOrder   = "order"
	KeyAttempt = "attempt"
	KeyNone    = "none"

	Once        = "once"
	PerWallet   = "wallet"
	PerMerchant = "merchant"

	OnTimeout    = "timeout"
	OnConnection = "connection"
	OnRetry      = "retry"
	OnUnknown    = "unknown"
)

// NewClient compiles a configuration for a server at host:port. Secrets are looked
// up with lookup. If lookup is nil they stay as they are written; that is enough to find
// the mistakes of a file. The client is usable only if there are no problems.
func NewClient(config sut.HTTPClient, server string, lookup Lookup) (*Client, []*Problem) {
	c := &compiler{lookup: lookup}
	preset := c.preset(&config)
	fill(&config, preset)
	c.words(config)
	got := &Client{Config: config, URL: c.base("url", config.URL, server)}
	base := runScope()
	if config.Callback != nil {
		base["callback"] = paymentScope()["key"]
	}
	before := c.setups(got, base)
	paying := base.With(captureScope(before)).With(paymentScope())
	got.Pay = c.request("pay.", config.Pay, got.URL, config.Headers, paying)
	c.confirms(config, preset)
	got.Outcomes = c.rules("outcomes", config.Outcomes, preset.Outcomes, config.Preset, paying.With(captureScope(before)))
	after := append(slices.Clone(before), names(config.Pay.Capture)...)
	paid := base.With(captureScope(after)).With(paymentScope())
	if p := config.Poll; p != nil {
		got.Poll = c.request("poll.", p.HTTPRequest, got.URL, config.Headers, paid)
		got.Polled = c.rules("poll.outcomes", p.Outcomes, nil, "", paid)
	}
	if b := config.Callback; b != nil {
		got.payment = c.expression("callback.payment", b.Payment, base.With(answerScope()))
		got.Called = c.rules("callback.outcomes", b.Outcomes, nil, "", base)
	}
	return got, c.problems
}

// confirms reports a configuration that cannot confirm any payment.
func (c *compiler) confirms(config, preset sut.HTTPClient) {
	all := [][]sut.HTTPRule{config.Outcomes, preset.Outcomes}
	if config.Poll != nil {
		all = append(all, config.Poll.Outcomes)
	}
	if config.Callback != nil {
		all = append(all, config.Callback.Outcomes)
	}
	for _, rules := range all {
		for _, r := range rules {
			if r.Outcome == Confirmed.String() {
				return
			}
		}
	}
	c.errorf("outcomes", `no rule says confirmed; give one, such as {when: status == 200 and body.state == "done", outcome: confirmed}`)
}

func (c *compiler) preset(config *sut.HTTPClient) sut.HTTPClient {
	if config.Preset == "" {
		return sut.HTTPClient{}
	}
	p, ok := PresetOf(config.Preset)
	if !ok {
		c.errorf("preset", "there is no preset %q; expected one of %s", config.Preset, strings.Join(Presets(), ", "))
	}
	return p.Client
}

// fill completes a configuration from a preset and then from the defaults.
func fill(c *sut.HTTPClient, p sut.HTTPClient) {
	or(&c.Key, p.Key, KeyPayment)
	or(&c.KeyHeader, p.KeyHeader, "Idempotency-Key")
	c.KeyQuoted = c.KeyQuoted || p.KeyQuoted
	or(&c.Timeout, p.Timeout, defaultTimeout)
	or(&c.GiveUp, p.GiveUp, max(defaultGiveUp, c.Timeout))
	or(&c.Retry.Attempts, p.Retry.Attempts, defaultAttempts)
	or(&c.Retry.Wait, p.Retry.Wait, defaultWait)
	or(&c.Retry.Factor, p.Retry.Factor, defaultFactor)
	or(&c.Retry.Cap, p.Retry.Cap, max(defaultCap, c.Retry.Wait))
	or(&c.Retry.RetryAfter, p.Retry.RetryAfter, "obey")
	if c.Retry.Jitter == nil {
		c.Retry.Jitter = p.Retry.Jitter
	}
	if c.Retry.Jitter == nil {
		jitter := defaultJitter
		c.Retry.Jitter = &jitter
	}
	if c.Retry.On == nil {
		c.Retry.On = p.Retry.On
	}
	if c.Retry.On == nil {
		c.Retry.On = []string{OnTimeout, OnConnection, OnRetry}
	}
	if c.Poll != nil {
		poll := *c.Poll
		or(&poll.Every, 0, defaultEvery)
		c.Poll = &poll
	}
}

// or sets a value that is zero to the first of the others that is not.
func or[T comparable](v *T, others ...T) {
	var zero T
	for _, o := range others {
		if *v == zero {
			*v = o
		}
	}
}

// words reports unknown words. The reader of files has checked those of a file.
func (c *compiler) words(config sut.HTTPClient) {
	for _, w := range []struct{ at, word, known string }{
		{"key", config.Key, "payment order attempt none"},
		{"retry.retry_after", config.Retry.RetryAfter, "obey ignore"},
	} {
		if !slices.Contains(strings.Fields(w.known), w.word) {
			c.errorf(w.at, "%q is none of %s", w.word, w.known)
		}
	}
	for _, on := range config.Retry.On {
		if known := "timeout connection retry unknown"; !slices.Contains(strings.Fields(known), on) {
			c.errorf("retry.on", "%q is none of %s", on, known)
		}
	}
	if config.Timeout > config.GiveUp {
		c.errorf("give_up", "a payment is given up before its first attempt has timed out; make give_up longer than timeout")
	}
}

// setups compiles the set-up requests, and returns the names that they capture. Each
// request may use what earlier ones capture.
func (c *compiler) setups(got *Client, base scope) (captured []string) {
	for i, s := range got.Config.Setup {
		or(&s.For, Once)
		at := fmt.Sprintf("setup[%d]", i)
		sc := base.With(captureScope(captured))
		sc["currency"] = paymentScope()["key"]
		if s.For != Once {
			sc = sc.With(accountScope())
		}
		if s.For == Once && s.Account != "" {
			c.errorf(at+".account", "a request that is made once names no account; say for: wallet or for: merchant")
		}
		answered := sc.With(answerScope())
		got.Setup = append(got.Setup, Setup{
			Request: c.request(at+".", s.HTTPRequest, got.URL, got.Config.Headers, sc), Config: s,
			expect:  c.condition(at+".expect", s.Expect, answered),
			account: c.expression(at+".account", s.Account, answered),
		})
		captured = append(captured, names(s.Capture)...)
	}
	return captured
}

// Good reports whether an answer to a set-up request is the one that was expected.
func (s *Setup) Good(a Answer, v Vars) (bool, error) {
	if s.expect == nil {
		return a.Status >= 200 && a.Status < 300, nil
	}
	return s.expect.Yes(v.With(a.vars()))
}

// Account returns the server's name for the account of the request, and false if the
// request is configured without one.
func (s *Setup) Account(a Answer, v Vars) (string, bool, error) {
	if s.account == nil {
		return "", false, nil
	}
	name, err := s.account.Word(v.With(a.vars()))
	return name, err == nil, err
}

// Whose returns the payment of a callback: its id, its reference or its key.
func (c *Client) Whose(a Answer, v Vars) (string, error) {
	return c.payment.Word(v.With(a.vars()))
}

// Retries reports whether the client attempts a payment again for a reason, which is one
// of the words of HTTPRetry.On.
func (c *Client) Retries(reason string) bool { return slices.Contains(c.Config.Retry.On, reason) }
