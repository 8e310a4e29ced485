package check_test

import (
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
)

// sample is a history in testdata: its name says what the named check must make
// of it, as in fail-lost-confirmed.
type sample struct {
	name    string
	summary string   // of the named check
	lines   []int    // of its first finding
	text    string   // of its first finding
	also    []string // other checks that fail as well, and must
	write   func() *script
}

const (
	unknown   = harness.OutcomeUnknown
	queued    = harness.Queued
	confirmed = harness.Confirmed
	declined  = harness.Declined
	expired   = harness.Expired
	failed    = harness.Failed
)

// two is a run of two payments, of which the second is up to the case.
func two(second func(*script)) func() *script {
	return func() *script {
		s := newScript(2)
		s.pay("p1", "o1")
		s.press("p2", "o2")
		second(s)
		return s
	}
}

// good is a run of two payments that went well, and then change.
func good(change func(*script)) func() *script {
	return two(func(s *script) {
		s.confirm("p2")
		s.book("p2")
		change(s)
	})
}

func unread(s *script)      { s.end.LedgerRead, s.postings = false, nil }
func ledgerless(s *script)  { unread(s); s.end.NoLedger = true }
func interrupted(s *script) { s.end.Interrupted = true }
func killed(s *script)      { s.end, s.postings = nil, nil }
func asIs(*script)          {}

func samples() []sample {
	var all []sample
	for _, list := range [][]sample{lostSamples(), duplicatedSamples(), contradictedSamples(), postingSamples(), resolvedSamples(), moneySamples(), fundsSamples(), refusalSamples(), tempoSamples(), deadlineSamples(), failureSamples()} {
		all = append(all, list...)
	}
	return append(all, experimentSamples()...)
}

func lostSamples() []sample {
	return []sample{
		{name: "pass-lost", summary: "2 confirmed, 2 posted", write: good(asIs)},
		{name: "fail-lost-confirmed", summary: "1 payment lost: p2 (order o2)", lines: []int{8, 11}, text: `p2 (order o2) was told confirmed and is not in the ledger`, write: two(func(s *script) {
			s.confirm("p2")
		})},
		{name: "fail-lost-forgotten", summary: "1 payment lost: p2 (order o2)", lines: []int{8, 9, 10}, also: []string{"unresolved"}, write: two(func(s *script) {
			s.told("p2", queued, unknown)
		})},
		{name: "pass-lost-no-holder", summary: "1 confirmed, 1 posted", also: []string{"unresolved"}, write: two(func(s *script) {
			s.header.Holds = false
			s.told("p2", unknown)
		})},
		{name: "na-lost-no-ledger", summary: "the subject has no ledger to read: nobody knows what was booked", write: good(ledgerless)},
		{name: "unknown-lost-no-ledger", summary: "the run was interrupted", write: good(func(s *script) { ledgerless(s); interrupted(s) })},
		{name: "fail-lost-no-holder", summary: "1 payment lost: p2 (order o2)", also: []string{"unresolved"}, write: two(func(s *script) {
			s.header.Holds = false
			s.told("p2", queued)
		})},
		{name: "pass-lost-held", summary: "1 confirmed, 1 posted", also: []string{"unresolved"}, write: two(func(s *script) {
			s.told("p2", queued)
			s.held = []string{"p2"}
		})},
		{name: "pass-lost-refused", summary: "1 confirmed, 1 posted", write: two(func(s *script) {
			s.told("p2", queued, unknown, expired)
		})},
		{name: "pass-lost-other-press", summary: "2 confirmed, 2 posted", write: two(func(s *script) {
			s.press("p4", "o2")
			s.told("p2", queued)
			s.confirm("p4")
			s.told("p2", confirmed)
			s.book("p4")
		})},
		{name: "unknown-lost-ledger", summary: "the ledger was not read", write: good(unread)},
		{name: "unknown-lost-interrupted", summary: "the run was interrupted", write: good(interrupted)},
		{name: "unknown-lost-killed", summary: "the history has no end: the run was killed, or is still going on", write: good(killed)},
		{name: "unknown-lost-broken", summary: "the run broke off: start the server: it is down", write: good(func(s *script) {
			s.end.Error = "start the server: it is down"
		})},
		{name: "unknown-lost-newer", summary: "the history has version 2 and this onebar knows 1: judge it with a newer one", write: good(func(s *script) {
			s.header.Version = history.Version + 1
		})},
	}
}

