package sweep

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/fault"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/sut"
)

const (
	// liveScript is the script of the run without a fault. By its end the payments have
	// been made, on a busy machine too; otherwise it is made again with a longer one.
	liveScript = time.Second
	// liveLeast is the shortest script of a run with a fault.
	liveLeast = 400 * time.Millisecond
	// liveRate presses pay within the tenth of a second after the fault is in force, if
	// the payment before it is done.
	liveRate = 10
	// liveTries is how often a run is made if its fault comes too late. The script of
	// each is twice as long as that of the one before.
	liveTries = 3
	// defaultTimeout is how long a client waits for an answer if its scenario does not
	// say.
	defaultTimeout = 10 * time.Second
)

// beginLive reduces the case to payments of one wallet, each pressed when the one before
// is done, and makes the run without a fault. The script of the runs with one is twice as
// long as that took, so that the fault ends before the heal.
func (s *sweeper) beginLive(ctx context.Context, payments int) (*cases.Survey, error) {
	s.live = true
	sc := &s.base.Scenario
	w := &sc.Workload
	if w.Balance == 0 {
		w.Balance = mostCharges * w.AmountMax * int64(payments) // so that a second charge is made and not declined
	}
	w.Wallets, w.Payments, w.Rate, w.InTurn = 1, payments, liveRate, payments > 1
	w.Others, w.Refusals = nil, 0 // a payment that is refused shows nothing
	sc.Timeline, sc.Length = nil, liveScript
	report, err := s.begin(ctx)
	if took := report.Survey; err == nil && (took.Final == 0 || took.Final > sc.Length || took.Payments < payments) { // so that the survey has all of it
		sc.Length = max(2*took.Final, time.Duration(payments)*clientTimeout(sc.Subject)) + liveScript
		report, err = s.begin(ctx)
	}
	if err != nil {
		return nil, err
	}
	v := report.Survey
	sc.Length = max(2*v.Final, liveLeast)
	s.counts.sweep.Points = []result.SweepPoints{{Kind: "payments", N: v.Payments}, {Kind: "connections", N: v.Connections}}
	s.note(v)
	return v, nil
}

// mostCharges is for how many charges of each payment the wallet has enough money.
const mostCharges = 10

// note says what was not tried with the connections of the payments.
func (s *sweeper) note(v *cases.Survey) {
	text := ""
	switch {
	case v.Payments == 1:
		text = "there was one payment, on a new connection: what the client does when a kept connection breaks was not tried; give --payments 2"
	case v.Connections >= v.Payments:
		text = "each payment had a new connection: what the client does when a kept connection breaks was not tried, because it keeps none"
	default:
		return
	}
	s.say(text)
}

// missing says which faults at requests were left out, because the subject or the engine
// lacks the ability. A crash that also loses what was not synced is a kind of crash.
func (s *sweeper) missing(spans fault.Spans, can harness.Abilities) {
	var names []string
	for _, f := range momentFaults(spans, ^harness.Abilities(0)) {
		if !f.Event.Lose && !can.Has(fault.Needs(f.Event)) {
			names = append(names, f.Name)
		}
	}
	if len(names) > 0 {
		s.say("not tried, because this subject or engine cannot do it: " + strings.Join(names, ", "))
	}
}

// clientTimeout is how long the client of a subject waits for an answer.
func clientTimeout(c sut.Config) time.Duration {
	if c.Client != nil && c.Client.HTTP != nil && c.Client.HTTP.Timeout > 0 {
		return c.Client.HTTP.Timeout
	}
	return defaultTimeout
}

func failed(r result.Result) bool {
	return slices.ContainsFunc(r.Verdicts, func(v result.Verdict) bool { return v.Status == result.Fail && !v.Weak })
}

// confirm makes runs once more: those that could not be carried out, one at a time,
// because the machine may have been too busy, and that of each finding that was seen in
// one run only. A finding that is not seen again is unknown.
func (s *sweeper) confirm(ctx context.Context) {
	for _, in := range s.broken {
		if ctx.Err() == nil {
			s.run(ctx, in, nil)
		}
	}
	cases.Parallel(s.options.Jobs, func(yield func(*finding) bool) {
		for _, f := range s.counts.once() {
			if ctx.Err() != nil || !yield(f) {
				return
			}
		}
	}, func(f *finding) {
		report, err := s.runner.Run(ctx, f.shown)
		if ctx.Err() != nil {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil || report.Result.Error != "" || report.Result.Verdict(f.Check).Status != f.Status {
			s.counts.doubt(f)
		}
	})
}
