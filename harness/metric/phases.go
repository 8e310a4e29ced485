package metric

import (
	"math"
	"time"

	"github.com/onebar/onebar/harness"
)

// phases is what the packets of a run met.
type phases struct {
	list  []phase
	peaks map[linkWay]*window
	all   phase // of the whole run
	rtx   int64 // packets sent again
}

// phase is one phase, both ways.
type phase struct {
	harness.Phase
	from     time.Duration
	up, down tally
}

// linkWay is one direction of one payer's link.
type linkWay struct {
	client int
	up     bool
}

// tally is a Realised in the making.
type tally struct {
	harness.Realised
	mean, squares float64       // of the delay in nanoseconds, by Welford's recurrence
	late          time.Duration // sum
}

func (l *phases) begin(at time.Duration, p harness.Phase) {
	l.list = append(l.list, phase{Phase: p, from: at})
}

// packet counts p in the phase that was in force when it was offered, which
// may have ended by now. A packet from before the first phase counts for the
// run only.
func (l *phases) packet(p harness.Packet) {
	if p.Retransmit {
		l.rtx++
	}
	up := p.Direction != harness.Down
	l.all.way(up).add(p)
	i := len(l.list) - 1
	for i > 0 && l.list[i].from > p.At {
		i--
	}
	if i < 0 {
		return
	}
	t := l.list[i].way(up)
	t.add(p)
	if p.Drop == harness.DropNone {
		rate := l.window(linkWay{p.Client, up}).add(i, p.At+p.Delay, p.Size)
		t.PeakRate = max(t.PeakRate, rate)
	}
}

func (p *phase) way(up bool) *tally {
	if up {
		return &p.up
	}
	return &p.down
}

func (t *tally) add(p harness.Packet) {
	t.Offered++
	t.Bytes += int64(p.Size)
	switch p.Drop {
	case harness.DropNone:
		t.Delivered++
		d := float64(p.Delay)
		before := d - t.mean
		t.mean += before / float64(t.Delivered)
		t.squares += before * (d - t.mean)
		t.late += p.Late
	case harness.DropLoss:
		t.Lost++
	case harness.DropOutage:
		t.Outage++
	case harness.DropQueue:
		t.Queue++
	case harness.DropStopped:
	}
}

// realised finishes the averages. The standard deviation is that of the packets
// there were, not an estimate for others: squares/n.
func (t tally) realised() harness.Realised {
	r := t.Realised
	if n := r.Delivered; n > 0 {
		r.DelayMean = time.Duration(math.Round(t.mean))
		r.DelaySD = time.Duration(math.Round(math.Sqrt(t.squares / float64(n))))
		r.LateMean = t.late / time.Duration(n)
	}
	return r
}

// blink is the length of the phases between changes made in one go: one that no
// packet met is not worth showing.
const blink = time.Millisecond

// stats returns the phases; the last one ends at end.
func (l *phases) stats(end time.Duration) []harness.PhaseStat {
	var all []harness.PhaseStat
	for i, p := range l.list {
		s := harness.PhaseStat{Phase: p.Phase, From: p.from, To: end, Up: p.up.realised(), Down: p.down.realised()}
		if i+1 < len(l.list) {
			s.To = l.list[i+1].from
		}
		if s.To-s.From < blink && s.Up.Offered+s.Down.Offered == 0 {
			continue
		}
		all = append(all, s)
	}
	return all
}

func (l *phases) window(k linkWay) *window {
	w := l.peaks[k]
	if w == nil {
		if l.peaks == nil {
			l.peaks = make(map[linkWay]*window)
		}
		w = &window{phase: -1}
		l.peaks[k] = w
	}
	return w
}

// A window of a second slides over the arrivals on one link in steps of 100 ms.
// It is never longer than a second, and less than a step shorter: a peak is
// never too high, and at least the most that arrived in any 0.9 s.
const (
	step  = 100 * time.Millisecond
	steps = int64(time.Second / step)
)

type window struct {
	phase  int
	latest int64        // the step of the latest arrival, since offset 0
	bytes  [steps]int64 // by step modulo steps
	sum    int64
}

// add counts an arrival of a packet offered in a phase and returns the bits that
// arrived in the window that ends with it. Links deliver in order, so once a
// packet of a later phase has arrived, none of an earlier one is expected.
func (w *window) add(phase int, at time.Duration, size int) float64 {
	now := int64(at / step)
	switch {
	case phase < w.phase || phase == w.phase && now <= w.latest-steps:
		return 0
	case phase > w.phase:
		*w = window{phase: phase, latest: now}
	case now >= w.latest+steps:
		w.bytes, w.sum, w.latest = [steps]int64{}, 0, now
	}
	for w.latest < now {
		w.latest++
		w.sum -= w.bytes[w.latest%steps]
		w.bytes[w.latest%steps] = 0
	}
	w.bytes[max(now, 0)%steps] += int64(size)
	w.sum += int64(size)
	return float64(w.sum) * 8
}