func duplicatedSamples() []sample {
	twice := func(s *script) { s.book("p2") }
	presses := func(s *script) {
		s.press("p4", "o2")
		s.confirm("p4")
	}
	return []sample{
		{name: "pass-duplicated", summary: "no payment was posted twice", write: good(presses)},
		{name: "fail-duplicated-payment", summary: "1 payment posted more than once: p2 (order o2)", lines: []int{8, 14, 15}, text: `p2 (order o2) was posted 2 times`, write: good(twice)},
		{name: "fail-duplicated-order", summary: "1 payment posted more than once: p2 (order o2)", lines: []int{8, 19, 20}, text: `p2 (order o2) was posted 2 times, for the presses p2, p4`, write: good(func(s *script) {
			presses(s)
			s.book("p4")
		})},
		{name: "fail-duplicated-new-key", summary: "1 payment posted more than once: p2 (order o2)", write: good(func(s *script) {
			s.book("p2")
			s.postings[2].Payment = "3f2a"
		})},
		{name: "fail-duplicated-interrupted", summary: "1 payment posted more than once: p2 (order o2)", write: good(func(s *script) {
			twice(s)
			interrupted(s)
		})},
		{name: "unknown-duplicated-ledger", summary: "the ledger was not read", write: good(unread)},
	}
}

func contradictedSamples() []sample {
	return []sample{
		{name: "pass-contradicted", summary: "1 refused, none of them posted", write: two(func(s *script) {
			s.told("p2", queued, declined)
		})},
		{name: "fail-contradicted-expired", summary: "1 payment refused to the user and posted: p2 (order o2)", lines: []int{11, 13}, text: `p2 (order o2) was told expired and is in the ledger`, write: two(func(s *script) {
			s.told("p2", queued)
			s.commit("p2")
			s.told("p2", expired)
			s.book("p2")
		})},
		{name: "fail-contradicted-order-only", summary: "1 payment refused to the user and posted: p2b (order o2)", lines: []int{11, 13}, write: two(func(s *script) {
			s.press("p2b", "o2")
			s.told("p2", failed)
			s.told("p2b", failed)
			s.book("p2")
			s.postings[1].Payment = ""
		})},
		{name: "fail-contradicted-first-press", summary: "1 payment refused to the user and posted: p2 (order o2)", write: two(func(s *script) {
			s.told("p2", declined)
			s.press("p4", "o2")
			s.confirm("p4")
			s.book("p2")
		})},
		{name: "pass-contradicted-second-press", summary: "1 refused, none of them posted", write: good(func(s *script) {
			s.press("p4", "o2")
			s.told("p4", declined)
		})},
		{name: "pass-contradicted-order-only", summary: "1 refused, none of them posted", write: good(func(s *script) {
			s.press("p4", "o2")
			s.told("p4", declined)
			s.postings[1].Payment = ""
		})},
		{name: "unknown-contradicted-ledger", summary: "the ledger was not read", write: two(func(s *script) {
			s.told("p2", declined)
			unread(s)
		})},
	}
}

