package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/exchange"
	"github.com/onebar/onebar/harness/exchange/language"
	"github.com/onebar/onebar/harness/subject"
	"github.com/onebar/onebar/harness/subject/httpapi/transport"
	"github.com/onebar/onebar/harness/sut"
)

// Ledger reads what the server has booked from a list. Make it with NewLedger.
type Ledger struct {
	config sut.HTTPLedger
	folder string

	env     *subject.Env
	secrets transport.Secrets
	plan    *exchange.Ledger
	run     exchange.Vars
	http    *http.Client
	reading subject.Reading
}

// NewLedger returns the ledger of a configuration. Paths in it are relative to folder,
// the folder of the scenario.
func NewLedger(config sut.HTTPLedger, folder string) *Ledger {
	return &Ledger{config: config, folder: folder}
}

// Open implements subject.Opener: it records what is booked already.
func (l *Ledger) Open(ctx context.Context, env *subject.Env) error {
	plan, problems := exchange.NewLedger(l.config, env.Server, l.secrets.Lookup)
	if err := all("ledger.http", problems); err != nil {
		return err
	}
	secure, err := transport.Trust(l.config.TLS, l.folder)
	if err != nil {
		return fmt.Errorf("ledger.http.%w", err)
	}
	l.env = env
	l.plan, l.run, l.http = plan, exchange.RunVars(runID(env), env.Start), transport.New(env.Direct, secure)
	before, err := l.read(ctx)
	if err != nil {
		return err
	}
	l.reading.Open(before)
	return nil
}

// Read implements subject.Ledger.
func (l *Ledger) Read(ctx context.Context, env *subject.Env) (harness.Ledger, error) {
	if l.plan == nil {
		return harness.Ledger{}, errors.New("the ledger was not opened before the run")
	}
	all, err := l.read(ctx)
	if err != nil {
		return harness.Ledger{}, err
	}
	got, err := l.reading.Of(all, env)
	complete(got.Postings, l.config.Fields, env)
	return got, err
}

// read reads everything that the server lists, with the server's names.
func (l *Ledger) read(ctx context.Context) (all harness.Ledger, err error) {
	if all.Postings, err = l.list(ctx); err == nil {
		all.Balances, err = l.balances(ctx)
	}
	return all, err
}

// maxPages bounds the pages of a list.
const maxPages = 100_000

// list reads all pages. A booking that moves to the next page meanwhile counts once.
func (l *Ledger) list(ctx context.Context) ([]harness.Posting, error) {
	var got []harness.Posting
	seen, read := map[string]bool{}, map[string]bool{}
	request, page := l.plan.First, exchange.Page{Number: 1}
	for path := l.config.Path; ; page.Number++ {
		bookings, items, next, err := l.page(ctx, request, path, page)
		if err != nil {
			return nil, err
		}
		for _, p := range bookings {
			if !seen[p.ID] {
				seen[p.ID] = true
				got = append(got, p)
			}
		}
		page.Offset += items
		read[path] = true
		switch {
		case next == "":
			return got, nil
		case read[next]:
			return nil, fmt.Errorf("page %d of the ledger leads back to %s, which was read already; check next", page.Number, next)
		case page.Number == maxPages:
			return nil, fmt.Errorf("the ledger has more than %d pages; check next", maxPages)
		}
		request, path = l.plan.Next(next), next
	}
}

// page reads one page. It returns its bookings, the number of its items, and the path of
// the next page.
func (l *Ledger) page(ctx context.Context, request *exchange.Request, path string, page exchange.Page) (got []harness.Posting, n int, next string, err error) {
	x, step, err := l.get(ctx, request, path)
	if err != nil {
		return nil, 0, "", err
	}
	defer func() { step.End(x, err) }()
	v := l.run.With(language.Until(ctx))
	items, next, err := l.plan.Page(x.Answer, page, v)
	if err != nil {
		return nil, 0, "", fmt.Errorf("page %d of the ledger, GET %s: %w; it says: %s", page.Number, path, err, l.secrets.Excerpt(x.Answer))
	}
	step.Lists(items)
	for i, item := range items {
		if err := ctx.Err(); err != nil {
			return nil, 0, "", err // each expression may take its time
		}
		p, is, err := l.plan.Posting(item, l.env.Workload.Currency, v)
		if err != nil {
			return nil, 0, "", fmt.Errorf("page %d of the ledger, item %d: %w", page.Number, i+1, err)
		}
		if is {
			got = append(got, p)
		}
		if lacks := l.plan.Lacks(item, v); is && len(lacks) > 0 {
			step.Mean("item %d has no %s", i+1, strings.Join(lacks, ", "))
		}
	}
	step.Mean("%s on page %d, %d left out by where", harness.Plural(len(items), "item"), page.Number, len(items)-len(got))
	return got, len(items), next, nil
}

// A page is requested at most attempts times, and not again after readLimit. A server
// that was just restarted needs time; a server that never answers must not cost five
// timeouts.
const (
	attempts  = 5
	readLimit = 10 * time.Second
)

// get reads one page, with several attempts.
func (l *Ledger) get(ctx context.Context, r *exchange.Request, path string) (transport.Exchange, *transport.Step, error) {
	begin := time.Now()
	for n := 1; ; n++ {
		req, err := r.Make(ctx, l.run)
		if err != nil {
			return transport.Exchange{}, nil, fmt.Errorf("ledger: %w", err)
		}
		step := transport.StartStep(l.env, &l.secrets, "ledger", req)
		x := transport.Send(l.http, req, l.plan.Config.Timeout)
		if x.Err == nil && x.Answer.Status < 500 {
			return x, step, nil
		}
		if x.Err == nil {
			x.Err = fmt.Errorf("the answer is HTTP %d %s", x.Answer.Status, l.secrets.Excerpt(x.Answer))
		}
		step.End(x, x.Err)
		if n == attempts || time.Since(begin) > readLimit || ctx.Err() != nil {
			return transport.Exchange{}, nil, fmt.Errorf("GET %s: %w; check that the server runs and that this is its list of payments", path, x.Err)
		}
		pause(ctx, time.Duration(n)*200*time.Millisecond)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// balances returns the balances of the scenario's accounts, or nothing if the
// configuration has no balances.
func (l *Ledger) balances(ctx context.Context) (got []harness.Balance, err error) {
	if l.plan.Balances == nil {
		return nil, nil
	}
	path, w := l.config.Balances.Path, l.env.Workload
	x, step, err := l.get(ctx, l.plan.Balances, path)
	if err != nil {
		return nil, err
	}
	defer func() { step.End(x, err) }()
	items, err := l.plan.Accounts(x.Answer, l.run)
	if err != nil {
		return nil, fmt.Errorf("balances, GET %s: %w", path, err)
	}
	ours := accounts(w)
	for i, item := range items {
		name, minor, err := l.plan.Balance(item, w.Currency, l.run)
		if err != nil {
			return nil, fmt.Errorf("balances, item %d: %w", i+1, err)
		}
		if ours[l.env.Accounts.Ours(name)] {
			got = append(got, harness.Balance{Account: name, Currency: w.Currency, Closing: minor})
		}
	}
	return got, nil
}

// accounts returns the names of a scenario's accounts.
func accounts(w harness.Workload) map[string]bool {
	all := map[string]bool{}
	for i := range w.Wallets {
		all[subject.Wallet(i)] = true
	}
	for i := range w.Merchants {
		all[subject.Merchant(i)] = true
	}
	return all
}

// Close implements subject.Ledger.
func (l *Ledger) Close() error {
	if l.http != nil {
		l.http.CloseIdleConnections()
	}
	return nil
}
