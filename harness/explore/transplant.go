package explore

import (
	"cmp"
	"reflect"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/fault"
)

// transplant moves the events to the packets and commits of n payments pressed at
// the plain rate: an instant of the script means nothing to another workload, but what was
// going on then does. It tries every point for one event, and pairs of points for
// two, and reports whether one of them failed.
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

// links returns the scenario's link without what only chance explains, and as it
// is.
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

// kinds returns the different events of the timeline, without their moments. If
// packets are lost or held up there, or on the link, outages are among them.
func (s *shrinker) kinds() []harness.Event {
	var kinds []harness.Event
	add := func(e harness.Event) {
		e.At, e.When, e.Line = 0, nil, 0
		if !slices.ContainsFunc(kinds, func(k harness.Event) bool { return reflect.DeepEqual(k, e) }) {
			kinds = append(kinds, e)
		}
	}
	link := s.best.Scenario.Link
	starves := !reflect.DeepEqual(s.links()[0], link)
	for _, e := range s.best.Scenario.Timeline {
		add(e)
		switch e.Action {
		case harness.SetLink, harness.Blackhole, harness.Drop, harness.CrossTraffic:
			starves = true
		default:
		}
	}
	for _, d := range []harness.Direction{harness.Down, harness.Up, harness.DirectionUnknown} {
		for _, lasts := range []time.Duration{5 * time.Second, 20 * time.Second} {
			if starves {
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
		if k.Direction != harness.DirectionUnknown { // what it hits comes first
			slices.SortStableFunc(points, func(a, b Point) int {
				return cmp.Compare(btoi(a.Direction != k.Direction), btoi(b.Direction != k.Direction))
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

func btoi(v bool) int {
	if v {
		return 1
	}
	return 0
}

// at returns an event that begins at a point, and whether there can be one.
func at(e harness.Event, p Point) (harness.Event, bool) {
	t := p.Trigger
	e.At, e.When = 0, &t
	if p.Commit > 0 {
		f, _ := fault.Of(e.Action)
		return e, f.Starts&fault.AtCommit != 0 && e.Side == p.Side
	}
	return e, true
}

// pairs tries two of the events of the timeline in their order, if it has several.
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

// triggers turns events begun by the clock into events begun by a packet or a
// commit, those nearest to their instant first: they do not depend on how fast
// everything before them was.
func (s *shrinker) triggers() {
	if s.best.Scenario.Workload.Payments > cutLimit {
		return
	}
	for i, e := range s.best.Scenario.Timeline {
		survey := s.report.Survey
		if e.When != nil || e.Action == harness.Heal || survey == nil || i >= len(survey.Began) {
			continue
		}
		began := survey.Began[i]
		if began < 0 { // a link: its instant is from the start of the script
			began = e.At
		}
		points := slices.Clone(survey.Points)
		slices.SortStableFunc(points, func(a, b Point) int {
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
