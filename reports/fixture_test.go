package reports

import (
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
)

const (
	ms = time.Millisecond
	s  = time.Second
)

// edgePaths are an EDGE-like link with 2 % loss.
func edgeProfile() harness.Profile {
	return harness.Profile{
		Name: "edge",
		Up:   harness.Path{Delay: 200 * ms, Jitter: 40 * ms, Rate: 118_400, Loss: harness.Loss{P: 0.02}},
		Down: harness.Path{Delay: 150 * ms, Jitter: 40 * ms, Rate: 236_800, Loss: harness.Loss{P: 0.02}},
	}
}

func scenario(name, summary string) harness.Scenario {
	return harness.Scenario{
		Name: name, Summary: summary, File: "scenarios/" + name + ".yaml", Tags: []string{"smoke"},
		Link:   edgeProfile(),
		Settle: 30 * s,
		Workload: harness.Workload{
			Wallets: 20, Merchants: 3, Payments: 200, Rate: 4, AmountMin: 1000, AmountMax: 90000,
			Currency: "KES", Deadline: 60 * s, Attempts: 12,
		},
		Timeline: []harness.Event{
			{At: 10 * s, For: 15 * s, Action: harness.Blackhole, Line: 9},
			{At: 30 * s, Action: harness.Reset, Line: 10},
		},
		Expect: []harness.Expectation{{Text: "p95(confirm) < 20s", Line: 14}},
	}
}

func passed(check, summary string) result.Verdict {
	return result.Verdict{Check: check, Status: result.Pass, Summary: summary}
}

func figures() result.Figures {
	return result.Figures{
		{Name: "payments", Unit: result.Count, Value: 200},
		{Name: "confirmed", Unit: result.Count, Value: 198},
		{Name: "declined", Unit: result.Count, Value: 0},
		{Name: "expired", Unit: result.Count, Value: 2},
		{Name: "attempts_per_payment", Unit: result.Count, Value: 1.385},
		{Name: "bytes_per_payment", Unit: result.Bytes, Value: 812.4},
		{Name: "bytes_up_per_payment", Unit: result.Bytes, Value: 455.1},
		{Name: "retransmitted_share", Unit: result.Ratio, Value: 0.0312},
		{Name: "loss_up", Unit: result.Ratio, Value: 0.0194},
		{Name: "loss_down", Unit: result.Ratio, Value: 0.021},
		{Name: "joules_per_payment", Unit: result.Joules, Value: 7.3216},
		{Name: "tail_share", Unit: result.Ratio, Value: 0.9831},
		{Name: "battery_share_per_1000_payments", Unit: result.Ratio, Value: 0.1761},
		{Name: "p50(confirm)", Unit: result.Seconds, Value: 0.4127},
		{Name: "p95(confirm)", Unit: result.Seconds, Value: 8.312},
		{Name: "max(confirm)", Unit: result.Seconds, Value: 16.04},
		{Name: "p95(confirm, phase: edge)", Unit: result.Seconds, Value: 3.1},
		{Name: "bytes_per_payment(phase: edge)", Unit: result.Bytes, Value: 900},
	}
}

