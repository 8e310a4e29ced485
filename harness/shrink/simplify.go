package shrink

import (
	"reflect"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
)

// roundTimes returns the durations that are tried, the shortest first.
func roundTimes() []time.Duration {
	var all []time.Duration
	for unit := 10 * time.Millisecond; unit <= 100*time.Second; unit *= 10 {
		all = append(all, unit, 2*unit, 5*unit)
	}
	return append(all, time.Minute*10, time.Minute*30, time.Hour)
}

// minScript is the shortest script that a file can state.
const minScript = time.Second

// enough is the script of a few payments. The pair needs less for all it does.
const enough = 30 * time.Second

// plainRate is the rate of a few payments, per second.
const plainRate = 1

// plainRestart is how long a side stays down after a crash if the file does not say.
const plainRestart = time.Second

// cutLimit is the most drops of single packets that replace a loss rate or an outage:
// more of them would be harder to read.
const cutLimit = 3

// varied returns a copy of the smallest scenario so far with a change.
func (s *shrinker) varied(change func(*harness.Scenario)) harness.Scenario {
	sc := s.best.Scenario
	sc.Timeline = slices.Clone(sc.Timeline)
	for i, e := range sc.Timeline {
		if e.Link != nil {
			l := *e.Link
			sc.Timeline[i].Link = &l
		}
	}
	change(&sc)
	return sc
}

func (s *shrinker) fewerEvents() {
	minimise(s.best.Scenario.Timeline, func(parts [][]harness.Event) int {
		var list []harness.Scenario
		for _, p := range parts {
			list = append(list, s.varied(func(sc *harness.Scenario) { sc.Timeline = p }))
		}
		return s.first(list)
	})
}

// fewerPayments tries one payment, then more and more until a run fails, each time
// first with one wallet.
func (s *shrinker) fewerPayments() {
	if s.threshold() {
		return
	}
	w := s.best.Scenario.Workload
	if w.Payments > 1 && s.transplant(1) {
		return
	}
	sizes := []int{1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 192, 256, 384, 512, 768, 1000}
	var list []harness.Scenario
	for _, n := range sizes {
		if n >= w.Payments {
			break
		}
		list = append(list, s.withPayments(n)...)
		if n == 2 {
			if s.first(list) >= 0 || s.transplant(2) {
				return
			}
			list = nil
		}
	}
	s.first(list)
}

// withPayments returns the scenario with n payments, made by one wallet or by as many
// as there are, over the same time or at the same rate.
func (s *shrinker) withPayments(n int) []harness.Scenario {
	w := s.best.Scenario.Workload
	var list []harness.Scenario
	for _, wallets := range slices.Compact([]int{1, min(w.Wallets, n)}) {
		for _, rate := range slices.Compact([]float64{w.Rate * float64(n) / float64(w.Payments), w.Rate}) {
			list = append(list, s.varied(func(sc *harness.Scenario) {
				sc.Workload.Payments, sc.Workload.Wallets, sc.Workload.Rate = n, wallets, rate
			}))
		}
	}
	return list
}

// simplerWorkload tries simpler values for each setting of the workload in turn.
func (s *shrinker) simplerWorkload() {
	if s.threshold() {
		return
	}
	changes := []func(*harness.Workload){
		func(w *harness.Workload) { w.Wallets = 1 },
		func(w *harness.Workload) { w.Wallets = min(w.Wallets, w.Payments) },
		func(w *harness.Workload) { w.Wallets = (w.Wallets + 1) / 2 },
		func(w *harness.Workload) { w.Merchants = 1 },
		func(w *harness.Workload) { w.Rate = plainRate },
		func(w *harness.Workload) { w.Impatient, w.Presses = 0, 0 },
		func(w *harness.Workload) { w.Presses = min(w.Presses, 2) },
		func(w *harness.Workload) { w.Balance = 0 },
		func(w *harness.Workload) { w.Refusals = 0 },
		func(w *harness.Workload) { w.InTurn = false },
		func(w *harness.Workload) { w.Others = nil },
		func(w *harness.Workload) { w.AmountMax = w.AmountMin },
		func(w *harness.Workload) { w.AmountMin, w.AmountMax = unit(w.Currency), unit(w.Currency) },
	}
	for _, change := range changes {
		next := s.varied(func(sc *harness.Scenario) { change(&sc.Workload) })
		if !reflect.DeepEqual(next.Workload, s.best.Scenario.Workload) && (next.Length == 0 || next.Length >= next.Workload.Span()) {
			s.first([]harness.Scenario{next})
		}
	}
}

