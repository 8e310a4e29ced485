package shrink

import (
	"cmp"
	"reflect"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/fault"
)

// transplant replaces the workload by n payments at the plain rate and moves the events
// to the packets and commits of these: another workload does something else at the
// events' times. It tries each point for one event and pairs of points for two, and
// reports whether a run failed.
func (s *shrinker) transplant(n int) bool {
	kinds := s.kinds()
	for _, wallets := range slices.Compact([]int{1, min(n, s.best.Scenario.Workload.Wallets)}) {
		for _, link := range s.links() {
			bare := s.varied(func(sc *harness.Scenario) {
				sc.Link, sc.Timeline, sc.Length = link, nil, enough
				w := &sc.Workload
				w.Payments, w.Wallets, w.Merchants, w.Rate = n, wallets, 1, plainRate
			})
			if s.first([]harness.Scenario{bare}) >= 0 || s.first(s.planted(bare, kinds)) >= 0 || s.pairs(bare, kinds) {
				return true
			}
		}
	}
	return false
}

// links returns the scenario's link without what is random, and then the link itself.
func (s *shrinker) links() []harness.Profile {
	full := s.best.Scenario.Link
	plain := full
	for _, p := range []*harness.Path{&plain.Up, &plain.Down} {
		*p = harness.Path{Delay: p.Delay, Rate: p.Capacity()}
	}
	if reflect.DeepEqual(full, plain) {
		return []harness.Profile{full}
	}
	plain.Name = ""
	return []harness.Profile{plain, full}
}

// kinds returns the different events of the timeline, without their times. If the
// timeline or the link loses or delays packets, outages are added.
func (s *shrinker) kinds() []harness.Event {
	var kinds []harness.Event
	add := func(e harness.Event) {
		e.At, e.When, e.Line = 0, nil, 0
		if !slices.ContainsFunc(kinds, func(k harness.Event) bool { return reflect.DeepEqual(k, e) }) {
			kinds = append(kinds, e)
		}
	}
	link := s.best.Scenario.Link
	loses := !reflect.DeepEqual(s.links()[0], link)
	for _, e := range s.best.Scenario.Timeline {
		add(e)
		switch e.Action {
		case harness.SetLink, harness.Blackhole, harness.Drop, harness.CrossTraffic:
			loses = true
		default:
		}
	}
	for _, d := range []harness.Direction{harness.Down, harness.Up, harness.DirectionUnknown} {
		for _, lasts := range []time.Duration{5 * time.Second, 20 * time.Second} {
			if loses {
				add(harness.Event{Action: harness.Blackhole, Direction: d, For: lasts})
			}
		}
	}
	return kinds
}

// planted returns the scenario with each of some events at each point of its run.
func (s *shrinker) planted(sc harness.Scenario, kinds []harness.Event) []harness.Scenario {
	survey := s.surveyed(sc)
	if survey == nil {
		return nil
	}
	var list []harness.Scenario
	for _, k := range kinds {
		points := slices.Clone(survey.Points)
		if k.Direction != harness.DirectionUnknown { // packets that it can hit come first
			away := func(p cases.Point) int {
				if p.Direction != k.Direction {
					return 1
				}
				return 0
			}
			slices.SortStableFunc(points, func(a, b cases.Point) int {
				return cmp.Compare(away(a), away(b))
			})
		}
		for _, p := range points {
			if e, ok := at(k, p); ok {
				next := sc
				next.Timeline = append(slices.Clone(sc.Timeline), e)
				list = append(list, next)
			}
		}
	}
	return list
}

// at returns an event that begins at a point, and reports whether it can.
func at(e harness.Event, p cases.Point) (harness.Event, bool) {
	t := p.Trigger
	e.At, e.When = 0, &t
	if e.Action == harness.Drop {
		e.On = t.Link
	}
	if p.Commit > 0 {
		f, _ := fault.Of(e.Action)
		return e, f.Starts&fault.AtCommit != 0 && e.Side == p.Side
	}
	return e, true
}

// pairs tries two events, if the timeline has several.
func (s *shrinker) pairs(bare harness.Scenario, kinds []harness.Event) bool {
	if len(s.best.Scenario.Timeline) < 2 {
		return false
	}
	kinds = kinds[:min(len(kinds), len(s.best.Scenario.Timeline))]
	most := s.tried + (s.options.Runs-s.tried)/2
	for _, one := range s.planted(bare, kinds) {
		if s.tried > most || s.ended != "" {
			return false
		}
		if s.first(s.planted(one, kinds)) >= 0 {
			return true
		}
	}
	return false
}

// triggers has events that begin at a time begin at a packet or a commit, the nearest in
// time first: they then do not depend on how fast everything before them was.
func (s *shrinker) triggers() {
	if s.best.Scenario.Workload.Payments > cutLimit {
		return
	}
	for i, e := range s.best.Scenario.Timeline {
		survey := s.report.Survey
		if e.When != nil && e.At == 0 || e.Action == harness.Heal || survey == nil || i >= len(survey.Began) {
			continue
		}
		began := survey.Began[i]
		if began < 0 { // a link: its instant is from the start of the script
			began = e.At
		}
		points := slices.Clone(survey.Points)
		slices.SortStableFunc(points, func(a, b cases.Point) int {
			return cmp.Compare((a.At - began).Abs(), (b.At - began).Abs())
		})
		var list []harness.Scenario
		for _, p := range points {
			if next, ok := at(e, p); ok {
				list = append(list, s.varied(func(sc *harness.Scenario) {
					sc.Timeline[i] = next
					sc.Length = max(sc.Length, e.At+e.For+e.Restart, minScript)
				}))
			}
		}
		s.first(list)
	}
}
