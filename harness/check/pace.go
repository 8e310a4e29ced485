package check

import (
	"math"
	"time"

	"github.com/onebar/onebar/harness"
)

const (
	// delayNats is -ln of the probability that the delays of one direction of a
	// phase, all of them right, seem too short: one in a million.
	delayNats = 13.8
	// and what a mean delay may be short of by this much, or this share.
	shortTime  = time.Millisecond
	shortShare = 0.01
	// fullPacket is what a packet at the boundary of a phase may bring ahead of
	// a rate, in bytes.
	fullPacket = 1500
)

// delays wants no mean delay to be below what was asked: that of the path, after
// what it takes the rate to send the packet and those before it. It may well be
// above, since jittered packets wait for those before them. Jitter has the mean
// 0, and a packet that skips the delay to overtake has none.
func (j *Judge) delays(a *answer) {
	j.each(func(s *stretch, w way) {
		n := w.met.delivered
		if n == 0 {
			return
		}
		got := w.met.way / time.Duration(n)
		asked := time.Duration(float64(w.Delay)*(1-w.Reorder)) + w.met.soonest/time.Duration(n)
		if got < asked-w.tolerance(n, asked) {
			doubtful(a, s.line, "phase %q delayed packets %s by %s on average, asked was %s",
				s.Name, w.Direction, got.Round(100*time.Microsecond), asked.Round(100*time.Microsecond))
		}
	})
}

// tolerance is how far the mean delay of n packets may lie below what was
// asked: Bernstein's inequality, with the variance of jitter that is correlated
// from packet to packet (that of the mean of a first-order autoregression) and
// of skipping the delay.
func (w way) tolerance(n int64, asked time.Duration) time.Duration {
	delay, spread := float64(w.Delay), float64(w.Spread())
	variance := spread * spread * (1 + w.Correlation) / (1 - w.Correlation)
	least := float64(w.Jitter) // the farthest that one packet may stray down
	if w.Reorder > 0 {
		variance += w.Reorder * (1 - w.Reorder) * delay * delay
		least += delay
	}
	packets := float64(n)
	chance := math.Sqrt(2*variance*delayNats/packets) + delayNats*least/(3*packets)
	return time.Duration(chance+slack*float64(asked)/packets+shortShare*float64(asked)) + shortTime
}

// airtime is how long the path's rate takes to send so many bytes.
func airtime(p *harness.Path, bytes int64) time.Duration {
	if p.Rate <= 0 || p.Trace != nil {
		return 0
	}
	return time.Duration(float64(bytes) * 8 / float64(p.Rate) * float64(time.Second))
}

// rates wants no link to have been faster than asked.
func (j *Judge) rates(a *answer) {
	j.each(func(s *stretch, w way) {
		if w.met.fast > slack {
			doubtful(a, s.line, "phase %q was too fast %s: %s came sooner than %d bit/s allow",
				s.Name, w.Direction, plural(int(w.met.fast), "packet"), w.Rate)
		}
	})
}

// pace lets a packet pass a link of the path's rate that serves one after the
// other and never rests while it has work, and counts it if it arrived sooner.
// It returns how long after it was offered the packet left that link. No link can
// be faster, whatever it does besides, as long as packets are counted in the
// order in which they arrive; where they overtake, each is taken alone.
func (l *lane) pace(t *tally, path *harness.Path, p *harness.Packet, arrived time.Duration) time.Duration {
	if path.Rate <= 0 || path.Trace != nil || path.Reorder > 0 {
		return airtime(path, int64(p.Size)) // it may have overtaken packets that are paced
	}
	l.free = max(l.free, p.At)
	l.free += airtime(path, int64(p.Size))
	soonest := l.free - p.At
	if l.free > arrived+airtime(path, fullPacket)+shortTime {
		t.fast++
		l.free = arrived
	}
	return soonest
}