// passing is a run that has everything.
func passing() result.Result {
	sc := scenario("tunnel", "Riders pay on EDGE, lose the network in a tunnel mid-payment, and come out on 3G.")
	return result.Result{
		Version: 1, Onebar: "v0.1.0", Scenario: sc, Engine: "packet", Seed: 7,
		Started: time.Date(2026, 11, 23, 7, 0, 33, 0, time.UTC), Took: 61250 * ms,
		Status: result.Pass,
		Verdicts: []result.Verdict{
			passed("lost", "every one of 198 confirmed payments is in the ledger"),
			passed("duplicated", "no payment was booked twice"),
			passed("unbalanced", "23 accounts add up"),
			passed("load", "200 of 200 payments were made"),
			passed("impairment", "the link did what was asked of it"),
		},
		Thresholds: []result.Threshold{
			{Text: "p95(confirm) < 20s", Line: 14, Status: result.Pass, Got: result.Figure{Name: "p95(confirm)", Unit: result.Seconds, Value: 8.312}},
			{Text: "bytes_per_payment < 900", Line: 15, Status: result.Pass, Got: result.Figure{Name: "bytes_per_payment", Unit: result.Bytes, Value: 812.4}},
		},
		Figures: figures(),
		Phases: []result.PhaseStat{
			{
				Phase: history.Phase{Name: "edge", Profile: sc.Link}, From: 0, To: 10 * s,
				Up:   result.Realised{Offered: 1208, Delivered: 1185, Lost: 23, Bytes: 91000, DelayMean: 214 * ms, DelaySD: 26 * ms, LateMean: 210 * time.Microsecond, PeakRate: 30400, MeanRate: 3640, Bursts: 20, Reordered: 14},
				Down: result.Realised{Offered: 1101, Delivered: 1078, Lost: 23, Bytes: 64000, DelayMean: 161 * ms, DelaySD: 25 * ms, LateMean: 190 * time.Microsecond, PeakRate: 22100, MeanRate: 2560, Bursts: 22},
			},
			{
				Phase: history.Phase{Name: "blackhole", Profile: sc.Link, OutageUp: true, OutageDown: true}, From: 10 * s, To: 25 * s,
				Up: result.Realised{Offered: 310, Outage: 310, Bytes: 24800, OutageFirst: 10021 * ms, OutageLast: 24300 * ms},
			},
			{
				Phase: history.Phase{Name: "3G nach dem Tunnel", Profile: harness.Profile{Name: "umts", Up: harness.Path{Delay: 50 * ms}, Down: harness.Path{Delay: 50 * ms}}}, From: 25 * s, To: 61250 * ms,
				Up:   result.Realised{Offered: 2100, Delivered: 2100, Bytes: 155000, DelayMean: 50300 * time.Microsecond, LateMean: 300 * time.Microsecond, PeakRate: 1_304_000, MeanRate: 51_300},
				Down: result.Realised{Offered: 2000, Delivered: 1990, Queue: 10, Bytes: 120000, DelayMean: 50200 * time.Microsecond, LateMean: 200 * time.Microsecond, PeakRate: 998_000, MeanRate: 40_100},
			},
		},
		Faults: []result.FaultStat{
			{Event: 0, Action: harness.Blackhole, Line: 9, Times: 1, Hits: 310},
			{Event: 1, Action: harness.Reset, Line: 10, Times: 1, Hits: 18},
		},
		Energy: &result.Energy{
			Model: "videooptimizer-lte", Title: "LTE phone of 2012", Priced: true, Phones: 20, Span: 1340 * s,
			States: []result.RadioState{
				{Name: "IDLE", Time: 100 * s, Joules: 2},
				{Name: "CONTINUOUS", Time: 40 * s, Joules: 48},
				{Name: "LONG_DRX", Time: 1190 * s, Joules: 1298.29},
				{Name: "promotion", Time: 10 * s, Joules: 12.1},
			},
			Promotions: 38, Wakeups: 38, Joules: 1466.32, Tail: 1439.5, Payments: 1464.32,
		},
		HistoryFile: "out/tunnel/history.jsonl",
		Hash:        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		Rerun:       "onebar run scenarios/tunnel.yaml --engine packet --seed 7",
	}
}