func postingSamples() []sample {
	return []sample{
		{name: "pass-altered", summary: "2 postings as asked", write: good(asIs)},
		{name: "pass-altered-foreign-key", summary: "2 postings as asked", write: good(func(s *script) { s.postings[1].Payment = "3f2a" })},
		{name: "fail-altered-amount", summary: "1 payment posted otherwise than asked: p2 (order o2)", lines: []int{8, 14}, text: `p2 (order o2) was posted with amount 2.01 KES instead of 2 KES`, write: good(func(s *script) {
			s.postings[1].Amount = 201
		})},
		{name: "fail-altered-order", summary: "1 payment posted otherwise than asked: p2 (order o2)", text: `p2 (order o2) was posted with order "o1" instead of "o2"`, write: good(func(s *script) {
			s.postings[1].Order = "o1"
		})},
		{name: "pass-altered-no-order", summary: "2 postings as asked", write: good(func(s *script) { s.postings[1].Order = "" })},
		{name: "na-altered-nothing", summary: "nothing was posted", also: []string{"lost"}, write: good(func(s *script) { s.postings = nil })},
		{name: "na-phantom-nothing", summary: "nothing was posted", also: []string{"lost"}, write: good(func(s *script) { s.postings = nil })},
		{name: "fail-altered-payee", summary: "1 payment posted otherwise than asked: p2 (order o2)", text: `p2 (order o2) was posted with payee "w1" instead of "m0"`, write: good(func(s *script) {
			s.postings[1].Payment, s.postings[1].Payee = "", "w1"
		})},
		{name: "unknown-altered-ledger", summary: "the ledger was not read", write: good(unread)},
		{name: "pass-phantom", summary: "every posting was asked for", write: good(asIs)},
		{name: "fail-phantom", summary: "1 posting that nobody asked for: b3", lines: []int{15}, text: `posting b3 moves 0.05 KES from w1 to m0, and its payment "p9" and order "o9" were never asked for`, write: good(func(s *script) {
			s.posting(harness.Posting{Payment: "p9", Order: "o9", Payer: "w1", Payee: "m0", Amount: 5, Currency: "KES"})
		})},
		{name: "unknown-phantom-other-run", summary: "1 posting of another run of onebar: b3 (1a2b3c4d-p9, of run 1a2b3c4d); an earlier run has booked late (make quiet of the ledger longer), or another run is under way with the same ledger", write: good(late)},
		{name: "fail-phantom-again", summary: "1 posting that nobody asked for: b3", text: `posting b3 moves 0.05 KES from w1 to m0, and its payment "1a2b3c4d-p9" and order "" were booked already before the run`, write: good(func(s *script) {
			s.posting(harness.Posting{Payment: "1a2b3c4d-p9", Payer: "w1", Payee: "m0", Amount: 5, Currency: "KES", Again: true})
		})},
		{name: "unknown-phantom-killed", summary: "the history has no end: the run was killed, or is still going on", write: good(killed)},
	}
}

func resolvedSamples() []sample {
	return []sample{
		{name: "pass-unresolved-recovered", summary: "every payment has a final outcome; 1 recovered after being unknown", write: two(func(s *script) {
			s.told("p2", queued, unknown)
			s.confirm("p2")
			s.book("p2")
		})},
		{name: "pass-unresolved", summary: "every payment has a final outcome", write: good(func(s *script) {
			s.press("p4", "o2")
			s.told("p4", unknown, declined)
		})},
		{name: "fail-unresolved-unknown", summary: "1 payment without a final outcome: p2 (order o2)", lines: []int{8, 11}, write: two(func(s *script) {
			s.told("p2", queued)
			s.commit("p2")
			s.told("p2", unknown)
			s.book("p2")
		})},
		{name: "fail-unresolved-silent", summary: "1 payment without a final outcome: p2 (order o2)", lines: []int{8}, write: two(asIs)},
		{name: "fail-unresolved-waited", summary: "1 payment without a final outcome: p2 (order o2)", write: two(func(s *script) {
			s.waits(10, 150*ms)
			s.waits(1, 220*ms)
			s.at += 4 * time.Second
		})},
		{name: "unknown-unresolved-stalled", summary: `1 payment without a final outcome: p2 (order o2); machine too busy: in phase "start" programs waited for a processor for 2.2s of 6.26s, more than 200ms at a time`, lines: []int{8}, write: two(func(s *script) {
			s.waits(10, 220*ms)
			s.at += 4 * time.Second
		})},
		{name: "unknown-unresolved-interrupted", summary: "the run was interrupted", write: two(interrupted)},
		{name: "pass-flipped", summary: "no final outcome changed", write: good(func(s *script) { s.told("p2", confirmed) })},
		{name: "fail-flipped", summary: "1 payment told another outcome after a final one: p2 (order o2)", lines: []int{9, 11}, text: `p2 (order o2) was told expired, then confirmed`, write: two(func(s *script) {
			s.told("p2", expired)
			s.confirm("p2")
			s.body = append(s.body[:len(s.body)-4], s.body[len(s.body)-3:]...) // not queued again
			s.book("p2")
		})},
		{name: "fail-flipped-to-unknown", summary: "1 payment told another outcome after a final one: p2 (order o2)", also: []string{"unresolved"}, write: good(func(s *script) {
			s.told("p2", unknown)
		})},
		{name: "fail-flipped-killed", summary: "1 payment told another outcome after a final one: p2 (order o2)", write: good(func(s *script) {
			s.told("p2", declined)
			killed(s)
		})},
		{name: "unknown-flipped-killed", summary: "the history has no end: the run was killed, or is still going on", write: good(killed)},
	}
}