func unit(currency string) int64 {
	n := int64(1)
	for range harness.Exponent(currency) {
		n *= 10
	}
	return n
}

func (s *shrinker) simplerLinks() {
	s.simplerLink(func(sc *harness.Scenario) *harness.Profile { return &sc.Link })
	for i := range s.best.Scenario.Timeline {
		if s.best.Scenario.Timeline[i].Link != nil {
			s.simplerLink(func(sc *harness.Scenario) *harness.Profile { return sc.Timeline[i].Link })
		}
	}
}

func (s *shrinker) simplerLink(of func(*harness.Scenario) *harness.Profile) {
	for {
		sc := s.best.Scenario
		var list []harness.Scenario
		for _, p := range simpler(*of(&sc)) {
			list = append(list, s.varied(func(sc *harness.Scenario) { *of(sc) = p }))
		}
		if s.first(list) < 0 {
			return
		}
	}
}

// simpler returns links simpler than p, the simplest first.
func simpler(p harness.Profile) []harness.Profile {
	changes := []func(*harness.Path){
		func(p *harness.Path) { *p = harness.Path{} },
		func(p *harness.Path) { *p = harness.Path{Delay: 50 * time.Millisecond} },
		func(p *harness.Path) { *p = harness.Path{Delay: p.Delay} },
		func(p *harness.Path) { *p = harness.Path{Delay: p.Delay, Rate: p.Rate, Trace: p.Trace} },
		func(p *harness.Path) { p.Loss = harness.Loss{} },
		func(p *harness.Path) { p.Reorder = 0 },
		func(p *harness.Path) { p.Duplicate = 0 },
		func(p *harness.Path) { p.Corrupt = 0 },
		func(p *harness.Path) { p.MTU, p.MTUBlackhole = 0, false },
		func(p *harness.Path) { p.Jitter, p.Distribution, p.Correlation = 0, harness.Uniform, 0 },
		func(p *harness.Path) {
			p.Delay, p.Jitter, p.Distribution, p.Correlation, p.Reorder = 0, 0, harness.Uniform, 0, 0
		},
		func(p *harness.Path) { p.Rate, p.Trace, p.Limit, p.LimitTime = 0, nil, 0, 0 },
		func(p *harness.Path) { p.Limit, p.LimitTime = 0, 0 },
	}
	var list []harness.Profile
	for _, change := range changes {
		both, up, down := p, p, p
		both.Name, up.Name, down.Name = "", "", ""
		change(&both.Up)
		change(&both.Down)
		change(&up.Up)
		change(&down.Down)
		for _, next := range []harness.Profile{both, up, down} {
			if features(next) < features(p) {
				list = append(list, next)
			}
		}
	}
	return list
}

// features counts the settings of a link that are not zero.
func features(p harness.Profile) int {
	n := 0
	for _, path := range []harness.Path{p.Up, p.Down} {
		for _, v := range reflect.ValueOf(path).Fields() {
			if !v.IsZero() {
				n++
			}
		}
	}
	return n
}

// explicitLoss replaces random loss, and an outage, by drops of the packets that it
// lost, if a few drops are enough.
func (s *shrinker) explicitLoss() {
	sc := s.best.Scenario
	if l := sc.Link; l.Up.Loss != (harness.Loss{}) || l.Down.Loss != (harness.Loss{}) {
		s.cut(func(sc *harness.Scenario) {
			sc.Link.Name, sc.Link.Up.Loss, sc.Link.Down.Loss = "", harness.Loss{}, harness.Loss{}
		}, len(sc.Timeline)+cutLimit)
	}
	if sc.Workload.Payments > cutLimit {
		return // an outage loses packets of too many payments
	}
	for i, e := range sc.Timeline {
		if e.Action == harness.Blackhole {
			s.cut(func(sc *harness.Scenario) { sc.Timeline = slices.Delete(sc.Timeline, i, i+1) }, cutLimit)
			return // the packets of later events have other numbers now
		}
	}
}

// cut makes a change that removes losses, and adds drops of the packets that were lost.
// The change is undone if more than most events are left.
func (s *shrinker) cut(change func(*harness.Scenario), most int) {
	var drops []harness.Event
	for _, p := range s.points() {
		if p.Lost {
			t := p.Trigger
			drops = append(drops, harness.Event{Action: harness.Drop, On: t.Link, When: &t})
		}
	}
	before := *s
	s.quiet = true
	cut := s.varied(func(sc *harness.Scenario) {
		change(sc)
		sc.Timeline = append(slices.Clone(sc.Timeline), drops...)
		if len(drops) > 0 {
			sc.Length = max(sc.Length, s.report.Result.Took)
		}
	})
	if s.first([]harness.Scenario{cut}) >= 0 {
		s.fewerEvents()
	}
	s.quiet = false
	if len(s.best.Scenario.Timeline) > most {
		s.best, s.report, s.failure, s.clean, s.kept = before.best, before.report, before.failure, before.clean, before.kept
	}
	s.step(s.doing)
}

