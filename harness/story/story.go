// Package story tells what happened to one payment: when its user pressed pay, its
// attempts with the answers, what the user was told, the faults meanwhile, the packets of
// its phone that were lost, its commits and its postings. Of an account it tells the
// payments, the postings and the balance. It reads a history; the reports show the result.
package story

import (
	"iter"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
)

const (
	// Most is how many payments and accounts of a run have a story: the first that a
	// failing check names.
	Most = 3
	// MostLines is how many lines a story has at most. The middle of a longer one is left
	// out: its begin and its end decide.
	MostLines = 40
)

// Of returns the stories of the first payments and accounts that are the findings of
// failing checks, in the order of the verdicts. All presses of an order are one story. It
// stops at the first record that cannot be read.
func Of(records iter.Seq2[history.Record, error], verdicts []result.Verdict) []result.Story {
	tellers := wanted(verdicts)
	if len(tellers) == 0 {
		return nil
	}
	for r, err := range records {
		if err != nil {
			break // whoever judged the history has said so
		}
		for _, t := range tellers {
			t.record(&r)
		}
	}
	var all []result.Story
	for _, t := range tellers {
		if s := t.end(); len(s.Lines) > 0 {
			all = append(all, s)
		}
	}
	return all
}

// wanted returns a teller for each story to be told.
func wanted(verdicts []result.Verdict) []*teller {
	var all []*teller
	for _, v := range verdicts {
		if v.Status != result.Fail {
			continue
		}
		for _, f := range v.Findings {
			at := slices.IndexFunc(all, func(t *teller) bool { return t.of(f) })
			switch {
			case f.Payment == "" && f.Account == "", at < 0 && len(all) == Most:
			case at < 0:
				all = append(all, newTeller(v.Check, f))
			case !slices.Contains(all[at].story.Checks, v.Check):
				all[at].story.Checks = append(all[at].story.Checks, v.Check)
			}
		}
	}
	return all
}

// press returns the id of the first press of the order of a payment: p3 of p3.2.
func press(payment string) string {
	first, _, _ := strings.Cut(payment, ".")
	return first
}