// late adds a booking of another run.
func late(s *script) {
	s.posting(harness.Posting{Payment: "1a2b3c4d-p9", Payer: "w1", Payee: "m0", Amount: 5, Currency: "KES"})
}

func moneySamples() []sample {
	rig := func(f func([]harness.Balance) []harness.Balance) func() *script {
		return good(func(s *script) { s.rigged = f })
	}
	return []sample{
		{name: "pass-unbalanced", summary: "3 accounts add up with 2 postings", write: good(asIs)},
		{name: "fail-unbalanced-closing", summary: "2 accounts out of balance: w0, m0", lines: []int{15}, text: `account w0 closes at 98.01 KES, but 100 KES and postings of -2 KES make 98 KES`, write: rig(func(b []harness.Balance) []harness.Balance {
			b[0].Closing++
			b[2].Closing--
			return b
		})},
		{name: "fail-unbalanced-sum", summary: "2 accounts out of balance: m0, sum of KES", write: rig(func(b []harness.Balance) []harness.Balance {
			b[2].Closing += 7
			return b
		})},
		{name: "fail-unbalanced-overdraft", summary: "1 account out of balance: w0", lines: []int{15}, text: `account w0 closes at -0.50 KES, below its floor of 0 KES`, write: good(func(s *script) { s.opening = 150 })},
		{name: "unknown-unbalanced-other-run", summary: "1 posting of another run of onebar: b3 (1a2b3c4d-p9, of run 1a2b3c4d); an earlier run has booked late (make quiet of the ledger longer), or another run is under way with the same ledger", write: good(func(s *script) {
			late(s)
			s.rigged = func(b []harness.Balance) []harness.Balance { return b[1:] }
		})},
		{name: "unknown-lost-moving", summary: "the ledger still changed when settle was over: make settle longer", write: two(func(s *script) {
			s.told("p2", confirmed)
			s.end.LedgerMoving = true
		})},
		{name: "pass-unbalanced-untouched", summary: "4 accounts add up with 2 postings", write: rig(func(b []harness.Balance) []harness.Balance {
			return append(b, harness.Balance{Account: "world", Currency: "KES", Opening: -5000, Closing: -5000})
		})},
		{name: "fail-unbalanced-sunk", summary: "2 accounts out of balance: w0, w1", text: `account w0 closes at -3 KES, below its floor of 0 KES`, write: good(func(s *script) { s.opening = -100 })},
		{name: "pass-unbalanced-no-floor", summary: "3 accounts add up with 2 postings", write: good(func(s *script) {
			s.opening = -100
			s.rigged = func(b []harness.Balance) []harness.Balance {
				b[0].NoFloor, b[1].NoFloor = true, true
				return b
			}
		})},
		{name: "pass-unbalanced-shared", summary: "2 accounts add up with 2 postings", write: rig(func(b []harness.Balance) []harness.Balance {
			b[0].Shared, b[0].Closing = []string{"w1"}, b[0].Opening-300
			return []harness.Balance{b[0], b[2]}
		})},
		{name: "fail-unbalanced-shared", summary: "2 accounts out of balance: w0, sum of KES", text: "account w0 closes at 98 KES, but 100 KES and postings of -3 KES make 97 KES", write: rig(func(b []harness.Balance) []harness.Balance {
			b[0].Shared = []string{"w1"}
			return []harness.Balance{b[0], b[2]}
		})},
		{name: "fail-unbalanced-missing", summary: "2 accounts out of balance: w0, sum of KES", write: rig(func(b []harness.Balance) []harness.Balance {
			return b[1:]
		})},
		{name: "fail-unbalanced-twice", summary: "1 account out of balance: w0", lines: []int{15, 16}, write: rig(func(b []harness.Balance) []harness.Balance {
			return []harness.Balance{b[0], {Account: "w0", Currency: "KES"}, b[1], b[2]}
		})},
		{name: "na-unbalanced-none", summary: "the subject gives no balances", write: rig(func([]harness.Balance) []harness.Balance { return nil })},
		{name: "unknown-unbalanced-ledger", summary: "the ledger was not read", write: good(unread)},
	}
}

