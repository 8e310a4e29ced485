package check_test

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/check"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/sut"
)

const ms = time.Millisecond

// script writes the history of a small run, which is all right unless it is told
// otherwise. What the run ends with (postings, balances, what is held, the end)
// is kept apart, so that a case can change it.
type script struct {
	header   history.Header
	body     []history.Record
	postings []harness.Posting
	opening  int64 // of each payer
	rigged   func([]harness.Balance) []harness.Balance
	held     []string
	end      *history.End
	asked    map[string]harness.Payment
	at       time.Duration
	delay    time.Duration // of the packets
}

// newScript begins a run on a perfect link in which n payments are planned.
func newScript(n int) *script {
	s := &script{
		header: history.Header{
			Version: history.Version, Engine: "packet", Commits: true, Holds: true, Deadlines: true,
			Scenario: harness.Scenario{Name: "sample", Workload: harness.Workload{
				Wallets: 2, Merchants: 1, Payments: n, Currency: "KES", Attempts: 3,
			}},
		},
		opening: 10_000,
		end:     &history.End{Settled: true, LedgerRead: true},
		delay:   ms,
		asked:   map[string]harness.Payment{},
	}
	s.phase(history.Phase{Name: "start"})
	return s
}

func (s *script) add(r history.Record) {
	s.at += ms
	r.At = s.at
	s.body = append(s.body, r)
}

func (s *script) phase(p history.Phase) { s.add(history.Record{Phase: &p}) }

// press has user w1 or w2 (by id) pay m1 what the number in the id says, in
// hundreds.
func (s *script) press(id, order string) {
	n := 0
	fmt.Sscanf(id, "p%d", &n)
	p := harness.Payment{
		ID: id, Order: order, Wallet: n % 2, Payer: fmt.Sprintf("w%d", n%2), Payee: "m0",
		Amount: int64(n) * 100, Currency: "KES", Deadline: s.at + time.Minute,
	}
	s.asked[id] = p
	s.add(history.Record{Pay: &p})
}

func (s *script) told(id string, outcomes ...harness.Outcome) {
	for _, o := range outcomes {
		s.add(history.Record{Told: &harness.Told{Payment: id, Outcome: o}})
	}
}

// pressBad is press for a payment that must be refused for a reason.
func (s *script) pressBad(id, order, why string) {
	s.press(id, order)
	pay := s.asked[id]
	pay.Refuse = why
	s.body[len(s.body)-1].Pay, s.asked[id] = &pay, pay
}

// decline has a pressed payment declined for a reason.
func (s *script) decline(id, reason string) {
	s.told(id, harness.Queued)
	s.add(history.Record{Told: &harness.Told{Payment: id, Outcome: harness.Declined, Reason: reason}})
}

// wait lets time pass.
func (s *script) wait(d time.Duration) { s.at += d }

func (s *script) attempt(id string, times int) {
	for n := range times {
		s.add(history.Record{Attempt: &harness.Attempt{Payment: id, N: n + 1, Dialed: n == 0, Took: ms}})
	}
}

// answered adds an attempt whose answer said something, and then waits.
func (s *script) answered(id string, a harness.Attempt, then time.Duration) {
	a.Payment, a.N, a.Took = id, 1, ms
	s.add(history.Record{Attempt: &a})
	s.at += then
}

// polling is a subject whose client polls.
func polling(limit int) sut.Config {
	return sut.Config{Client: &sut.Client{HTTP: &sut.HTTPClient{Poll: &sut.HTTPPoll{Limit: limit}}}}
}

// dial adds an attempt of a payment that reached no server.
func (s *script) dial(id string, times int) {
	for n := range times {
		s.add(history.Record{Attempt: &harness.Attempt{
			Payment: id, N: n + 1, Dialed: true, NoConnection: true, Took: ms, Error: "dial tcp: connection refused",
		}})
	}
}

func (s *script) commit(id string) { s.add(history.Record{Committed: id}) }

// book puts the payment in the ledger.
func (s *script) book(id string) {
	p := s.asked[id]
	s.posting(harness.Posting{Payment: id, Order: p.Order, Payer: p.Payer, Payee: p.Payee, Amount: p.Amount, Currency: p.Currency})
}

func (s *script) posting(b harness.Posting) {
	b.ID = fmt.Sprintf("b%d", len(s.postings)+1)
	s.postings = append(s.postings, b)
}

// pay is one payment that goes well.
func (s *script) pay(id, order string) {
	s.press(id, order)
	s.confirm(id)
	s.book(id)
}

// confirm has a pressed payment queued, committed and confirmed.
func (s *script) confirm(id string) {
	s.told(id, harness.Queued)
	s.commit(id)
	s.told(id, harness.Confirmed)
	s.attempt(id, 1)
}

// packets sends n packets of a direction with a fate.
func (s *script) packets(n int, d harness.Direction, drop harness.DropReason, late time.Duration) {
	for range n {
		s.at += ms
		p := harness.Packet{At: s.at, Flow: 1, Direction: d, Size: 60, Drop: drop}
		if drop == harness.DropNone {
			p.Delay, p.Late = s.delay+late, late
		}
		s.body = append(s.body, history.Record{At: s.at, Packet: &p})
	}
}

// waits has a timer that is set every 5 ms be late n times.
func (s *script) waits(n int, late time.Duration) {
	for range n {
		s.at += 4*ms + late
		s.add(history.Record{Late: late})
	}
}

func (s *script) event(e harness.Event) {
	s.header.Scenario.Timeline = append(s.header.Scenario.Timeline, e)
}

func (s *script) fault(n history.FaultNote) { s.add(history.Record{Fault: &n}) }

// balances are what the postings make of the opening balances.
func (s *script) balances() []harness.Balance {
	all := []harness.Balance{
		{Account: "w0", Currency: "KES", Opening: s.opening},
		{Account: "w1", Currency: "KES", Opening: s.opening},
		{Account: "m0", Currency: "KES"},
	}
	for i := range all {
		b := &all[i]
		b.Closing = b.Opening
		for _, p := range s.postings {
			if p.Payer == b.Account && p.Currency == b.Currency {
				b.Closing -= p.Amount
			}
			if p.Payee == b.Account && p.Currency == b.Currency {
				b.Closing += p.Amount
			}
		}
	}
	if s.rigged != nil {
		all = s.rigged(all)
	}
	return all
}

// records is the whole history.
func (s *script) records() []history.Record {
	all := append([]history.Record{{Header: &s.header}}, s.body...)
	late := func(r history.Record) {
		s.at += ms
		r.At = s.at
		all = append(all, r)
	}
	for _, p := range s.postings {
		late(history.Record{Posting: &p})
	}
	for _, b := range s.balances() {
		late(history.Record{Balance: &b})
	}
	for _, id := range s.held {
		late(history.Record{Held: id})
	}
	if s.end != nil {
		late(history.Record{End: s.end})
	}
	return all
}

func judge(records iter.Seq[history.Record]) []result.Verdict {
	j := check.New()
	for r := range records {
		j.Add(r)
	}
	return j.Verdicts()
}

// failing names the checks that failed, in order.
func failing(verdicts []result.Verdict) []string {
	var names []string
	for _, v := range verdicts {
		if v.Status == result.Fail {
			names = append(names, v.Check)
		}
	}
	return names
}

func verdict(verdicts []result.Verdict, name string) result.Verdict {
	i := slices.IndexFunc(verdicts, func(v result.Verdict) bool { return v.Check == name })
	if i < 0 {
		return result.Verdict{}
	}
	return verdicts[i]
}
