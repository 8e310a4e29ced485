package run

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
)

// occurrence is one time that an event of the timeline happens. Offsets are
// from the start of the script.
type occurrence struct {
	event int // index in Scenario.Timeline
	harness.Event
	from   time.Duration
	to     time.Duration // when it ends; 0 is at the heal
	chosen []int         // the wallets that it acts on, once it has begun; nil is all
}

// on reports whether it acts on a link, and on the wallet if the link is an access link.
func (o *occurrence) on(link string, wallet int) bool {
	return o.On == link && (o.chosen == nil || slices.Contains(o.chosen, wallet))
}

// occur makes the occurrence of an event at an offset. A crash always ends: with a restart
// after no time, a nanosecond later.
func occur(i int, e harness.Event, from time.Duration) occurrence {
	o := occurrence{event: i, Event: e, from: from}
	if d := e.For + e.Restart; d > 0 {
		o.to = o.from + d
	} else if e.Action == harness.Crash {
		o.to = o.from + 1
	}
	return o
}

// occurrences unrolls the timeline: periodic events repeat until the end of the
// script, and each occurrence is moved by its jitter. They are in the order of
// their beginning.
func occurrences(sc harness.Scenario, r *rand.Rand) []occurrence {
	end := sc.Duration()
	var list []occurrence
	for i, e := range sc.Timeline {
		if e.When != nil {
			if e.At > 0 {
				list = append(list, occurrence{event: i, Event: e, from: e.At}) // its trigger counts from then on
			}
			continue
		}
		for at := e.At; ; at += e.Every {
			if e.Every > 0 && at >= end && at > e.At {
				break
			}
			from := at
			if e.Jitter > 0 {
				from = max(0, at-e.Jitter+time.Duration(r.Int64N(int64(2*e.Jitter))))
			}
			list = append(list, occur(i, e, from))
			if e.Every <= 0 {
				break
			}
		}
	}
	slices.SortStableFunc(list, func(a, b occurrence) int { return cmp.Compare(a.from, b.from) })
	return list
}

// Unroll returns the scenario with one event for each occurrence that a run with the seed
// has, in order. No event is periodic, has jitter, or lasts beyond the script, and the
// length of the script is set.
func Unroll(sc harness.Scenario, seed uint64) harness.Scenario {
	end := sc.Duration()
	sc.Length = end
	var events []harness.Event
	for _, e := range sc.Timeline {
		if e.When != nil {
			events = append(events, e)
		}
	}
	for _, o := range occurrences(sc, harness.Rand(seed, harness.StreamTimeline)) {
		if o.from > end || o.When != nil {
			continue // it does not happen, or is there already
		}
		e := o.Event
		e.At, e.Every, e.Jitter = o.from, 0, 0
		e.For, e.Restart = min(e.For, end-e.At), min(e.Restart, end-e.At)
		events = append(events, e)
	}
	sc.Timeline = events
	return sc
}