func fundsSamples() []sample {
	poor := func(reason string, opening int64) func() *script {
		return two(func(s *script) {
			s.opening = opening
			s.decline("p2", reason)
		})
	}
	const why = "no funds"
	return []sample{
		{name: "pass-unfounded", summary: "1 declined for lack of funds, which were lacking", write: poor(why, 199)},
		{name: "pass-unfounded-other-reason", summary: "no payment was declined for lack of funds", write: poor("unknown payee", 10_000)},
		{name: "pass-unfounded-spent", summary: "1 declined for lack of funds, which were lacking", write: two(func(s *script) {
			s.opening = 599
			s.pay("p4", "o4")
			s.decline("p2", why)
		})},
		{name: "pass-unfounded-floor", summary: "1 declined for lack of funds, which were lacking", write: two(func(s *script) {
			s.decline("p2", why)
			s.rigged = func(b []harness.Balance) []harness.Balance {
				b[0].Floor = 9_801
				return b
			}
		})},
		{name: "pass-unfounded-shared", summary: "1 declined for lack of funds, which were lacking", write: two(func(s *script) {
			s.decline("p2", why)
			s.rigged = func(b []harness.Balance) []harness.Balance {
				b[0].Shared, b[0].Opening, b[0].Closing = []string{"w1"}, 299, 199
				return []harness.Balance{b[0], b[2]}
			}
		})},
		{name: "fail-unfounded", summary: "1 payment declined for lack of funds that were there: p2 (order o2)", lines: []int{8, 10, 12}, text: `p2 (order o2) of 2 KES was declined (no funds), and w0 always had at least 2 KES`, write: poor(why, 200)},
		{name: "fail-unfounded-402", summary: "1 payment declined for lack of funds that were there: p2 (order o2)", write: poor("HTTP 402", 10_000)},
		{name: "fail-unfounded-spent", summary: "1 payment declined for lack of funds that were there: p2 (order o2)", text: `p2 (order o2) of 2 KES was declined (no funds), and w0 always had at least 2 KES`, write: two(func(s *script) {
			s.opening = 600
			s.pay("p4", "o4")
			s.decline("p2", why)
		})},
		{name: "fail-unfounded-credit", summary: "1 payment declined for lack of funds that were there: p2 (order o2)", write: two(func(s *script) {
			s.posting(harness.Posting{Payment: "p1", Order: "o1", Payer: "m0", Payee: "w0", Amount: 100, Currency: "KES"})
			s.decline("p2", why)
		}), also: []string{"duplicated", "altered"}},
		{name: "unknown-unfounded", summary: "the ledger was not read", write: good(unread)},
		{name: "na-unfounded", summary: "the subject gives no balances", write: good(func(s *script) {
			s.rigged = func([]harness.Balance) []harness.Balance { return nil }
		})},
	}
}

func refusalSamples() []sample {
	bad := func(then func(*script)) func() *script {
		return func() *script {
			s := newScript(2)
			s.pay("p1", "o1")
			s.pressBad("p2", "o2", harness.UnknownPayee)
			then(s)
			return s
		}
	}
	return []sample{
		{name: "pass-unrefused", summary: "1 that the server must refuse, none of them made", write: bad(func(s *script) { s.decline("p2", "unknown payee") })},
		{name: "fail-unrefused", summary: "1 payment made although they must be refused: p2 (order o2)", lines: []int{8, 14}, text: "p2 (order o2) was posted, and must be refused (unknown payee)", write: bad(func(s *script) {
			s.confirm("p2")
			s.book("p2")
		})},
		{name: "fail-unrefused-told", summary: "1 payment made although they must be refused: p2 (order o2)", lines: []int{8, 11}, text: "p2 (order o2) was told confirmed, and must be refused (unknown payee)", write: bad(func(s *script) {
			s.confirm("p2")
		}), also: []string{"lost"}},
		{name: "unknown-unrefused", summary: "the run was interrupted", write: good(interrupted)},
		{name: "pass-unrefused-none", summary: "no payment had to be refused", write: good(asIs)},
	}
}