// failing lost and duplicated payments and missed an expectation.
func failing() result.Result {
	r := passing()
	r.Scenario = scenario("answers-lost", "Only the way back is dead: the bank books, and the rider never hears of it.")
	r.Status = result.Fail
	r.Verdicts = []result.Verdict{
		{
			Check: "lost", Status: result.Fail, Count: 1, Summary: "1 payment was confirmed to its payer and is not in the ledger",
			Findings: []result.Finding{{Text: "w3-17 (order w3-o17, 450.00 KES): confirmed after 12.3s, not booked", Payment: "w3-17", Order: "w3-o17", Lines: []int{1202, 4711}}},
		},
		{
			Check: "duplicated", Status: result.Fail, Count: 27, Summary: "27 payments were booked more than once",
			Findings: slices.Collect(func(yield func(result.Finding) bool) {
				for _, id := range []string{"w0-2", "w1-9", "w4-4", "w5-1", "w7-8"} {
					if !yield(result.Finding{Text: "booked 2 times, for one order", Payment: id, Lines: []int{9001, 9002}}) {
						return
					}
				}
			}),
		},
		passed("unbalanced", "23 accounts add up"),
	}
	r.Thresholds = []result.Threshold{
		{Text: "p95(confirm) < 8s", Line: 14, Status: result.Fail, Got: result.Figure{Name: "p95(confirm)", Unit: result.Seconds, Value: 8.312}},
		{Text: "bytes_per_payment < 900", Line: 15, Status: result.Pass, Got: result.Figure{Name: "bytes_per_payment", Unit: result.Bytes, Value: 812.4}},
	}
	r.Stories = []result.Story{
		{Payment: "w3-17", Checks: []string{"lost"}, Lines: []result.StoryLine{
			{At: 9120 * ms, Text: "w3 presses pay: 450.00 KES to m1 (w3-17)"},
			{At: 9120 * ms, Text: "-- blackhole down: since 8.000s"},
			{At: 9330 * ms, Text: "4 packets down: 4 lost"},
			{At: 17120 * ms, Text: "attempt 1 ended after 8s: no answer in time"},
			{At: 21420 * ms, Text: `attempt 2 ended after 310ms: HTTP 200 {"status":"accepted","message":"a long | text <b>of</b> a server, which does not fit a line of a terminal"}`},
			{At: 21420 * ms, Text: "the user is told confirmed"},
		}},
		{Account: "m1", Checks: []string{"unbalanced"}, Lines: []result.StoryLine{{At: 61250 * ms, Text: "it closes at 0 KES: off by -450 KES, as much as w3-17, which has no posting"}}},
	}
	r.HistoryFile = "out/answers-lost/history.jsonl"
	r.Rerun = "onebar run scenarios/answers-lost.yaml --engine packet --seed 7"
	return r
}

// unjudgeable did not reach its load, in an engine that measures no packets,
// and its texts are hostile to every format.
func unjudgeable() result.Result {
	r := passing()
	r.Scenario = scenario("決済 <レジ> | `地下鉄`", "A name & a\nsummary | with *everything* a `format` </details> trips over.")
	r.Engine, r.Payload = "toxiproxy", true
	r.Status = result.StatusUnknown
	r.Figures = slices.DeleteFunc(figures(), func(f result.Figure) bool {
		return f.Name == "loss_up" || f.Name == "loss_down" || f.Name == "p95(confirm)" || f.Name == "retransmitted_share"
	})
	r.Verdicts = []result.Verdict{
		passed("lost", "every one of 12 confirmed payments is in the ledger"),
		{Check: "duplicated", Status: result.StatusUnknown, Summary: "the ledger could not be read: \x1b[31mconnection\x00 refused\u202e"},
		{Check: "load", Status: result.StatusUnknown, Summary: "only 12 of 200 payments were made"},
	}
	r.Thresholds = []result.Threshold{{Text: "p95(confirm) < 20s", Line: 14, Status: result.StatusUnknown, Reason: "too few payments were confirmed"}}
	r.Phases, r.Faults = nil, nil
	r.Energy.Approximate = true
	r.HistoryFile = "out/決済/history.jsonl"
	r.Rerun = "onebar run 'scenarios/決済 <レジ> | `地下鉄`.yaml' --engine toxiproxy --seed 7"
	return r
}

// ledgerless is a pass of a subject that nobody can look into.
func ledgerless() result.Result {
	r := passing()
	r.Scenario = scenario("edge", "")
	na := func(check, summary string) result.Verdict {
		return result.Verdict{Check: check, Status: result.NotApplicable, Summary: summary}
	}
	const why = "the subject has no ledger to read: nobody knows what was booked"
	r.Verdicts = []result.Verdict{
		na("lost", why), na("duplicated", why),
		passed("unresolved", "every payment has a final outcome"),
		na("early", "the subject does not report its commits"),
	}
	return r
}

// broken never began.
func broken() result.Result {
	return result.Result{
		Version: 1, Onebar: "v0.1.0", Scenario: scenario("refuse-then-recover-on-a-very-slow-rural-link", ""), Engine: "packet", Seed: 7,
		Started: time.Date(2026, 11, 23, 7, 2, 0, 0, time.UTC),
		Error:   "start the bank: listen on :7400: the port is in use: stop what uses it or choose another",
		Rerun:   "onebar run scenarios/refuse-then-recover-on-a-very-slow-rural-link.yaml --seed 7",
	}
}

func batch() []result.Result {
	return []result.Result{passing(), failing(), unjudgeable(), broken()}
}
