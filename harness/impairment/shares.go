package impairment

import (
	"github.com/onebar/onebar/harness"
)

// kind is something that a link does to a packet at random.
type kind struct {
	noun  string // it was "as asked"
	shown string // there are too few packets "to show" it
	verb  string // the link "did" it to packets
}

func kinds() [4]kind {
	return [4]kind{
		{"loss", "a loss", "lost"},
		{"reordering", "reordering", "let overtake"},
		{"duplicates", "duplicates", "duplicated"},
		{"corruption", "corruption", "corrupted"},
	}
}

// draw is how often a link did something at random in one direction of a phase.
type draw struct {
	s    *phase
	d    direction
	kind int     // index in kinds
	k, n int64   // so many of so many packets
	p    float64 // the probability asked
	loss harness.Loss
}

// shares compares the random losses, reorderings, duplicates and corruptions with their
// probabilities. It says which were as asked, and for which there were too few packets.
func (l *Links) shares(found *doubts) (said []string) {
	draws := l.draws()
	tests := 0
	for _, d := range draws {
		if d.p > 0 {
			tests++
		}
	}
	var judged, few [4]map[int32]bool
	for i := range judged {
		judged[i], few[i] = map[int32]bool{}, map[int32]bool{}
	}
	for _, d := range draws {
		if d.p > 0 && float64(d.n)*d.p < 1 {
			few[d.kind][d.s.Line] = true
		} else if d.p > 0 {
			judged[d.kind][d.s.Line] = true
		}
		if !d.asAsked(shareAlpha / float64(max(tests, 1))) {
			found.add(d.s.Line, "phase %q %s %d of %d packets %s (%.2f %%), asked was %.2f %%",
				d.s.Name, kinds()[d.kind].verb, d.k, d.n, d.d.Direction, 100*float64(d.k)/float64(d.n), 100*d.p)
		}
	}
	for i, k := range kinds() {
		if n := len(judged[i]); n > 0 {
			said = append(said, k.noun+" as asked in "+harness.Plural(n, "phase"))
		}
		if n := len(few[i]); n > 0 {
			said = append(said, "too few packets in "+harness.Plural(n, "phase")+" to show "+k.shown)
		}
	}
	return said
}

// draws lists what can be compared. A link draws loss for every packet that it
// did not refuse before, and the rest for those it then accepted.
func (l *Links) draws() []draw {
	var all []draw
	chances := l.chances()
	l.each(func(s *phase, d direction) {
		m, path := d.counts, d.Path
		if d.outage || m.drawn() == 0 {
			return
		}
		add := func(kind int, k, n int64, p float64) {
			if n > 0 {
				all = append(all, draw{s: s, d: d, kind: kind, k: k, n: n, p: p})
			}
		}
		all = append(all, draw{s, d, 0, m.lost, m.drawn(), d.Loss.Mean(), d.Loss})
		if path.Reorder == 0 {
			add(1, m.overtook, m.delivered, 0)
		} else if !d.queued() {
			add(1, chances[m].taken, chances[m].had, path.Reorder)
		}
		// A queue that is full refuses copies, too.
		if accepted := m.delivered + m.stopped; m.queue == 0 || float64(m.copied) > float64(accepted)*path.Duplicate {
			add(2, m.copied, accepted, path.Duplicate)
		}
		add(3, m.corrupted, m.delivered, path.Corrupt)
	})
	return all
}

// asAsked reports whether k of n packets fit the probability asked. Packets lost
// in bursts count as fewer, independent ones.
func (d draw) asAsked(alpha float64) bool {
	k, n := d.k, d.n
	if mean := float64(n) * d.p; float64(k) > mean {
		k = max(k-slack, int64(mean))
	} else {
		k = min(k+slack, int64(mean))
	}
	c := clumping(d.loss)
	n, k = int64(float64(n)/c), int64(float64(k)/c+0.5)
	return !implausible(min(k, n), n, d.p, alpha)
}