func deadlineSamples() []sample {
	after := func(d time.Duration) func() *script {
		return two(func(s *script) {
			s.wait(time.Minute + d)
			s.confirm("p2")
			s.book("p2")
		})
	}
	held := func(how harness.Action, side harness.Side) func() *script {
		return two(func(s *script) {
			s.event(harness.Event{At: time.Second, Action: how, Side: side, For: 70 * time.Second, MayMiss: true})
			s.fault(history.FaultNote{Action: how})
			s.wait(70 * time.Second)
			s.fault(history.FaultNote{Action: how, Ended: true, Hits: 1})
			s.confirm("p2")
			s.book("p2")
		})
	}
	return []sample{
		{name: "pass-overdue", summary: "2 committed, none after its deadline", write: good(asIs)},
		{name: "pass-overdue-commit", summary: "2 committed, none after its deadline", write: after(time.Second)},
		{name: "pass-overdue-frozen", summary: "2 committed, none after its deadline", write: held(harness.Freeze, harness.Server)},
		{name: "pass-overdue-slow-disk", summary: "2 committed, none after its deadline", write: held(harness.SlowDisk, harness.Server)},
		{name: "pass-overdue-crash", summary: "2 committed, none after its deadline", write: held(harness.Crash, harness.Server)},
		{name: "fail-overdue-full-disk", summary: "1 payment booked after its deadline: p2 (order o2)", write: held(harness.FullDisk, harness.Server)},
		{name: "pass-overdue-two-faults", summary: "2 committed, none after its deadline", write: two(func(s *script) {
			s.event(harness.Event{At: time.Second, Action: harness.Freeze, Side: harness.Server, For: 40 * time.Second, MayMiss: true})
			s.event(harness.Event{At: 2 * time.Second, Action: harness.Crash, Side: harness.Server, Restart: 100 * time.Second, MayMiss: true})
			s.fault(history.FaultNote{Action: harness.Freeze})
			s.wait(20 * time.Second)
			s.fault(history.FaultNote{Event: 1, Action: harness.Crash})
			s.wait(20 * time.Second)
			s.fault(history.FaultNote{Action: harness.Freeze, Ended: true, Hits: 1})
			s.wait(80 * time.Second)
			s.fault(history.FaultNote{Event: 1, Action: harness.Crash, Ended: true, Hits: 1})
			s.confirm("p2")
			s.book("p2")
		})},
		{name: "fail-overdue-frozen-client", summary: "1 payment booked after its deadline: p2 (order o2)", write: held(harness.Freeze, harness.Client)},
		{name: "fail-overdue", summary: "1 payment booked after its deadline: p2 (order o2)", lines: []int{8, 10}, text: `p2 (order o2) was booked 40.003s after its deadline`, write: after(40 * time.Second)},
		{name: "unknown-overdue", summary: "the run was interrupted", write: good(interrupted)},
		{name: "unknown-overdue-silent", summary: "the commit of 1 payment posted was never reported", write: two(func(s *script) {
			s.told("p2", queued, unknown, failed)
			s.book("p2")
		}), also: []string{"contradicted"}},
		{name: "na-overdue-no-deadlines", summary: "the subject does not say that it keeps deadlines", write: good(func(s *script) { s.header.Deadlines = false })},
		{name: "na-overdue", summary: "the subject does not report its commits", write: good(func(s *script) { s.header.Commits = false })},
	}
}

