package check_test

import (
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/sut"
)

// bench is a payment and a run of packets, whatever the links did to them.
func bench(write func(*script)) func() *script {
	return func() *script {
		s := newScript(1)
		s.pay("p1", "o1")
		write(s)
		return s
	}
}

// loses is a profile whose uplink loses half of the packets.
func loses() harness.Profile {
	return harness.Profile{Name: "rural", Up: harness.Path{Delay: 200 * ms, Loss: harness.Loss{P: 0.5}}, Down: harness.Path{Delay: 200 * ms}}
}

// lossy is a phase with that link in which some packets up are delivered and
// some lost.
func lossy(delivered, lost int) func() *script {
	return bench(func(s *script) { lossyPhase(s, delivered, lost) })
}

func lossyPhase(s *script, delivered, lost int) {
	s.header.Scenario.Link = loses()
	s.phase(history.Phase{Name: "rural", Profile: loses()})
	s.delay = 200 * ms
	s.packets(delivered, harness.Up, harness.DropNone, 0)
	s.packets(lost, harness.Up, harness.DropLoss, 0)
}

// dark is a run with an outage that hit so many packets, and let so many pass.
func dark(hits int64, passed int) func(*script) {
	return func(s *script) {
		s.event(harness.Event{Action: harness.Blackhole, Direction: harness.Down, Line: 9})
		s.fault(history.FaultNote{Action: harness.Blackhole})
		s.phase(history.Phase{Name: "blackhole down", OutageDown: true})
		s.packets(2, harness.Up, harness.DropNone, 0)
		s.packets(int(hits), harness.Down, harness.DropOutage, 0)
		s.packets(passed, harness.Down, harness.DropNone, 0)
		s.phase(history.Phase{Name: "settle"})
		s.fault(history.FaultNote{Action: harness.Blackhole, Ended: true, Hits: hits})
	}
}

// atOnce adds two outages that begin 22 ns apart, and three packets that pass so long after the
// first began: at 0 they were sent just before it.
func atOnce(later time.Duration) func(*script) {
	return func(s *script) {
		for i := range 2 {
			s.event(harness.Event{Action: harness.Blackhole, Direction: harness.Down, Line: 9 + i})
			s.fault(history.FaultNote{Event: i, Action: harness.Blackhole})
		}
		s.phase(history.Phase{Name: "blackhole down", OutageDown: true})
		began := s.at
		s.body = append(s.body, history.Record{At: began + 22, Phase: &history.Phase{Name: "blackhole down, blackhole down", OutageDown: true}})
		s.packets(3, harness.Down, harness.DropOutage, 0)
		for range 3 {
			p := harness.Packet{At: began + later, Flow: 1, Direction: harness.Down, Size: 60, Delay: s.delay}
			s.body = append(s.body, history.Record{At: p.At, Packet: &p})
		}
		s.phase(history.Phase{Name: "settle"})
		for i := range 2 {
			s.fault(history.FaultNote{Event: i, Action: harness.Blackhole, Ended: true, Hits: 3})
		}
	}
}

// missed adds an outage and a link during which no packet is sent.
func missed(s *script) {
	p := loses()
	s.event(harness.Event{Action: harness.Blackhole, MayMiss: true, Line: 10})
	s.event(harness.Event{Action: harness.SetLink, Link: &p, MayMiss: true, Line: 11})
	s.fault(history.FaultNote{Event: 1, Action: harness.Blackhole})
	s.phase(history.Phase{Name: "blackhole", OutageUp: true, OutageDown: true})
	s.phase(history.Phase{Name: "settle"})
	s.fault(history.FaultNote{Event: 1, Action: harness.Blackhole, Ended: true})
}

// overtaking is a phase that asks for a quarter of everything, in which 60
// packets up are under way at once, and so many skip the delay, are duplicated
// and are corrupted.
func overtaking(skip, copied, corrupted int) func() *script {
	return bench(func(s *script) {
		asked := harness.Path{Delay: 100 * ms, Reorder: 0.25, Duplicate: 0.25, Corrupt: 0.25}
		s.phase(history.Phase{Name: "crowd", Profile: harness.Profile{Up: asked}})
		s.at += ms
		var slow []history.Record
		for n := range 60 {
			p := harness.Packet{At: s.at + time.Duration(n)*ms, Flow: 1, N: int64(n + 1), Direction: harness.Up, Size: 60, Delay: 100 * ms, Corrupt: n < corrupted}
			if skips := n > 0 && n%2 == 0 && n/2 <= skip; skips {
				p.Delay = 0
				s.body = append(s.body, history.Record{At: p.At, Packet: &p})
				continue
			}
			slow = append(slow, history.Record{At: p.At, Packet: &p})
			if n < copied {
				again := p
				again.Copy = true
				slow = append(slow, history.Record{At: p.At, Packet: &again})
			}
		}
		s.body = append(s.body, slow...)
		s.at += 200 * ms
	})
}

