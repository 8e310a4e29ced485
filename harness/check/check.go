package check

import (
	"fmt"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
)

// Check is one question asked of a history.
type Check struct {
	Name string // the Verdict's Check
	Text string // what it finds, as the end of "finds payments …"; one line without a full stop
	Weak bool   // it is about the experiment, not the subject: it passes or is unknown, and never fails
}

// Checks returns the checks in the order in which they are made and reported.
func Checks() []Check {
	var all []Check
	for _, q := range questions() {
		all = append(all, q.Check)
	}
	return all
}

type question struct {
	Check
	ask func(*Judge) answer
}

func questions() []question {
	return []question{
		{Check{Name: "lost", Text: "told confirmed, or accepted and no longer held, and not posted"}, (*Judge).lost},
		{Check{Name: "duplicated", Text: "posted more than once for a payment or for an order"}, (*Judge).duplicated},
		{Check{Name: "contradicted", Text: "told declined, expired or failed, and posted: the user will pay again"}, (*Judge).contradicted},
		{Check{Name: "unfounded", Text: "told declined for lack of funds although the balance was enough"}, (*Judge).unfounded},
		{Check{Name: "unrefused", Text: "told confirmed or posted although the server must refuse them: another currency, an unknown payee, the payer itself"}, (*Judge).unrefused},
		{Check{Name: "altered", Text: "posted with another order, amount, payer, payee or currency than asked"}, (*Judge).altered},
		{Check{Name: "phantom", Text: "posted, and never asked for"}, (*Judge).phantom},
		{Check{Name: "unresolved", Text: "without a final outcome after heal and settle"}, (*Judge).unresolved},
		{Check{Name: "flipped", Text: "told another outcome after a final one"}, (*Judge).flipped},
		{Check{Name: "unbalanced", Text: "whose accounts are not opening plus postings, fall below their floor, or do not add up"}, (*Judge).unbalanced},
		{Check{Name: "early", Text: "told confirmed before the booking was durable"}, (*Judge).early},
		{Check{Name: "overdue", Text: "booked after their deadline"}, (*Judge).overdue},
		{Check{Name: "storm", Text: "with more attempts and status queries that reached a connection than workload.attempts, or with one before the Retry-After of the server"}, (*Judge).storm},
		{Check{Name: "unexplained_failures", Text: "of which most attempts failed although nothing hindered them"}, (*Judge).unexplained},
		{Check{Name: "load", Text: "planned and never asked for, or of which none was confirmed or booked", Weak: true}, (*Judge).load},
		{Check{Name: "impairment", Text: "that were not impaired as asked: a fault hit nothing, or a link did something else", Weak: true}, (*Judge).impairment},
	}
}

// answer is the answer to a question. A finding fails the check; it makes the check
// unknown if the check is weak or the machine was too busy. Up to most findings pass. Without a finding, a doubt
// makes the check unknown. Without both, lacks makes it not applicable.
type answer struct {
	count    int
	findings []result.Finding // the first harness.MaxFindings
	names    []string         // how a summary names the first of them

	pass  string // the summary if there is neither finding nor doubt
	fail  string // the summary of findings, after their number and before their names, such as "lost"
	noun  string // what is counted; empty is "payment"
	doubt string // why it could not be judged in full, or empty
	busy  string // how busy the machine was, if findings may come of that, or empty
	most  int    // how many findings a pass may have
	lacks string // what the subject does not offer, so that it can never be judged, or empty
}

// maxNamed is how many findings a summary names.
const maxNamed = 3

func (a *answer) found(name string, f result.Finding) {
	a.count++
	if len(a.findings) < result.MaxFindings {
		a.findings = append(a.findings, f)
	}
	if len(a.names) < maxNamed {
		a.names = append(a.names, name)
	}
}

func (a *answer) verdict(c Check) result.Verdict {
	v := result.Verdict{Check: c.Name, Weak: c.Weak, Count: a.count, Findings: a.findings}
	switch {
	case a.count > 0 && a.count <= a.most && a.doubt == "":
		v.Status, v.Summary = result.Pass, a.pass
	case a.count > 0 && c.Weak:
		v.Status, v.Summary = result.StatusUnknown, a.weakSummary()
	case a.count > 0 && a.busy != "":
		v.Status, v.Summary = result.StatusUnknown, a.summary()+"; machine too busy: "+a.busy
	case a.count > 0:
		v.Status, v.Summary = result.Fail, a.summary()
	case a.doubt != "":
		v.Status, v.Summary = result.StatusUnknown, a.doubt
	case a.lacks != "":
		v.Status, v.Summary = result.NotApplicable, a.lacks
	default:
		v.Status, v.Summary = result.Pass, a.pass
	}
	return v
}

// summary is such as "4 payments lost: p1 (order o1), p2 (order o2), p7 (order
// o7) and 1 more".
func (a *answer) summary() string {
	noun := a.noun
	if noun == "" {
		noun = "payment"
	}
	s := harness.Plural(a.count, noun) + " " + a.fail + ": " + strings.Join(a.names, ", ")
	if more := a.count - len(a.names); more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}

// weakSummary is the first finding, and how many there are besides.
func (a *answer) weakSummary() string {
	s := a.findings[0].Text
	if a.count > 1 {
		s += fmt.Sprintf(" (and %d more)", a.count-1)
	}
	return s
}
