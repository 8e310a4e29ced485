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
	from time.Duration
	to   time.Duration // when it ends; 0 is at the heal
}

// occurrences unrolls the timeline: periodic events repeat until the end of the
// script, and each occurrence is moved by its jitter. They are in the order of
// their beginning.
func occurrences(sc harness.Scenario, r *rand.Rand) []occurrence {
	end := sc.Duration()
	var list []occurrence
	for i, e := range sc.Timeline {
		for at := e.At; ; at += e.Every {
			if e.Every > 0 && at >= end && at > e.At {
				break
			}
			o := occurrence{event: i, Event: e, from: at}
			if e.Jitter > 0 {
				o.from = max(0, at-e.Jitter+time.Duration(r.Int64N(int64(2*e.Jitter))))
			}
			if d := e.For + e.Restart; d > 0 {
				o.to = o.from + d
			}
			list = append(list, o)
			if e.Every <= 0 {
				break
			}
		}
	}
	slices.SortStableFunc(list, func(a, b occurrence) int { return cmp.Compare(a.from, b.from) })
	return list
}
