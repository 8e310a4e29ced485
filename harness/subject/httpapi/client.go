package httpapi

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/exchange"
	"github.com/onebar/onebar/harness/runid"
	"github.com/onebar/onebar/harness/subject"
	"github.com/onebar/onebar/harness/subject/httpapi/transport"
	"github.com/onebar/onebar/harness/sut"
)

// Client pays over HTTP for every wallet. Make it with NewClient.
type Client struct {
	config sut.HTTPClient
	folder string

	env      *subject.Env
	secrets  transport.Secrets
	secure   *tls.Config
	plan     *exchange.Client
	run      exchange.Vars
	direct   *http.Client // for setting up
	wallets  []*wallet
	merchant []map[string]any // captured for each
	calls    *listener        // nil is none
}

// NewClient returns the client of a configuration. Paths in it are relative to folder,
// the folder of the scenario.
func NewClient(config sut.HTTPClient, folder string) *Client {
	return &Client{config: config, folder: folder}
}

// Start implements subject.Client: it makes the set-up requests.
func (c *Client) Start(ctx context.Context, env *subject.Env) error {
	plan, problems := exchange.NewClient(c.config, env.Server, c.secrets.Lookup)
	if err := all("client.http", problems); err != nil {
		return err
	}
	secure, err := transport.Trust(c.config.TLS, c.folder)
	if err != nil {
		return fmt.Errorf("client.http.%w", err)
	}
	c.env, c.plan, c.secure = env, plan, secure
	c.run = exchange.RunVars(runID(env), env.Start)
	if plan.Called != nil {
		if c.calls, err = listen(ctx, c); err != nil {
			return err
		}
		c.run["callback"] = c.calls.url
	}
	c.direct = transport.New(env.Direct, secure)
	if err := reach(ctx, env, plan.URL, secure); err != nil {
		return err
	}
	for i := range env.Workload.Wallets {
		dial := func(ctx context.Context) (net.Conn, error) { return env.Dial(ctx, i) }
		c.wallets = append(c.wallets, &wallet{client: c, http: transport.New(dial, secure), captured: map[string]any{}})
	}
	for range env.Workload.Merchants {
		c.merchant = append(c.merchant, map[string]any{})
	}
	return c.setUp(ctx)
}

func all(section string, problems []*exchange.Problem) error {
	var errs []error
	for _, p := range problems {
		errs = append(errs, fmt.Errorf("%s.%w", section, p))
	}
	return errors.Join(errs...)
}

func runID(env *subject.Env) string {
	sum := digest(env, "run")
	return hex.EncodeToString(sum[:4])
}

// digest hashes a text together with the start and the seed of the run.
func digest(env *subject.Env, text string) [sha256.Size]byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(env.Start.UnixNano()))
	b = binary.BigEndian.AppendUint64(b, env.Seed)
	return sha256.Sum256(append(b, text...))
}

// uuid returns an idempotency key for a text, unique to the run.
func uuid(env *subject.Env, text string) string {
	sum := digest(env, text)
	return runid.Key(runID(env), sum[:])
}