func experimentSamples() []sample {
	slow := func(s *script) { s.event(harness.Event{Action: harness.Slow, By: time.Second}) }
	return []sample{
		{name: "pass-load", summary: "2 of 2 planned payments asked for, with 3 presses", write: good(func(s *script) {
			s.press("p4", "o2")
			s.confirm("p4")
		})},
		{name: "unknown-load-fewer", summary: "3 payments planned, but only 2 asked for", write: good(func(s *script) { s.header.Scenario.Workload.Payments = 3 })},
		{name: "unknown-load-unserved", summary: "none of 2 payments was confirmed or booked: the server was not tested; 1 of 2 were told expired last: give workload a later deadline, or a link and events that leave time for an answer; onebar doctor follows one payment step by step", write: func() *script {
			s := newScript(2)
			s.header.Scenario.Subject.Client = &sut.Client{HTTP: &sut.HTTPClient{}}
			s.press("p1", "o1")
			s.told("p1", failed)
			s.press("p2", "o2")
			s.told("p2", queued, expired)
			return s
		}},
		{name: "unknown-load-stranger", summary: "p7 is in the history, but nobody pressed pay for it", lines: []int{13}, write: good(func(s *script) { s.told("p7", confirmed) })},
		{name: "unknown-load-same-id", summary: "p2 (order o2) was given to two presses of pay", lines: []int{8, 13}, write: good(func(s *script) { s.press("p2", "o2") })},

		{name: "pass-impairment-nothing-asked", summary: "packets 0.0 ms late on average", write: bench(asIs)},
		{name: "pass-impairment-loss", summary: "packets 0.0 ms late on average; loss as asked in 1 phase", write: lossy(16, 14)},
		{name: "pass-impairment-few", summary: "packets 0.0 ms late on average; too few packets in 1 phase to show a loss", write: lossy(1, 0)},
		{name: "pass-impairment-overtaken", summary: "packets 0.0 ms late on average", write: bench(func(s *script) {
			paced := harness.Path{Delay: 100 * ms, Rate: 9e6}
			s.phase(history.Phase{Name: "paced", Profile: harness.Profile{Up: paced}})
			from := s.at
			paced.Reorder = 0.25
			s.at += 40 * ms
			s.phase(history.Phase{Name: "crowd", Profile: harness.Profile{Up: paced}})
			at := s.at + 10*ms
			s.body = append(s.body, history.Record{At: at, Packet: &harness.Packet{At: at, Flow: 1, N: 9, Direction: harness.Up, Size: 60, Delay: ms}})
			for n := range 8 {
				at := from + time.Duration(n+2)*ms
				s.body = append(s.body, history.Record{At: at, Packet: &harness.Packet{At: at, Flow: 1, N: int64(n + 1), Direction: harness.Up, Size: 60, Delay: 101 * ms}})
			}
			s.at += 200 * ms
		})},
		{name: "pass-impairment-nat", summary: "packets 0.0 ms late on average; loss as asked in 1 phase", write: bench(func(s *script) {
			lossyPhase(s, 0, 15)
			s.packets(15, harness.Up, harness.DropNAT, 0)
			s.packets(30, harness.Down, harness.DropNAT, 0)
		})},
		{name: "unknown-impairment-no-loss", summary: `phase "rural" lost 0 of 30 packets up (0.00 %), asked was 50.00 %`, lines: []int{8}, write: lossy(30, 0)},
		{name: "unknown-impairment-too-much-loss", summary: `phase "rural" lost 29 of 30 packets up (96.67 %), asked was 50.00 %`, write: lossy(1, 29)},
		{name: "unknown-impairment-loss-not-asked", summary: `phase "start" lost 2 of 2 packets down (100.00 %), asked was 0.00 %`, write: bench(func(s *script) {
			s.packets(2, harness.Down, harness.DropLoss, 0)
		})},
		{name: "unknown-impairment-link", summary: "the scenario's link carried no packet: no payment was under way while it was in force; let the link events begin later", write: bench(func(s *script) { s.header.Scenario.Link = loses() })},
		{name: "unknown-impairment-event-link", summary: "the link of line 7 carried no packet: no payment was under way while it was in force; begin it earlier, let it last longer, or write may_miss: true", write: bench(func(s *script) {
			p := loses()
			s.event(harness.Event{Action: harness.SetLink, Link: &p, Line: 7})
			s.packets(1, harness.Up, harness.DropNone, 0)
		})},
		{name: "pass-impairment-outage", summary: "packets 0.0 ms late on average; 1 event with 3 hits", write: bench(dark(3, 0))},
		{name: "pass-impairment-straggler", summary: "packets 0.0 ms late on average; 1 event with 3 hits", write: bench(dark(3, 1))},
		{name: "unknown-impairment-no-hit", summary: "the blackhole of line 9 hit nothing: no packet was sent in its direction from 0.007s to 0.012s; let it begin when payments are under way, let it last longer, or write may_miss: true", lines: []int{8}, write: bench(dark(0, 0))},
		{name: "unknown-impairment-leak", summary: `phase "blackhole down" let 2 packets down through its outage`, lines: []int{9}, write: bench(dark(3, 2))},
		{name: "pass-impairment-outages-at-once", summary: "packets 0.0 ms late on average; 2 events with 6 hits", write: bench(atOnce(0))},
		{name: "unknown-impairment-leak-at-once", summary: `phase "blackhole down, blackhole down" let 3 packets down through its outage`, write: bench(atOnce(ms))},
		{name: "unknown-impairment-never", summary: "the slow of event 1 never happened: the run ended before its time, 0s into the script", write: bench(slow)},
		{name: "unknown-impairment-never-packet", summary: "the drop of line 4 never happened: wallet 1 sent 2 packets up, and the event waits for number 30: name an earlier one, or make more payments", write: bench(func(s *script) {
			s.event(harness.Event{Action: harness.Drop, Line: 4, When: &harness.Trigger{Packet: 30, Client: 1, Direction: harness.Up}})
			for n := range 2 {
				s.add(history.Record{Packet: &harness.Packet{At: s.at, Client: 1, Flow: 1, N: int64(n + 1), Direction: harness.Up, Size: 60, Delay: ms}})
			}
			s.packets(40, harness.Down, harness.DropNone, 0)
		})},
		{name: "unknown-impairment-never-commit", summary: "the crash of line 4 never happened: the server made 3 commits, and the event waits for number 5: name an earlier one, or make more payments", write: bench(func(s *script) {
			s.event(harness.Event{Action: harness.Crash, Side: harness.Server, Line: 4, When: &harness.Trigger{Commit: 5, Side: harness.Server}})
			s.end.ServerCommits = 3
		})},
		{name: "unknown-impairment-never-request", summary: "the reset of line 4 never happened: it waits for request 9, and the clients made 2 attempts that reached a connection: name an earlier one, or make more payments", write: bench(func(s *script) {
			s.event(harness.Event{Action: harness.Reset, Line: 4, When: &harness.Trigger{Request: 9, Moment: harness.Answered}})
			s.add(history.Record{Attempt: &harness.Attempt{Payment: "p1", N: 1}})
		})},
		{name: "unknown-impairment-failed", summary: "the slow of event 1 failed: it is gone", write: bench(func(s *script) {
			slow(s)
			s.fault(history.FaultNote{Action: harness.Slow})
			s.fault(history.FaultNote{Action: harness.Slow, Ended: true, Hits: 3, Error: "it is gone"})
		})},
		{name: "pass-impairment-late-arrival", summary: "packets 0.0 ms late on average; 1 event with 3 hits", write: bench(func(s *script) {
			offered := s.at
			s.event(harness.Event{Action: harness.Blackhole})
			s.fault(history.FaultNote{Action: harness.Blackhole})
			s.phase(history.Phase{Name: "blackhole", OutageUp: true, OutageDown: true})
			for range 3 {
				s.add(history.Record{Packet: &harness.Packet{At: offered, Flow: 1, Direction: harness.Down, Size: 60, Delay: 30 * ms}})
			}
			s.packets(3, harness.Down, harness.DropOutage, 0)
			s.fault(history.FaultNote{Action: harness.Blackhole, Ended: true, Hits: 3})
		})},
		{name: "unknown-impairment-unmet", summary: `no packet was sent during the outage of phase "second": begin it when payments are under way, let it last longer, or write may_miss: true`, lines: []int{17}, write: bench(func(s *script) {
			dark(3, 0)(s)
			s.phase(history.Phase{Name: "second", OutageUp: true})
			s.phase(history.Phase{Name: "second, server down", OutageUp: true})
			s.phase(history.Phase{Name: "settle"})
		})},
		{name: "pass-impairment-may-miss", summary: "packets 0.0 ms late on average; 2 events with 3 hits", write: bench(func(s *script) {
			dark(3, 0)(s)
			missed(s)
		})},
		{name: "pass-impairment-periodic", summary: "packets 0.0 ms late on average; 1 event with 3 hits", write: bench(func(s *script) {
			dark(3, 0)(s)
			s.header.Scenario.Timeline[0].Every = 4 * time.Second
			dark(0, 0)(s)
			s.header.Scenario.Timeline = s.header.Scenario.Timeline[:1]
		})},
		{name: "unknown-impairment-another-may-miss", summary: "no packet was sent during the outage of phase \"dark twice\": begin it when payments are under way, let it last longer, or write may_miss: true", lines: []int{18}, write: bench(func(s *script) {
			dark(3, 0)(s)
			s.fault(history.FaultNote{Action: harness.Blackhole})
			s.phase(history.Phase{Name: "dark twice", OutageDown: true})
			missed(s)
			s.fault(history.FaultNote{Action: harness.Blackhole, Ended: true})
		})},
		{name: "pass-impairment-shares", summary: "packets 0.0 ms late on average; reordering as asked in 1 phase; duplicates as asked in 1 phase; corruption as asked in 1 phase", write: overtaking(9, 12, 15)},
		{name: "unknown-impairment-no-reordering", summary: `phase "crowd" let overtake 0 of 59 packets up (0.00 %), asked was 25.00 %`, write: overtaking(0, 12, 15)},
		{name: "unknown-impairment-no-duplicates", summary: `phase "crowd" duplicated 0 of 60 packets up (0.00 %), asked was 25.00 %`, write: overtaking(9, 0, 15)},
		{name: "unknown-impairment-too-corrupt", summary: `phase "crowd" corrupted 45 of 60 packets up (75.00 %), asked was 25.00 %`, write: overtaking(9, 12, 45)},
		{name: "unknown-impairment-no-delay", summary: `phase "crowd" delayed packets up by 3ms on average, asked was 100ms`, write: bench(func(s *script) {
			s.phase(history.Phase{Name: "crowd", Profile: harness.Profile{Up: harness.Path{Delay: 100 * ms}}})
			s.delay = 3 * ms
			s.packets(20, harness.Up, harness.DropNone, 0)
		})},
		{name: "unknown-impairment-too-fast", summary: `phase "crowd" was too fast up: 3 packets came sooner than 8000 bit/s allow (and 1 more)`, write: bench(func(s *script) {
			s.phase(history.Phase{Name: "crowd", Profile: harness.Profile{Up: harness.Path{Rate: 8000}}})
			s.delay = 2 * time.Second
			s.packets(125, harness.Up, harness.DropNone, 0) // of 60 bytes, one a ms
		})},
		{name: "pass-impairment-late", summary: "packets 6.0 ms late on average", write: bench(func(s *script) {
			s.packets(20, harness.Up, harness.DropNone, 6*ms)
		})},
		{name: "pass-impairment-late-overall", summary: "packets 30.0 ms late on average", write: bench(func(s *script) {
			s.packets(2, harness.Up, harness.DropNone, 30*ms)
		})},
		{name: "pass-impairment-stalled-once", summary: "packets 15.0 ms late on average", write: bench(func(s *script) {
			s.packets(19, harness.Up, harness.DropNone, 0)
			s.packets(1, harness.Up, harness.DropNone, 300*ms)
		})},
		{name: "unknown-impairment-late", summary: `machine too busy: in phase "start" 2 of 20 packets up came more than 200ms late`, lines: []int{2}, write: bench(func(s *script) {
			s.packets(18, harness.Up, harness.DropNone, 0)
			s.packets(2, harness.Up, harness.DropNone, 300*ms)
		})},
		{name: "unknown-impairment-late-overall", summary: "machine too busy: 2 of 3 packets came more than 200ms late", write: bench(func(s *script) {
			s.packets(1, harness.Up, harness.DropNone, 0)
			s.packets(2, harness.Up, harness.DropNone, 300*ms)
		})},
		{name: "unknown-impairment-waited", summary: `machine too busy: in phase "slow" programs waited for a processor for 900ms of 4.26s, more than 200ms at a time`, write: bench(func(s *script) {
			s.at += time.Minute
			s.phase(history.Phase{Name: "slow"})
			s.waits(3, 300*ms)
			s.at += 3344 * ms
			s.phase(history.Phase{Name: "settle"})
			s.at += time.Minute
		})},
		{name: "pass-impairment-slow", summary: "packets 0.0 ms late on average", write: bench(func(s *script) {
			s.waits(50, 100*ms)
		})},
		{name: "pass-impairment-waited-once", summary: "packets 0.0 ms late on average", write: bench(func(s *script) {
			s.phase(history.Phase{Name: "short"})
			s.waits(1, 300*ms)
			s.phase(history.Phase{Name: "settle"})
			s.at += 10 * time.Second
		})},
		{name: "pass-impairment-late-on-a-long-way", summary: "packets 9.0 ms late on average", write: bench(func(s *script) {
			s.phase(history.Phase{Name: "geo", Profile: harness.Profile{Up: harness.Path{Delay: 250 * ms}}})
			s.delay = 250 * ms
			s.packets(20, harness.Up, harness.DropNone, 9*ms)
		})},
		{name: "unknown-impairment-interrupted", summary: "the run was interrupted", write: bench(interrupted)},
	}
}
