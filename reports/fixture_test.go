package reports

import (
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
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

func passed(check, summary string) harness.Verdict {
	return harness.Verdict{Check: check, Status: harness.Pass, Summary: summary}
}

func figures() harness.Figures {
	return harness.Figures{
		{Name: "payments", Unit: harness.Count, Value: 200},
		{Name: "confirmed", Unit: harness.Count, Value: 198},
		{Name: "declined", Unit: harness.Count, Value: 0},
		{Name: "expired", Unit: harness.Count, Value: 2},
		{Name: "attempts_per_payment", Unit: harness.Count, Value: 1.385},
		{Name: "bytes_per_payment", Unit: harness.Bytes, Value: 812.4},
		{Name: "bytes_up_per_payment", Unit: harness.Bytes, Value: 455.1},
		{Name: "retransmitted_share", Unit: harness.Ratio, Value: 0.0312},
		{Name: "loss_up", Unit: harness.Ratio, Value: 0.0194},
		{Name: "loss_down", Unit: harness.Ratio, Value: 0.021},
		{Name: "joules_per_payment", Unit: harness.Joules, Value: 7.3216},
		{Name: "tail_share", Unit: harness.Ratio, Value: 0.9831},
		{Name: "battery_share_per_1000_payments", Unit: harness.Ratio, Value: 0.1761},
		{Name: "p50(confirm)", Unit: harness.Seconds, Value: 0.4127},
		{Name: "p95(confirm)", Unit: harness.Seconds, Value: 8.312},
		{Name: "max(confirm)", Unit: harness.Seconds, Value: 16.04},
		{Name: "p95(confirm, phase: edge)", Unit: harness.Seconds, Value: 3.1},
		{Name: "bytes_per_payment(phase: edge)", Unit: harness.Bytes, Value: 900},
	}
}

// passing is a run that has everything.
func passing() harness.Result {
	sc := scenario("tunnel", "Riders pay on EDGE, lose the network in a tunnel mid-payment, and come out on 3G.")
	return harness.Result{
		Version: 1, Onebar: "v0.1.0", Scenario: sc, Engine: "packet", Seed: 7,
		Started: time.Date(2026, 11, 23, 7, 0, 33, 0, time.UTC), Took: 61250 * ms,
		Status: harness.Pass,
		Verdicts: []harness.Verdict{
			passed("lost", "every one of 198 confirmed payments is in the ledger"),
			passed("duplicated", "no payment was booked twice"),
			passed("unbalanced", "23 accounts add up"),
			passed("load", "200 of 200 payments were made"),
			passed("impairment", "the link did what was asked of it"),
		},
		Thresholds: []harness.Threshold{
			{Text: "p95(confirm) < 20s", Line: 14, Status: harness.Pass, Got: harness.Figure{Name: "p95(confirm)", Unit: harness.Seconds, Value: 8.312}},
			{Text: "bytes_per_payment < 900", Line: 15, Status: harness.Pass, Got: harness.Figure{Name: "bytes_per_payment", Unit: harness.Bytes, Value: 812.4}},
		},
		Figures: figures(),
		Phases: []harness.PhaseStat{
			{
				Phase: harness.Phase{Name: "edge", Profile: sc.Link}, From: 0, To: 10 * s,
				Up:   harness.Realised{Offered: 1208, Delivered: 1185, Lost: 23, Bytes: 91000, DelayMean: 214 * ms, DelaySD: 26 * ms, LateMean: 210 * time.Microsecond, PeakRate: 30400, MeanRate: 3640, Bursts: 20, Reordered: 14},
				Down: harness.Realised{Offered: 1101, Delivered: 1078, Lost: 23, Bytes: 64000, DelayMean: 161 * ms, DelaySD: 25 * ms, LateMean: 190 * time.Microsecond, PeakRate: 22100, MeanRate: 2560, Bursts: 22},
			},
			{
				Phase: harness.Phase{Name: "blackhole", Profile: sc.Link, OutageUp: true, OutageDown: true}, From: 10 * s, To: 25 * s,
				Up: harness.Realised{Offered: 310, Outage: 310, Bytes: 24800, OutageFirst: 10021 * ms, OutageLast: 24300 * ms},
			},
			{
				Phase: harness.Phase{Name: "3G nach dem Tunnel", Profile: harness.Profile{Name: "umts", Up: harness.Path{Delay: 50 * ms}, Down: harness.Path{Delay: 50 * ms}}}, From: 25 * s, To: 61250 * ms,
				Up:   harness.Realised{Offered: 2100, Delivered: 2100, Bytes: 155000, DelayMean: 50300 * time.Microsecond, LateMean: 300 * time.Microsecond, PeakRate: 1_304_000, MeanRate: 51_300},
				Down: harness.Realised{Offered: 2000, Delivered: 1990, Queue: 10, Bytes: 120000, DelayMean: 50200 * time.Microsecond, LateMean: 200 * time.Microsecond, PeakRate: 998_000, MeanRate: 40_100},
			},
		},
		Faults: []harness.FaultStat{
			{Event: 0, Action: harness.Blackhole, Line: 9, Times: 1, Hits: 310},
			{Event: 1, Action: harness.Reset, Line: 10, Times: 1, Hits: 18},
		},
		Energy: &harness.Energy{
			Model: "videooptimizer-lte", Title: "LTE phone of 2012", Priced: true, Phones: 20, Span: 1340 * s,
			States: []harness.RadioState{
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
func failing() harness.Result {
	r := passing()
	r.Scenario = scenario("answers-lost", "Only the way back is dead: the bank books, and the rider never hears of it.")
	r.Status = harness.Fail
	r.Verdicts = []harness.Verdict{
		{
			Check: "lost", Status: harness.Fail, Count: 1, Summary: "1 payment was confirmed to its payer and is not in the ledger",
			Findings: []harness.Finding{{Text: "w3-17 (order w3-o17, 450.00 KES): confirmed after 12.3s, not booked", Payment: "w3-17", Order: "w3-o17", Lines: []int{1202, 4711}}},
		},
		{
			Check: "duplicated", Status: harness.Fail, Count: 27, Summary: "27 payments were booked more than once",
			Findings: slices.Collect(func(yield func(harness.Finding) bool) {
				for _, id := range []string{"w0-2", "w1-9", "w4-4", "w5-1", "w7-8"} {
					if !yield(harness.Finding{Text: "booked 2 times, for one order", Payment: id, Lines: []int{9001, 9002}}) {
						return
					}
				}
			}),
		},
		passed("unbalanced", "23 accounts add up"),
	}
	r.Thresholds = []harness.Threshold{
		{Text: "p95(confirm) < 8s", Line: 14, Status: harness.Fail, Got: harness.Figure{Name: "p95(confirm)", Unit: harness.Seconds, Value: 8.312}},
		{Text: "bytes_per_payment < 900", Line: 15, Status: harness.Pass, Got: harness.Figure{Name: "bytes_per_payment", Unit: harness.Bytes, Value: 812.4}},
	}
	r.HistoryFile = "out/answers-lost/history.jsonl"
	r.Rerun = "onebar run scenarios/answers-lost.yaml --engine packet --seed 7"
	return r
}

// unjudgeable did not reach its load, in an engine that measures no packets,
// and its texts are hostile to every format.
func unjudgeable() harness.Result {
	r := passing()
	r.Scenario = scenario("決済 <レジ> | `地下鉄`", "A name & a\nsummary | with *everything* a `format` </details> trips over.")
	r.Engine, r.Payload = "toxiproxy", true
	r.Status = harness.StatusUnknown
	r.Figures = slices.DeleteFunc(figures(), func(f harness.Figure) bool {
		return f.Name == "loss_up" || f.Name == "loss_down" || f.Name == "p95(confirm)" || f.Name == "retransmitted_share"
	})
	r.Verdicts = []harness.Verdict{
		passed("lost", "every one of 12 confirmed payments is in the ledger"),
		{Check: "duplicated", Status: harness.StatusUnknown, Summary: "the ledger could not be read: \x1b[31mconnection\x00 refused\u202e"},
		{Check: "load", Status: harness.StatusUnknown, Summary: "only 12 of 200 payments were made"},
	}
	r.Thresholds = []harness.Threshold{{Text: "p95(confirm) < 20s", Line: 14, Status: harness.StatusUnknown, Reason: "too few payments were confirmed"}}
	r.Phases, r.Faults = nil, nil
	r.Energy.Approximate = true
	r.HistoryFile = "out/決済/history.jsonl"
	r.Rerun = "onebar run 'scenarios/決済 <レジ> | `地下鉄`.yaml' --engine toxiproxy --seed 7"
	return r
}

// ledgerless is a pass of a subject that nobody can look into.
func ledgerless() harness.Result {
	r := passing()
	r.Scenario = scenario("edge", "")
	na := func(check, summary string) harness.Verdict {
		return harness.Verdict{Check: check, Status: harness.NotApplicable, Summary: summary}
	}
	const why = "the subject has no ledger to read: nobody knows what was booked"
	r.Verdicts = []harness.Verdict{
		na("lost", why), na("duplicated", why),
		passed("unresolved", "every payment has a final outcome"),
		na("early", "the subject does not report its commits"),
	}
	return r
}

// broken never began.
func broken() harness.Result {
	return harness.Result{
		Version: 1, Onebar: "v0.1.0", Scenario: scenario("refuse-then-recover-on-a-very-slow-rural-link", ""), Engine: "packet", Seed: 7,
		Started: time.Date(2026, 11, 23, 7, 2, 0, 0, time.UTC),
		Error:   "start the bank: listen on :7400: the port is in use: stop what uses it or choose another",
		Rerun:   "onebar run scenarios/refuse-then-recover-on-a-very-slow-rural-link.yaml --seed 7",
	}
}

func batch() []harness.Result {
	return []harness.Result{passing(), failing(), unjudgeable(), broken()}
}
