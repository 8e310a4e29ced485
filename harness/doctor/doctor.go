// Package doctor makes one payment of a scenario over a perfect link, follows it step by
// step, and says what the scenario lacks before a run of it means anything.
//
// [Examine] uses package run to make and judge the payment, so it sees what a run does.
// The parts of an external system report their steps. Steps that they do not report, and
// those of the reference pair, are read from the history.
package doctor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/run"
)

// Options are what an examination needs besides the scenario.
type Options struct {
	Engine harness.Engine // to carry the payment
	Meant  harness.Engine // the scenario's own

	// Subject returns a new subject whose parts call trace with their steps, if they
	// can.
	Subject func(trace func(harness.Step)) (harness.Subject, error)

	Dir     string // for files of the run, which are not needed afterwards
	Version string // of the program
}

// One returns the scenario with a single payment of a single wallet over a perfect link,
// without a timeline and without expectations.
func One(sc harness.Scenario) harness.Scenario {
	w := sc.Workload
	sc.Workload = harness.Workload{
		Wallets: 1, Merchants: 1, Payments: 1,
		AmountMin: w.AmountMin, AmountMax: w.AmountMax, Currency: w.Currency, Balance: w.Balance,
		Deadline: w.Deadline, Attempts: w.Attempts,
	}
	sc.Link = harness.Profile{}
	sc.Engine, sc.Length, sc.Timeline, sc.Nemesis, sc.Radio, sc.Expect = "", 0, nil, nil, nil, nil
	return sc
}

// Examine makes the payment of One and reports how it went. If the payment could not be
// made, the Result has an Error. Examine returns an error only if it could not even begin,
// or if ctx ended.
func Examine(ctx context.Context, sc harness.Scenario, o Options) (result.Checkup, error) {
	e := &examination{scenario: sc, one: One(sc), enough: make(chan struct{})}
	subject, err := o.Subject(e.trace)
	if err != nil {
		return result.Checkup{}, err
	}
	e.subject = subject
	unfit := run.Check(sc, run.Options{Engine: o.Meant, Subject: subject})
	res, err := run.Run(ctx, e.one, run.Options{
		Engine: o.Engine, Subject: subject, Seed: 1, Dir: o.Dir, Version: o.Version, Each: e.record, Enough: e.enough,
	})
	if ctx.Err() != nil {
		return result.Checkup{}, context.Cause(ctx)
	}
	if res.Version == 0 { // there was no run
		res = result.Result{Version: result.Version, Onebar: o.Version, Scenario: e.one, Engine: o.Engine.Name()}
	}
	if err != nil {
		res.Error = err.Error()
	}
	res.HistoryFile = ""
	e.result = res
	e.steps = lastReading(e.steps)
	e.rejudge()
	e.unfit(unfit)
	e.advise()
	return e.checkup(unfit != nil), nil
}

type examination struct {
	scenario harness.Scenario
	one      harness.Scenario
	subject  harness.Subject
	result   result.Result
	advice   []result.Advice

	mu     sync.Mutex
	steps  []harness.Step
	enough chan struct{} // closed when nothing more will be reported about the payment
	closed bool

	asked    []harness.Payment
	told     []harness.Told
	attempts []harness.Step // as the history has them
	postings []harness.Posting
	balances []harness.Balance
}

func (e *examination) trace(s harness.Step) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.steps = append(e.steps, s)
	if s.Part == harness.GivenUp && !e.closed {
		e.closed = true
		close(e.enough)
	}
}

// lastReading returns the steps without those of readings of the ledger that another
// reading has followed: the last one is judged.
func lastReading(steps []harness.Step) []harness.Step {
	var ends []int
	for i, s := range steps {
		if s.Part == "ledger" && s.Title == harness.LedgerRead {
			ends = append(ends, i)
		}
	}
	if len(ends) < 2 {
		return steps
	}
	paid := slices.IndexFunc(steps, func(s harness.Step) bool { return s.Part == "user" || s.Part == "pay" })
	var kept []harness.Step
	for i, s := range steps {
		if s.Part != "ledger" || i < paid || i > ends[len(ends)-2] {
			kept = append(kept, s)
		}
	}
	return kept
}

