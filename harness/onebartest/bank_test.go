package onebartest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/onebartest"
)

// What follows is a payment service whose money is at its bank: three hosts, the phone,
// the server, and the bank behind it. The server asks the bank over a connection for
// each order, and does not know what became of one that it got no answer to.

// transfer is what the server orders, under a reference that the bank books once.
type transfer struct {
	Reference string
	Payment   harness.Payment
}

// vault is the bank's book, which survives a crash.
type vault struct {
	mu       sync.Mutex
	booked   map[string]bool // references
	postings []harness.Posting
}

func (v *vault) book(t transfer) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.booked[t.Reference] {
		return
	}
	v.booked[t.Reference] = true
	p := t.Payment
	v.postings = append(v.postings, harness.Posting{
		ID: fmt.Sprint("t", len(v.postings)+1), Payment: p.ID, Order: p.Order,
		Payer: p.Payer, Payee: p.Payee, Amount: p.Amount, Currency: p.Currency,
	})
}

// serveJSON answers each request on the connections of a listener with what f says, and
// hangs up at an error.
func serveJSON[T any](l net.Listener, f func(T) (string, error)) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			var request T
			for in := json.NewDecoder(c); in.Decode(&request) == nil; {
				answer, err := f(request)
				if err != nil || json.NewEncoder(c).Encode(answer) != nil {
					return
				}
			}
		}()
	}
}

// ask sends a request over a new connection and returns the answer.
func ask(ctx context.Context, limit time.Duration, dial func(context.Context, string, string) (net.Conn, error), to string, request any) (answer string, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c, err := dial(ctx, "tcp", to)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if deadline, ok := ctx.Deadline(); ok {
		err = c.SetDeadline(deadline)
	}
	return answer, errors.Join(err, json.NewEncoder(c).Encode(request), json.NewDecoder(c).Decode(&answer))
}

// What a server can do wrong when its bank does not answer in time.
const (
	newReference = "orders again under a new reference"
	saysFailed   = "tells the payer that it failed"
)

// How the bank may book from a queue, seconds after its answer.
const (
	booksLate  = "books 3 s later"
	booksTwice = "books at once, and again 3 s later"
)

// take books an order, or has a queue book it.
func (v *vault) take(t transfer, flaw string) {
	if flaw != booksLate {
		v.book(t)
	}
	if flaw == booksLate || flaw == booksTwice {
		t.Reference += " from the queue"
		time.AfterFunc(3*time.Second, func() { v.book(t) })
	}
}

// banked is the System of a server with a flaw, or none.
func banked(flaw string) func(*onebartest.Bench) (onebartest.System, error) {
	return func(b *onebartest.Bench) (onebartest.System, error) {
		v := &vault{booked: map[string]bool{}}
		pay := func(ctx context.Context, p harness.Payment) (string, error) {
			order := transfer{p.ID, p}
			for try := 1; ; try++ {
				answer, err := ask(ctx, 2*time.Second, b.Dial, "bank:700", order)
				switch {
				case err == nil || ctx.Err() != nil:
					return answer, err
				case flaw == saysFailed:
					return "failed", nil
				case flaw == newReference:
					order.Reference = fmt.Sprint(p.ID, "-", try)
				}
				time.Sleep(time.Second)
			}
		}
		return onebartest.System{
			Hosts: []onebartest.Host{{
				Name: "bank",
				Link: harness.Profile{Up: harness.Path{Delay: 20 * time.Millisecond}, Down: harness.Path{Delay: 20 * time.Millisecond}},
				Serve: func(_ context.Context, l net.Listener) error {
					return serveJSON(l, func(t transfer) (string, error) { v.take(t, flaw); return "ok", nil })
				},
			}},
			Serve: func(ctx context.Context, l net.Listener) error {
				return serveJSON(l, func(p harness.Payment) (string, error) { return pay(ctx, p) })
			},
			Client: func(_ context.Context, p *onebartest.Phone) onebartest.Pay {
				return func(ctx context.Context, hp harness.Payment) (harness.Outcome, error) {
					for {
						switch answer, err := ask(ctx, 20*time.Second, p.DialContext, "server", hp); {
						case answer == "failed":
							return harness.Failed, nil
						case err == nil:
							return harness.Confirmed, nil
						case ctx.Err() != nil:
							return harness.OutcomeUnknown, err
						}
						time.Sleep(time.Second)
					}
				}
			},
			Ledger: func(context.Context) (harness.Ledger, error) {
				v.mu.Lock()
				defer v.mu.Unlock()
				return harness.Ledger{Postings: v.postings}, nil
			},
		}, nil
	}
}

// behind is what happens behind the server: its bank's answers are lost, and later the
// bank crashes.
func behind() []harness.Event {
	return []harness.Event{
		{
			When: &harness.Trigger{Packet: 2, Direction: harness.Down, Link: "server-bank"}, // the bank has the first order
			For:  6 * time.Second, Action: harness.Blackhole, Direction: harness.Down, On: "server-bank",
		},
		{At: 3 * time.Second, Action: harness.Crash, Side: "bank", Restart: 2 * time.Second},
	}
}

func TestServerAndItsBank(t *testing.T) {
	onebartest.Trial{Scenario: "testdata/bank.yaml", System: banked(""), Events: behind()}.Run(t)
}

func TestServerAndItsBankWithFlaws(t *testing.T) {
	for flaw, want := range map[string]string{newReference: "duplicated", saysFailed: "contradicted"} {
		t.Run(flaw, func(t *testing.T) {
			x := onebartest.Trial{Scenario: "testdata/bank.yaml", System: banked(flaw)}
			x.Run(t) // nothing happens to the bank, and nothing shows
			x.Events = behind()
			require.Contains(t, failure(t, x.Run), want)
		})
	}
}

// The ledger is judged when it is at rest: a bank that books from a queue loses nothing, and
// one whose queue delivers twice is found.
func TestLedgerAtRest(t *testing.T) {
	for name, tc := range map[string]struct {
		flaw  string
		quiet time.Duration
		want  string // what it fails with; empty is nothing
	}{
		"late":             {flaw: booksLate},
		"twice":            {flaw: booksTwice, want: "duplicated"},
		"later than quiet": {flaw: booksLate, quiet: time.Second, want: "5 payments lost"},
	} {
		t.Run(name, func(t *testing.T) {
			x := onebartest.Trial{Scenario: "testdata/queue.yaml", System: func(b *onebartest.Bench) (onebartest.System, error) {
				s, err := banked(tc.flaw)(b)
				s.Quiet = tc.quiet
				return s, err
			}}
			if tc.want == "" {
				x.Run(t)
				return
			}
			require.Contains(t, failure(t, x.Run), tc.want)
		})
	}
}

// An event on a link that is not there is refused.
func TestEventOnNoLink(t *testing.T) {
	x := onebartest.Trial{Scenario: "testdata/bank.yaml", System: banked(""), Events: []harness.Event{{Action: harness.Blackhole, On: "bank-server"}}}
	require.Contains(t, failure(t, x.Run), `there is no link "bank-server": expected one of the network's topology: server-bank`)
}