func failureSamples() []sample {
	tries := func(n int, answer, err string, took time.Duration) func() *script {
		return good(func(s *script) {
			s.header.Scenario.Workload.Attempts = 30
			for i := range n {
				s.wait(took)
				s.add(history.Record{Attempt: &harness.Attempt{Payment: "p2", N: i + 2, Took: took, Error: err, Answer: answer}})
			}
		})
	}
	reset := func(change func(s *script)) func() *script {
		return good(func(s *script) {
			s.header.Scenario.Workload.Attempts = 30
			change(s)
			for range 3 {
				s.add(history.Record{Attempt: &harness.Attempt{Payment: "p2", N: 2, Took: ms, Error: "read tcp 10.0.0.1:4711->10.0.0.2:443: connection reset by peer"}})
			}
		})
	}
	return []sample{
		{name: "pass-unexplained_failures", summary: "2 attempts, no failure without a cause in the network", write: good(asIs)},
		{name: "pass-unexplained_failures-few", summary: "2 of 4 attempts failed although nothing hindered them: 2 × no answer in time", lines: []int{13}, write: tries(2, "", "no answer in time", time.Second)},
		{name: "pass-unexplained_failures-lost", summary: "5 attempts, no failure without a cause in the network", write: reset(func(s *script) {
			s.packets(1, harness.Up, harness.DropQueue, 0)
		})},
		{name: "pass-unexplained_failures-fault", summary: "5 attempts, no failure without a cause in the network", write: reset(func(s *script) {
			s.event(harness.Event{Action: harness.Reset, MayMiss: true})
			s.fault(history.FaultNote{Action: harness.Reset})
			s.fault(history.FaultNote{Action: harness.Reset, Ended: true, Hits: 1})
			s.wait(4 * time.Second)
		})},
		{name: "pass-unexplained_failures-slow", summary: "6 attempts, no failure without a cause in the network", write: good(func(s *script) {
			s.header.Scenario.Workload.Attempts = 30
			s.packets(1, harness.Down, harness.DropNone, 0)
			s.body[len(s.body)-1].Packet.Delay = 600 * ms
			s.wait(4 * time.Second)
			for range 4 {
				s.add(history.Record{Attempt: &harness.Attempt{Payment: "p2", N: 2, Took: 4 * time.Second, Error: "no answer in time"}})
			}
		})},
		{name: "fail-unexplained_failures", summary: "3 attempts of 5 failed although nothing hindered them (3 × read tcp: connection reset by peer): p2, p2, p2", lines: []int{13}, text: "p2: an attempt failed after 1ms: read tcp: connection reset by peer", write: reset(asIs)},
		{name: "fail-unexplained_failures-503", summary: "3 attempts of 5 failed although nothing hindered them (3 × HTTP 503): p2, p2, p2", write: tries(3, "HTTP 503", "", time.Second)},
		{name: "fail-unexplained_failures-old-fault", summary: "3 attempts of 5 failed although nothing hindered them (3 × read tcp: connection reset by peer): p2, p2, p2", write: reset(func(s *script) {
			s.event(harness.Event{Action: harness.Reset, MayMiss: true})
			s.fault(history.FaultNote{Action: harness.Reset})
			s.fault(history.FaultNote{Action: harness.Reset, Ended: true, Hits: 1})
			s.wait(6 * time.Second)
		})},
		{name: "na-unexplained_failures", summary: "the subject reports no attempts", write: good(func(s *script) {
			s.body = slices.DeleteFunc(s.body, func(r history.Record) bool { return r.Attempt != nil })
		})},
		{name: "unknown-unexplained_failures", summary: "the run was interrupted", write: good(interrupted)},
	}
}