// reach checks that the server accepts connections, and that it speaks TLS if the URL is
// https.
func reach(ctx context.Context, env *subject.Env, base string, secure *tls.Config) error {
	u, err := url.Parse(base)
	if err != nil {
		return fmt.Errorf("client.http.url: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := env.Direct(ctx)
	if err != nil {
		return fmt.Errorf("the server does not answer at %s: %w; check that it runs and that server has its address", env.Server, err)
	}
	defer conn.Close()
	if u.Scheme != "https" {
		return nil
	}
	secure = secure.Clone()
	if secure.ServerName == "" {
		secure.ServerName = u.Hostname()
	}
	if err := tls.Client(conn, secure).HandshakeContext(ctx); err != nil {
		return fmt.Errorf("no TLS with %s as %s: %w; check url (http or https), and tls: ca, pin or server_name", env.Server, secure.ServerName, err)
	}
	return nil
}

func (c *Client) setUp(ctx context.Context) error {
	shared := map[string]any{}
	for i := range c.plan.Setup {
		s := &c.plan.Setup[i]
		for _, a := range c.accounts(s.Config.For, shared) {
			if err := c.prepare(ctx, s, a, shared); err != nil {
				return err
			}
		}
	}
	for _, w := range c.wallets {
		w.captured = merge(shared, w.captured)
	}
	return nil
}

// account is the wallet or merchant that a set-up request is for.
type account struct {
	name     string // empty for a request that is sent once
	number   int
	balance  int64          // minor units
	captured map[string]any // what its requests captured
}

func (c *Client) accounts(per string, shared map[string]any) []account {
	w := c.env.Workload
	var all []account
	switch per {
	case exchange.PerWallet:
		balance := w.Balance
		if balance == 0 {
			balance = w.AmountMax * int64(w.Payments) * int64(max(w.Presses, 1))
		}
		for n := range c.wallets {
			all = append(all, account{subject.Wallet(n), n, balance, c.wallets[n].captured})
		}
	case exchange.PerMerchant:
		for n := range c.merchant {
			all = append(all, account{subject.Merchant(n), n, 0, c.merchant[n]})
		}
	default:
		all = []account{{captured: shared}}
	}
	return all
}

// prepare sends a set-up request and keeps what it captures.
func (c *Client) prepare(ctx context.Context, s *exchange.Setup, a account, shared map[string]any) (err error) {
	currency := c.env.Workload.Currency
	v := exchange.Vars{
		"captured": merge(shared, a.captured), "currency": currency,
		"account": a.name, "number": a.number, "balance": a.balance, "balance_major": exchange.Major(a.balance, currency),
	}
	maps.Copy(v, c.run)
	what := "set-up request"
	if s.Config.Line > 0 {
		what += fmt.Sprintf(" on line %d", s.Config.Line)
	}
	if a.name != "" {
		what += " for " + a.name
	}
	req, err := s.Make(ctx, v)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	what += ": " + req.Method + " " + s.Config.Path
	step := transport.StartStep(c.env, &c.secrets, "setup", req)
	x := transport.Send(c.direct, req, c.plan.Config.Timeout)
	defer func() { step.End(x, err) }()
	if x.Err != nil {
		return fmt.Errorf("%s: %w; check that this is the server and its path", what, x.Err)
	}
	if good, err := s.Good(x.Answer, v); !good {
		return errors.Join(fmt.Errorf("%s: the answer is HTTP %d %s; check the request, its headers and expect", what, x.Answer.Status, c.secrets.Excerpt(x.Answer)), err)
	}
	got := s.Capture(x.Answer, v)
	for name := range s.Config.Capture {
		value, ok := got[name]
		if !ok {
			return fmt.Errorf("%s: the answer has no %s to capture (%s)", what, name, s.Config.Capture[name])
		}
		a.captured[name] = value
	}
	remote, named, err := s.Account(x.Answer, v)
	if err != nil {
		return fmt.Errorf("%s: account: %w", what, err)
	}
	step.Captured(got)
	if named {
		c.env.Accounts.Name(a.name, remote)
		step.Mean("%s is called %s by the server", a.name, remote)
	}
	return nil
}

func merge(a, b map[string]any) map[string]any {
	all := make(map[string]any, len(a)+len(b))
	maps.Copy(all, a)
	maps.Copy(all, b)
	return all
}

// Config returns the configuration with the values of its preset and the defaults. The
// client must have been started; so for the next two methods.
func (c *Client) Config() sut.HTTPClient { return c.plan.Config }

// HTTP returns an HTTP client for the server that opens its connections with dial. The
// caller closes its idle connections.
func (c *Client) HTTP(dial subject.DialFunc) *http.Client { return transport.New(dial, c.secure) }

// Excerpt returns the beginning of the body of an answer, without secrets.
func (c *Client) Excerpt(a exchange.Answer) string { return c.secrets.Excerpt(a) }

// Payer implements subject.Client.
func (c *Client) Payer(i int) harness.Payer { return c.wallets[i] }

// Close implements subject.Client.
func (c *Client) Close() error {
	var err error
	if c.calls != nil {
		err = c.calls.close()
	}
	for _, w := range c.wallets {
		w.http.CloseIdleConnections()
	}
	if c.direct != nil {
		c.direct.CloseIdleConnections()
	}
	return err
}

// payee returns what was captured for the merchant of a payment.
func (c *Client) payee(p harness.Payment) map[string]any {
	n, err := strconv.Atoi(strings.TrimPrefix(p.Payee, "m"))
	if err != nil || n < 0 || n >= len(c.merchant) {
		return nil
	}
	return c.merchant[n]
}
