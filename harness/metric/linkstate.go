package metric

import (
	"time"

	"github.com/onebar/onebar/harness"
)

// linkState is what is remembered of one direction of one link.
type linkState struct {
	window  window
	carries int   // the last phase in which it delivered something
	highest int64 // number of the last offered of the packets that have arrived
	lost    int64 // number of the packet last lost at random
	lostIn  int   // its phase
}

func (l *phases) state(client int, up bool) *linkState {
	w, isNew := l.states.Of(client, up)
	if isNew {
		w.window.phase, w.carries = -1, -1
	}
	return w
}

// arrive counts an arrival of a packet that was offered in a phase, whose counts
// is t. Records are written at the arrival, so their order is that of arrivals.
func (l *linkState) arrive(t *counts, phase int, p *harness.Packet) {
	if phase > l.carries {
		l.carries = phase
		t.links++
	}
	t.PeakRate = max(t.PeakRate, l.window.add(phase, p.At+p.Delay, p.Size))
	if p.Copy {
		return
	}
	if p.N < l.highest && p.N > 0 {
		t.Reordered++
	}
	l.highest = max(l.highest, p.N)
}

// lose counts the random loss of packet n. Losses are written when the packet is
// offered, so they come by number.
func (l *linkState) lose(t *counts, phase int, n int64) {
	if n != l.lost+1 || phase != l.lostIn || l.lost == 0 {
		t.Bursts++
	}
	l.lost, l.lostIn = n, phase
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
