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
	if all := env.Workload.Currencies(); len(all) > 1 && l.config.Fields.Currency == "" {
		return fmt.Errorf("ledger.http.fields has no currency, and the workload has several (%s): say where an item has its own", strings.Join(all, ", "))
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

// read reads everything that the server lists, with the server's names. If an item
// changed while it moved to the next page, everything is read once more.
func (l *Ledger) read(ctx context.Context) (harness.Ledger, error) {
	all, err := l.lists(ctx)
	if errors.As(err, new(differentError)) {
		all, err = l.lists(ctx)
	}
	return all, err
}

func (l *Ledger) lists(ctx context.Context) (all harness.Ledger, err error) {
	w, v := l.env.Workload, l.run.With(language.Until(ctx))
	err = l.pages(ctx, &l.plan.Bookings, listing{
		of: "the ledger", id: "a booking of id", mend: "give fields.id what is different for each booking, or leave one out with where",
		take: func(item any) (id string, add func(), err error) {
			p, is, err := l.plan.Posting(item, w.Currency, v)
			if err != nil || !is {
				return "", nil, err
			}
			return p.ID, func() { all.Postings = append(all.Postings, p) }, nil
		},
		tell: func(step *transport.Step, items []any, number, counted int) {
			l.tell(step, items, v)
			step.Mean("%s on page %d, %d left out by where", harness.Plural(len(items), "item"), number, len(items)-counted)
		},
	})
	if err != nil || l.plan.Balances == nil {
		return all, err
	}
	err = l.pages(ctx, l.plan.Balances, listing{
		of: "the balances", id: "an account", mend: "the list must have each account once",
		take: func(item any) (id string, add func(), err error) {
			name, err := l.plan.Account(item, v)
			currency, ours := subject.CurrencyOf(w, l.env.Accounts.Ours(name)[0])
			if err != nil || !ours {
				return "", nil, err // it is nobody's in this run
			}
			minor, err := l.plan.Balance(item, currency, v)
			if err != nil {
				return "", nil, err
			}
			return name, func() {
				all.Balances = append(all.Balances, harness.Balance{Account: name, Currency: currency, Closing: minor, NoFloor: true})
			}, nil
		},
	})
	return all, err
}

// tell adds to a step what a page of bookings lists.
func (l *Ledger) tell(step *transport.Step, items []any, v exchange.Vars) {
	step.Lists(items)
	for i, item := range items {
		_, is, _ := l.plan.Posting(item, l.env.Workload.Currency, v) // it was taken without an error
		if lacks := l.plan.Lacks(item, v); is && len(lacks) > 0 {
			step.Mean("item %d has no %s", i+1, strings.Join(lacks, ", "))
		}
	}
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
		transport.Pause(ctx, time.Duration(n)*200*time.Millisecond)
	}
}

// Close implements subject.Ledger.
func (l *Ledger) Close() error {
	if l.http != nil {
		l.http.CloseIdleConnections()
	}
	return nil
}
