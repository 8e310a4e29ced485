package sweep

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
)

// Pairs of faults are made in the order of what the first fault brought about. First come
// second faults at points that the first one caused: connections opened again,
// retransmissions, further requests and commits. Then those at other packets that differ
// from the run without a fault, then those at points that are as in that run. If several
// first faults brought about the same, the pairs of one of them come before those of the
// others.

const classes = 6

// bare is the size of a TCP segment that carries at most an acknowledgement, in bytes: IP
// and TCP headers with timestamps and three SACK blocks (RFC 2018 section 3).
const bare = 80

// pairing is the pairs of a sweep.
type pairing struct {
	sweeper *sweeper
	known   map[place]bool // the points of the run without a fault
	firsts  []first
	total   int // pairs
}

// first is a first fault that failed nothing, and what its run was like.
type first struct {
	in     injection
	survey *cases.Survey
	again  bool // an earlier first brought about the same
}

// place identifies a point of a run: a packet by its number and size, or a commit by its
// number.
type place struct {
	trigger harness.Trigger
	size    int
	again   bool
}

func placeOf(p cases.Point) place { return place{p.Trigger, p.Size, p.Retransmit} }

// newPairing returns the pairs of the first faults that have a survey. base is the survey
// of the run without a fault.
func newPairing(s *sweeper, firsts []injection, surveys []*cases.Survey, base *cases.Survey) *pairing {
	p := &pairing{sweeper: s, known: make(map[place]bool, len(base.Points))}
	for _, at := range base.Points {
		p.known[placeOf(at)] = true
	}
	seen := map[string]bool{}
	for i, v := range surveys {
		if v == nil {
			continue
		}
		effect := p.effect(v)
		p.firsts = append(p.firsts, first{in: firsts[i], survey: v, again: seen[effect]})
		p.total += len(s.seconds(firsts[i], v))
		seen[effect] = true
	}
	return p
}

// effect describes the points of a run that the run without a fault did not have. It is
// the same for two runs that differ from that one in the same way.
func (p *pairing) effect(v *cases.Survey) string {
	var b strings.Builder
	for _, at := range v.Points {
		if !p.known[placeOf(at)] {
			fmt.Fprintln(&b, at.Client, at.Link, at.Direction, at.Size, at.Opens, at.Retransmit, at.Lost, at.Commit, at.Side)
		}
	}
	return b.String()
}

// class returns the class of a pair, from 0.
func (p *pairing) class(f first, second cases.Point) int {
	class := 0
	switch caused := !p.known[placeOf(second)]; {
	case !caused:
		class = 2
	case second.Commit == 0 && !second.Opens && !second.Retransmit && second.Size <= bare:
		class = 1
	}
	if f.again {
		class += classes / 2
	}
	return class
}

// inTurn yields the pairs of a class, one of each first fault in turn. Those of one first
// fault are at points far apart before they are at neighbouring ones, because neighbouring
// points mostly lead to the same.
func (p *pairing) inTurn(class int) iter.Seq[injection] {
	return func(yield func(injection) bool) {
		var lists [][]injection
		for _, f := range p.firsts {
			lists = append(lists, spread(slices.DeleteFunc(p.sweeper.seconds(f.in, f.survey), func(in injection) bool {
				return p.class(f, in.points[1]) != class
			})))
		}
		for n, more := 0, true; more; n++ {
			more = false
			for _, list := range lists {
				if n < len(list) {
					more = true
					if !yield(list[n]) {
						return
					}
				}
			}
		}
	}
}

// spread returns a list in another order: every part of the list comes early, by steps
// of the golden ratio.
func spread(list []injection) []injection {
	const golden = 0.6180339887498949
	type key struct {
		in injection
		at float64
	}
	var keys []key
	for i, in := range list {
		_, at := math.Modf(float64(i) * golden)
		keys = append(keys, key{in, at})
	}
	slices.SortFunc(keys, func(a, b key) int { return cmp.Compare(a.at, b.at) })
	for i, k := range keys {
		list[i] = k.in
	}
	return list
}

// run makes the pairs, at most limit of them if it is above 0. It returns how many it has
// left out because of the limit.
func (p *pairing) run(ctx context.Context, limit int) (left int) {
	made := 0
	p.sweeper.runAll(ctx, func(yield func(injection) bool) {
		for class := range classes {
			for in := range p.inTurn(class) {
				if limit > 0 && made == limit || !yield(in) {
					return
				}
				made++
			}
		}
	}, nil)
	if limit > 0 {
		left = max(0, p.total-limit)
	}
	return left
}
