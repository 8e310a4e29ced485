// Package canary finds out whether bugs would have been found. [File] plants three bugs in
// the recorded history of a run, each in a copy of its own, and has the copies judged by the
// checks that judged the run: one booked payment is missing from the ledger, is there twice,
// or has another amount. [Explore] and [Sweep] make a search in the reference pair with a bug
// of its own.
//
// A bug that is not found makes the verdict of the whole unknown: then that no other bug was
// found means nothing.
package canary

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/check"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
)

// Check is the name of the verdict. It is about the experiment and never fails.
const Check = "canary"

// InLedger names the bugs that File plants.
const InLedger = "ledger"

// File plants bugs in a recorded history and returns the verdict. A file that cannot be read
// to its end makes it unknown.
func File(path string) result.Verdict {
	f, err := os.Open(path)
	if err != nil {
		return verdict(result.StatusUnknown, "no bug could be planted: "+err.Error())
	}
	defer f.Close()
	return History(f)
}

// bug is one that is planted.
type bug struct {
	name  string // what happens to the posting
	check string // that must find it
	// change returns what the ledger has instead of a posting.
	change func(harness.Posting) []harness.Posting
	judge  *check.Judge
}

// bugs returns the bugs that are planted.
func bugs() []bug {
	return []bug{
		{"lost", "lost", func(harness.Posting) []harness.Posting { return nil }, check.New()},
		{"doubled", "duplicated", func(p harness.Posting) []harness.Posting {
			again := p
			again.ID += "-again"
			return []harness.Posting{p, again}
		}, check.New()},
		{"altered", "altered", func(p harness.Posting) []harness.Posting {
			p.Amount++
			return []harness.Posting{p}
		}, check.New()},
	}
}

// History is File of a history that is read from r.
func History(r io.Reader) result.Verdict {
	judge, planted := check.New(), bugs()
	confirmed := confirmations{ids: map[string]bool{}, orders: map[string]bool{}, order: map[string]string{}}
	victim := ""
	for rec, err := range history.Read(r) {
		if err != nil {
			return verdict(result.StatusUnknown, "no bug could be planted: "+err.Error())
		}
		judge.Add(rec)
		chosen := victim == "" && rec.Posting != nil && confirmed.has(*rec.Posting)
		if chosen {
			victim = cmp.Or(rec.Posting.Payment, rec.Posting.Order)
		}
		confirmed.add(rec)
		for _, b := range planted {
			if !chosen {
				b.judge.Add(rec)
				continue
			}
			for _, p := range b.change(*rec.Posting) {
				changed := rec
				changed.Posting = &p
				b.judge.Add(changed)
			}
		}
	}
	if victim == "" {
		return verdict(result.StatusUnknown, "no bug could be planted: no payment that was confirmed is in a ledger that was read")
	}
	var found, missed []string
	for _, b := range planted {
		if worse(judge.Verdicts(), b.judge.Verdicts(), b.check) {
			found = append(found, b.name)
		} else {
			missed = append(missed, fmt.Sprintf("%s (check %s)", b.name, b.check))
		}
	}
	if len(missed) > 0 {
		return verdict(result.StatusUnknown, fmt.Sprintf("not found when planted: the posting of %s %s; that no other such bug was found means nothing", victim, strings.Join(missed, ", ")))
	}
	return verdict(result.Pass, fmt.Sprintf("found when planted: the posting of %s %s", victim, strings.Join(found, ", ")))
}

// confirmations are the payments whose users were told that they are confirmed.
type confirmations struct {
	ids, orders map[string]bool
	order       map[string]string // by payment
}

func (c *confirmations) add(r history.Record) {
	switch {
	case r.Pay != nil:
		c.order[r.Pay.ID] = r.Pay.Order
	case r.Told != nil && r.Told.Outcome == harness.Confirmed:
		c.ids[r.Told.Payment], c.orders[c.order[r.Told.Payment]] = true, true
	}
}

// has reports whether a posting is of one of them.
func (c *confirmations) has(p harness.Posting) bool {
	return c.ids[p.Payment] || p.Order != "" && c.order[p.Payment] == "" && c.orders[p.Order]
}

// worse reports whether a check fails with a bug, and has found more than without it.
func worse(without, with []result.Verdict, check string) bool {
	of := func(list []result.Verdict) result.Verdict {
		i := slices.IndexFunc(list, func(v result.Verdict) bool { return v.Check == check })
		if i < 0 {
			return result.Verdict{}
		}
		return list[i]
	}
	return of(with).Status == result.Fail && of(with).Count > of(without).Count
}

func verdict(s result.Status, text string) result.Verdict {
	return result.Verdict{Check: Check, Status: s, Weak: true, Summary: text}
}
