package check_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
)

// correct draws a run of a payment system without a fault: impatient users,
// attempts that time out, refusals and recoveries, all of it in the right order,
// and the payments interleaved.
func correct(t *rapid.T) (s *script, booked []string) {
	n := rapid.IntRange(2, 12).Draw(t, "orders")
	s = newScript(n + 1)
	s.opening = 1_000_000
	s.pressBad("p90", "o90", harness.WrongCurrency)
	s.decline("p90", "wrong currency")
	var left [][]func()
	for i := range n {
		left = append(left, life(t, s, &booked, i+1, i == 0))
	}
	for len(left) > 0 {
		i := rapid.IntRange(0, len(left)-1).Draw(t, "next")
		left[i][0]()
		if left[i] = left[i][1:]; len(left[i]) == 0 {
			left = slices.Delete(left, i, i+1)
		}
	}
	return s, booked
}

// life is what happens to one order, step by step. The second press of an order
// is answered as the first.
func life(t *rapid.T, s *script, booked *[]string, n int, must bool) []func() {
	id, again, o := fmt.Sprintf("p%d", n), fmt.Sprintf("p%d", n+100), fmt.Sprintf("o%d", n)
	steps := []func(){func() { s.press(id, o) }}
	if rapid.Bool().Draw(t, "queued") {
		steps = append(steps, func() { s.told(id, queued) })
	}
	if rapid.Bool().Draw(t, "unknown") {
		steps = append(steps, func() { s.attempt(id, 1); s.told(id, unknown) })
	}
	twice := rapid.Bool().Draw(t, "twice")
	if twice {
		steps = append(steps, func() { s.press(again, o) })
	}
	tell := func(outcome harness.Outcome) {
		steps = append(steps, func() { s.attempt(id, 1) }, func() { s.told(id, outcome) })
		if twice {
			steps = append(steps, func() { s.attempt(again, 1); s.told(again, outcome) })
		}
	}
	if !must && rapid.IntRange(0, 3).Draw(t, "refused") == 0 {
		tell(rapid.SampledFrom([]harness.Outcome{declined, expired, failed}).Draw(t, "refusal"))
		return steps
	}
	steps = append(steps, func() { s.commit(id); s.book(id) })
	tell(confirmed)
	*booked = append(*booked, id)
	return steps
}

func TestPropertyACorrectRunPasses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, _ := correct(t)
		for _, v := range judge(slices.Values(s.records())) {
			require.Equal(t, result.Pass, v.Status, "%s: %s", v.Check, v.Summary)
		}
	})
}

// bug is a fault of a payment system: what it does to the history of a correct
// one, and the checks that must fail then.
type bug struct {
	fails []string
	plant func(s *script, id string)
}

// planted are bugs that make exactly the checks fail that are there for them.
func planted() map[string]bug {
	posting := func(s *script, id string) int {
		return slices.IndexFunc(s.postings, func(b harness.Posting) bool { return b.Payment == id })
	}
	return map[string]bug{
		"the booking is rolled back after the answer": {[]string{"lost"}, func(s *script, id string) {
			i := posting(s, id)
			s.postings = slices.Delete(s.postings, i, i+1)
		}},
		"a retry has a new key": {[]string{"duplicated"}, func(s *script, id string) {
			b := s.postings[posting(s, id)]
			b.Payment = "another"
			s.posting(b)
		}},
		"a refused payment is booked": {[]string{"contradicted"}, func(s *script, id string) {
			for i, r := range s.body {
				if r.Told != nil && r.Told.Payment == id && r.Told.Outcome == confirmed {
					s.body[i].Told = &harness.Told{Payment: id, Outcome: expired}
				}
			}
		}},
		"a cent is added": {[]string{"altered"}, func(s *script, id string) { s.postings[posting(s, id)].Amount++ }},
		"the outcome is taken back": {[]string{"flipped", "contradicted"}, func(s *script, id string) {
			s.told(id, failed)
		}},
		"the user is left alone": {[]string{"unresolved"}, func(s *script, id string) {
			s.body = slices.DeleteFunc(s.body, func(r history.Record) bool {
				return r.Told != nil && r.Told.Payment == id && r.Told.Outcome.Final()
			})
		}},
		"the answer goes before the commit": {[]string{"early"}, func(s *script, id string) {
			i := slices.IndexFunc(s.body, func(r history.Record) bool { return r.Committed == id })
			s.body = slices.Delete(s.body, i, i+1)
			s.commit(id)
		}},
		"the deadline is not read": {[]string{"overdue"}, func(s *script, id string) {
			i := slices.IndexFunc(s.body, func(r history.Record) bool { return r.Committed == id })
			s.body[i].At = s.asked[id].Deadline + 3*time.Second
		}},
		"it books under the order of another": {[]string{"altered"}, func(s *script, id string) { s.postings[posting(s, id)].Order = "o-other" }},
		"a rich payer is refused": {[]string{"unfounded"}, func(s *script, id string) {
			i := posting(s, id)
			s.postings = slices.Delete(s.postings, i, i+1)
			s.body = slices.DeleteFunc(s.body, func(r history.Record) bool { return r.Committed == id })
			for _, r := range s.body {
				if r.Told != nil && s.asked[r.Told.Payment].Order == s.asked[id].Order && r.Told.Outcome == confirmed {
					r.Told.Outcome, r.Told.Reason = declined, "no funds"
				}
			}
		}},
		"an unknown payee is paid": {[]string{"unrefused"}, func(s *script, id string) {
			i := slices.IndexFunc(s.body, func(r history.Record) bool { return r.Pay != nil && r.Pay.ID == id })
			pay := *s.body[i].Pay
			pay.Refuse = harness.UnknownPayee
			s.body[i].Pay = &pay
		}},
		"it never stops its attempts": {[]string{"storm"}, func(s *script, id string) { s.attempt(id, 4) }},
	}
}

func TestPropertyAPlantedBugIsFound(t *testing.T) {
	for name, bug := range planted() {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				s, booked := correct(t)
				id := rapid.SampledFrom(booked).Draw(t, "victim")
				bug.plant(s, id)
				verdicts := judge(slices.Values(s.records()))
				require.ElementsMatch(t, bug.fails, failing(verdicts))
				for _, check := range bug.fails {
					v := verdict(verdicts, check)
					require.Equal(t, "o"+id[1:], v.Findings[0].Order)
				}
			})
		})
	}
}

// Money that no posting moved is found in every account.
func TestPropertyAnUnbalancedLedgerIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, _ := correct(t)
		s.rigged = func(all []harness.Balance) []harness.Balance {
			i := rapid.IntRange(0, len(all)-1).Draw(t, "account")
			all[i].Closing += rapid.Int64Range(1, 1000).Draw(t, "gain")
			return all
		}
		require.Equal(t, []string{"unbalanced"}, failing(judge(slices.Values(s.records()))))
	})
}

// However a history is cut, no check passes or fails that should not: what was
// right in the whole is never wrong in a part, and a part without its end passes
// nothing.
func TestPropertyAPartProvesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, _ := correct(t)
		all := s.records()
		part := all[:rapid.IntRange(0, len(all)-1).Draw(t, "cut")]
		for _, v := range judge(slices.Values(part)) {
			require.Equal(t, result.StatusUnknown, v.Status, "%s: %s", v.Check, v.Summary)
		}
	})
}