func tempoSamples() []sample {
	return []sample{
		{name: "pass-early", summary: "2 confirmed, each after its commit", write: good(asIs)},
		{name: "fail-early", summary: "1 payment told confirmed before the booking was durable: p2 (order o2)", lines: []int{9, 10}, text: `p2 (order o2) was told confirmed before its commit`, write: two(func(s *script) {
			s.told("p2", confirmed)
			s.commit("p2")
			s.book("p2")
		})},
		{name: "fail-early-never", summary: "1 payment told confirmed before the booking was durable: p2 (order o2)", lines: []int{9}, also: []string{"lost"}, write: two(func(s *script) {
			s.told("p2", confirmed)
		})},
		{name: "pass-early-other-press", summary: "3 confirmed, each after its commit", write: good(func(s *script) {
			s.press("p4", "o2")
			s.told("p4", confirmed)
		})},
		{name: "na-early-no-commits", summary: "the subject does not report its commits", write: two(func(s *script) {
			s.header.Commits = false
			s.told("p2", confirmed)
			s.book("p2")
		})},
		{name: "unknown-early-silent", summary: "the commit of 1 payment told confirmed was never reported", write: two(func(s *script) {
			s.told("p2", confirmed)
			s.book("p2")
		})},
		{name: "pass-storm", summary: "at most 3 attempts per payment reached a connection, 3 allowed", write: good(func(s *script) { s.attempt("p2", 2) })},
		{name: "pass-storm-no-bound", summary: "at most 10 attempts per payment reached a connection; no bound was set", write: good(func(s *script) {
			s.header.Scenario.Workload.Attempts = 0
			s.attempt("p2", 9)
		})},
		{name: "fail-storm", summary: "1 payment with more than 3 attempts that reached a connection: p2 (order o2)", lines: []int{8, 15}, text: `p2 (order o2) took 4 attempts that reached a connection`, write: good(func(s *script) { s.attempt("p2", 3) })},
		{name: "pass-storm-dials", summary: "at most 9 attempts per payment reached a connection, 30 allowed; at most 41 dials per payment found no server", also: []string{"unexplained_failures"}, write: good(func(s *script) {
			s.header.Scenario.Workload.Attempts = 30
			s.dial("p2", 41)
			s.attempt("p2", 8)
		})},
		{name: "fail-storm-dials", summary: "1 payment with more than 30 attempts that reached a connection: p2 (order o2)", lines: []int{8, 46}, text: `p2 (order o2) took 31 attempts that reached a connection, and 5 dials that found no server`, write: good(func(s *script) {
			s.header.Scenario.Workload.Attempts = 30
			s.dial("p2", 4)
			s.attempt("p2", 30)
			s.dial("p2", 1)
		})},
		{name: "fail-storm-late", summary: "1 payment with more than 3 attempts that reached a connection: p2 (order o2)", write: good(func(s *script) {
			s.packets(19, harness.Up, harness.DropNone, 30*ms)
			s.packets(1, harness.Up, harness.DropNone, 300*ms)
			s.attempt("p2", 3)
		})},
		{name: "pass-storm-asked", summary: "at most 2 attempts per payment reached a connection, 3 allowed; at most 5 more that the server asked for", write: good(func(s *script) {
			for range 5 {
				s.answered("p2", harness.Attempt{Answer: "HTTP 429", After: 20 * ms}, 30*ms)
			}
			s.attempt("p2", 1)
		})},
		{name: "fail-storm-hasty", summary: "1 payment attempted or asked about sooner or more often than the server or the scenario allows: p2 (order o2)", lines: []int{8, 14}, text: "p2 (order o2) was attempted again 10ms after an answer with Retry-After 20ms", write: good(func(s *script) {
			s.answered("p2", harness.Attempt{Answer: "HTTP 429", After: 20 * ms}, 10*ms)
			s.attempt("p2", 1)
		})},
		{name: "pass-storm-too-early", summary: "at most 2 attempts per payment reached a connection, 3 allowed; at most 1 more that the server asked for", write: good(func(s *script) {
			s.answered("p2", harness.Attempt{Answer: "HTTP 425"}, 0)
			s.attempt("p2", 1)
		})},
		{name: "fail-storm-too-early", summary: "1 payment with more than 3 attempts that reached a connection: p2 (order o2)", text: "p2 (order o2) took 6 attempts that reached a connection", write: good(func(s *script) {
			for range 6 {
				s.answered("p2", harness.Attempt{Answer: "HTTP 425"}, 0)
			}
		})},
		{name: "pass-storm-polls", summary: "at most 1 attempts per payment reached a connection, 3 allowed; at most 9 status queries that the scenario asks for", write: good(func(s *script) {
			s.header.Scenario.Subject = polling(0)
			for range 9 {
				s.answered("p2", harness.Attempt{Status: true}, 0)
			}
		})},
		{name: "fail-storm-polls", summary: "1 payment attempted or asked about sooner or more often than the server or the scenario allows: p2 (order o2)", text: "p2 (order o2) was asked about 3 times, and poll.limit is 2", write: good(func(s *script) {
			s.header.Scenario.Subject = polling(2)
			for range 3 {
				s.answered("p2", harness.Attempt{Status: true}, 0)
			}
		})},
		{name: "fail-storm-own-polls", summary: "1 payment with more than 3 attempts that reached a connection: p2 (order o2)", write: good(func(s *script) {
			for range 3 {
				s.answered("p2", harness.Attempt{Status: true}, 0)
			}
		})},
		{name: "unknown-storm-stalled", summary: `1 payment with more than 3 attempts that reached a connection: p2 (order o2); machine too busy: 2 of 2 packets came more than 200ms late`, write: good(func(s *script) {
			s.packets(2, harness.Up, harness.DropNone, 300*ms)
			s.attempt("p2", 3)
		})},
		{name: "unknown-storm-slow", summary: `1 payment with more than 3 attempts that reached a connection: p2 (order o2); machine too busy: in phase "start" programs waited for a processor for 4s of 4.22s`, write: good(func(s *script) {
			s.waits(40, 100*ms)
			s.attempt("p2", 3)
		})},
		{name: "unknown-storm-interrupted", summary: "the run was interrupted", write: good(interrupted)},
		{name: "na-storm-no-attempts", summary: "the subject does not report its attempts", write: func() *script {
			s := newScript(1)
			s.press("p1", "o1")
			s.commit("p1")
			s.told("p1", confirmed)
			s.book("p1")
			return s
		}},
	}
}