// record records a step from the history, after the run.
func (e *examination) record(r history.Record) {
	step := harness.Step{At: r.At}
	switch {
	case r.Pay != nil:
		e.asked = append(e.asked, *r.Pay)
		step.Part, step.Title = "user", fmt.Sprintf("presses pay: %s from %s to %s, payment %s of order %s",
			harness.FormatMoney(r.Pay.Amount, r.Pay.Currency), r.Pay.Payer, r.Pay.Payee, r.Pay.ID, r.Pay.Order)
	case r.Told != nil:
		e.told = append(e.told, *r.Told)
		step.Part, step.Title = "told", r.Told.Outcome.String()
		if r.Told.Reason != "" {
			step.Title += ": " + r.Told.Reason
		}
	case r.Attempt != nil:
		a := *r.Attempt
		step.Part, step.Title, step.Took, step.Error = "pay", fmt.Sprintf("attempt %d", a.N), a.Took, a.Error
		if a.Status {
			step.Part = "status"
		}
		if a.Error == "" {
			step.Means = []string{"an answer came"}
		}
		e.attempts = append(e.attempts, step)
		return
	case r.Committed != "":
		step.Part, step.Title = "server", "has booked "+r.Committed+" durably"
	case r.Posting != nil:
		e.postings = append(e.postings, *r.Posting)
		step = booked(step, *r.Posting, e.matches(*r.Posting))
	case r.Balance != nil:
		e.balances = append(e.balances, *r.Balance)
		step.Part, step.Title = "balance", fmt.Sprintf("%s had %s and has %s", r.Balance.Account,
			harness.FormatMoney(r.Balance.Opening, r.Balance.Currency), harness.FormatMoney(r.Balance.Closing, r.Balance.Currency))
	default:
		return
	}
	e.trace(step)
}

func booked(step harness.Step, p harness.Posting, ours bool) harness.Step {
	step.Part, step.Title = "booked", fmt.Sprintf("posting %s: %s from %s to %s", p.ID, harness.FormatMoney(p.Amount, p.Currency), orUnnamed(p.Payer), orUnnamed(p.Payee))
	var names []string
	for _, n := range []struct{ what, name string }{{"payment", p.Payment}, {"order", p.Order}} {
		if n.name != "" {
			names = append(names, n.what+" "+n.name)
		}
	}
	switch {
	case ours:
		step.Means = []string{"is " + strings.Join(names, ", ")}
	case len(names) == 0:
		step.Means = []string{"names neither payment nor order"}
	default:
		step.Means = []string{"names " + strings.Join(names, ", ") + ", which is not what was asked for"}
	}
	return step
}

func orUnnamed(account string) string { return cmp.Or(account, "(nobody named)") }

func (e *examination) matches(p harness.Posting) bool {
	return slices.ContainsFunc(e.asked, func(a harness.Payment) bool {
		return p.Payment == a.ID || p.Order != "" && p.Order == a.Order
	})
}

// stray returns the postings if none of them belongs to the payment.
func (e *examination) stray() []harness.Posting {
	if slices.ContainsFunc(e.postings, e.matches) {
		return nil
	}
	return e.postings
}

// rejudge makes verdicts unknown that depend on bookings that could not be matched, or on
// a payment without a final outcome or a failed attempt: with one payment and no
// impairment, the scenario is wrong and not the subject. Stories of such a verdict are left
// out.
func (e *examination) rejudge() {
	reasons := map[string]string{
		"unresolved":           "the outcome of the payment is unknown",
		"unexplained_failures": "the attempts failed over a perfect link",
	}
	if len(e.stray()) > 0 {
		reasons["lost"] = "the booking was not matched to the payment"
		reasons["phantom"] = reasons["lost"]
	}
	r := &e.result
	worst := r.Status
	if worst == result.Fail {
		worst = result.Pass
	}
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		if reason, ok := reasons[v.Check]; ok && v.Status == result.Fail {
			v.Status, v.Summary, v.Count, v.Findings = result.StatusUnknown, reason, 0, nil
		}
		worst = worst.Worse(v.Status)
	}
	r.Status = worst
	rejudged := func(check string) bool { return r.Verdict(check).Status != result.Fail }
	for i := range r.Stories {
		r.Stories[i].Checks = slices.DeleteFunc(r.Stories[i].Checks, rejudged)
	}
	r.Stories = slices.DeleteFunc(r.Stories, func(s result.Story) bool { return len(s.Checks) == 0 })
}

func (e *examination) unfit(err error) {
	if err == nil {
		return
	}
	for line := range strings.Lines(err.Error()) {
		e.must(sentence("The scenario could not be run as it is: "+strings.TrimSpace(line)), "")
	}
}

// checkup returns what was found, without secrets.
func (e *examination) checkup(unfit bool) result.Checkup {
	c := result.Checkup{Result: e.result, Steps: e.steps, Advice: e.advice, Unfit: unfit}
	if count(e.steps, "pay") == 0 {
		c.Steps = append(c.Steps, e.attempts...)
	}
	slices.SortStableFunc(c.Steps, func(a, b harness.Step) int { return cmp.Compare(a.At, b.At) })
	slices.SortStableFunc(c.Advice, func(a, b result.Advice) int { return cmp.Compare(rank(a), rank(b)) })
	hide(&c, secretsOf(e.scenario.Subject))
	return c
}

func rank(a result.Advice) int {
	if a.Must {
		return 0
	}
	return 1
}

// slow is how long a payment may take on a perfect link without a note about it.
const slow = time.Second

// slowLedger is how long reading a ledger may take without a note about it.
const slowLedger = 3 * time.Second
