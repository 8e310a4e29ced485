package conform

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/exchange"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/subject/httpapi"
)

// test is a probe, and the payment that it makes. Several tests of one name are rounds of
// one probe.
type test struct {
	result.Probe
	payment  harness.Payment
	trial    *httpapi.Trial
	told     exchange.Meaning // what the payer was told last
	paid     bool             // the payer was told confirmed
	followed string           // what a look-up said, for Seen
	unpaid   bool             // the test may end without a confirmed payment
	judged   bool
	wrong    []string // what was not as expected, whatever the ledger says
	doubt    string   // why it cannot be judged
	lacks    string   // why it could not be made
}

// tell records what an answer tells the payer.
func (t *test) tell(m exchange.Meaning) {
	t.told = m
	t.paid = t.paid || m == exchange.Confirmed
}

// judge compares the answers with the ledger; nil is no ledger. early says why a booking
// may be missing from it that came later; empty is for a ledger at rest.
func (t *test) judge(ledger *harness.Ledger, early string) {
	t.judged = true
	if ledger == nil {
		t.doubt = cmp.Or(t.doubt, "there is no ledger to count bookings in")
	} else {
		t.compare(*ledger, early)
	}
	if !t.paid && !t.unpaid {
		t.doubt = cmp.Or(t.doubt, "never confirmed")
	}
	switch {
	case len(t.wrong) > 0:
		t.Status = result.Fail
	case t.lacks != "":
		t.Status, t.doubt = result.NotApplicable, t.lacks
	case t.doubt == "":
		t.Status = result.Pass
	}
	for _, more := range append(t.wrong, t.doubt) {
		if more != "" {
			t.Seen += "; " + more
		}
	}
	t.Seen = strings.TrimPrefix(t.Seen, "; ")
}

// made reports whether a posting is of the payment.
func (t *test) made(p harness.Posting) bool {
	return p.Payment == t.payment.ID || p.Order != "" && p.Order == t.payment.Order
}

// compare counts the bookings of the payment.
func (t *test) compare(ledger harness.Ledger, early string) {
	booked, altered := 0, 0
	for _, b := range ledger.Postings {
		if t.made(b) {
			booked++
			if b.Amount != t.payment.Amount {
				altered++
			}
		}
	}
	t.Seen += fmt.Sprintf("; booked %d times", booked)
	switch {
	case booked > 1:
		t.wrong = append(t.wrong, "DUPLICATED")
	case booked == 0 && t.paid && early != "":
		t.doubt = cmp.Or(t.doubt, early)
	case booked == 0 && t.paid:
		t.wrong = append(t.wrong, "LOST")
	case altered > 0:
		t.wrong = append(t.wrong, "ALTERED")
	case booked == 1 && t.told == exchange.Declined:
		t.wrong = append(t.wrong, "BOOKED, and the payer is told that it was declined")
	}
}

// merged returns the probes of the tests. Of the rounds of one probe it shows the worst.
func merged(tests []*test) (probes []result.Probe) {
	for i := 0; i < len(tests); {
		rounds, bad, worst := 0, 0, tests[i]
		for ; i < len(tests) && tests[i].Name == worst.Name; i++ {
			rounds++
			if t := tests[i]; t.Status != result.Pass {
				bad++
				if t.Status != worst.Status && worst.Status.Worse(t.Status) == t.Status {
					worst = t
				}
			}
		}
		p := worst.Probe
		switch {
		case rounds > 1 && bad > 0:
			p.Seen += fmt.Sprintf("; not passed in %d of %d rounds", bad, rounds)
		case rounds > 1:
			p.Seen += fmt.Sprintf("; so in each of %d rounds", rounds)
		}
		probes = append(probes, p)
	}
	return probes
}