func (s *shrinker) points() []cases.Point {
	if s.report.Survey == nil {
		return nil
	}
	return s.report.Survey.Points
}

func (s *shrinker) simplerEvents() {
	few := s.best.Scenario.Workload.Payments <= cutLimit
	for i := range s.best.Scenario.Timeline {
		for {
			var list []harness.Scenario
			for _, e := range simplerEvent(s.best.Scenario.Timeline[i], few) {
				list = append(list, s.varied(func(sc *harness.Scenario) { sc.Timeline[i] = e }))
			}
			if s.first(list) < 0 {
				break
			}
		}
	}
}

// simplerEvent returns events that do less than e, those that do least first. With few
// payments, a drop of the first packet may replace an outage.
func simplerEvent(e harness.Event, few bool) []harness.Event {
	var list []harness.Event
	add := func(change func(*harness.Event)) {
		next := e
		change(&next)
		list = append(list, next)
	}
	if e.Action == harness.Blackhole && e.When != nil && few {
		add(func(e *harness.Event) { *e = harness.Event{Action: harness.Drop, On: e.When.Link, When: e.When} })
	}
	if e.Action == harness.Blackhole && e.Direction == harness.DirectionUnknown {
		add(func(e *harness.Event) { e.Direction = harness.Down })
		add(func(e *harness.Event) { e.Direction = harness.Up })
	}
	if e.Vanish {
		add(func(e *harness.Event) { e.Vanish = false })
	}
	if e.NewAddress {
		add(func(e *harness.Event) { e.NewAddress = false })
	}
	return list
}

// rounderTimes shortens the script and the events, and rounds their times.
func (s *shrinker) rounderTimes() {
	if s.best.Scenario.Settle > time.Minute {
		s.first([]harness.Scenario{s.varied(func(sc *harness.Scenario) { sc.Settle = time.Minute })})
	}
	for i := range s.best.Scenario.Timeline {
		s.shorter(func(sc *harness.Scenario) *time.Duration { return &sc.Timeline[i].For }, time.Second)
		s.shorter(func(sc *harness.Scenario) *time.Duration { return &sc.Timeline[i].By }, 0)
		s.shorter(func(sc *harness.Scenario) *time.Duration { return &sc.Timeline[i].Restart }, plainRestart)
		s.rounder(i)
	}
	s.shorter(func(sc *harness.Scenario) *time.Duration { return &sc.Length }, minScript)
}

// shorter tries round durations from least up to the present one, and then the whole
// seconds next to it.
func (s *shrinker) shorter(of func(*harness.Scenario) *time.Duration, least time.Duration) {
	sc := s.best.Scenario
	now := *of(&sc)
	if now == 0 {
		return
	}
	times := slices.DeleteFunc(roundTimes(), func(d time.Duration) bool { return d >= now })
	if floor := now.Truncate(time.Second); floor != now {
		times = append(times, floor, floor+time.Second)
	}
	var list []harness.Scenario
	for _, d := range times {
		next := s.varied(func(sc *harness.Scenario) { *of(sc) = d })
		fits := next.Length == 0 || next.Length >= next.Workload.Span() && next.Length > last(next)
		if d >= least && fits {
			list = append(list, next)
		}
	}
	s.first(list)
}

func last(sc harness.Scenario) time.Duration {
	var at time.Duration
	for _, e := range sc.Timeline {
		at = max(at, e.At)
	}
	return at
}

// rounder moves an event to the roundest instant at which the run fails.
func (s *shrinker) rounder(i int) {
	at := s.best.Scenario.Timeline[i].At
	var list []harness.Scenario
	for _, grain := range []time.Duration{10 * time.Second, time.Second, 100 * time.Millisecond, 10 * time.Millisecond, time.Millisecond} {
		if at%grain == 0 {
			break
		}
		for _, d := range []time.Duration{at.Truncate(grain), at.Truncate(grain) + grain} {
			next := s.varied(func(sc *harness.Scenario) { sc.Timeline[i].At = d })
			if next.Length == 0 || d < next.Length {
				list = append(list, next)
			}
		}
	}
	s.first(list)
}
