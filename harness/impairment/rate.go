package impairment

import (
	"math"
	"time"

	"github.com/onebar/onebar/harness"
)

const (
	// delayNats is -ln of the probability that the delays of one direction of a
	// phase, all of them right, seem too short: one in a million.
	delayNats = 13.8
	// A mean delay may also be too short by shortTime plus shortShare of it.
	shortTime  = time.Millisecond
	shortShare = 0.01
	// fullPacket is how many bytes may pass above the rate at the boundary of a phase.
	fullPacket = 1500
)

// delays finds the directions whose mean delay is below what was asked: the delay of the
// path plus the time that the rate needs for the packet and those before it. The mean
// may be higher, because jittered packets wait for those before them. The mean of the
// jitter is 0, and a reordered packet skips the delay.
func (l *Links) delays(found *doubts) {
	l.each(func(s *phase, d direction) {
		n := d.counts.delivered
		if n == 0 {
			return
		}
		got := d.counts.delay / time.Duration(n)
		asked := time.Duration(float64(d.Delay)*(1-d.Reorder)) + d.counts.soonest/time.Duration(n)
		if got < asked-d.tolerance(n, asked) {
			found.add(s.Line, "phase %q delayed packets %s by %s on average, asked was %s",
				s.Name, d.Direction, got.Round(100*time.Microsecond), asked.Round(100*time.Microsecond))
		}
	})
}

// tolerance is how far the mean delay of n packets may lie below what was
// asked: Bernstein's inequality, with the variance of jitter that is correlated
// from packet to packet (that of the mean of a first-order autoregression) and
// of skipping the delay.
func (d direction) tolerance(n int64, asked time.Duration) time.Duration {
	delay, spread := float64(d.Delay), float64(d.Spread())
	variance := spread * spread * (1 + d.Correlation) / (1 - d.Correlation)
	least := float64(d.Jitter) // the farthest that one packet may stray down
	if d.Reorder > 0 {
		variance += d.Reorder * (1 - d.Reorder) * delay * delay
		least += delay
	}
	packets := float64(n)
	chance := math.Sqrt(2*variance*delayNats/packets) + delayNats*least/(3*packets)
	return time.Duration(chance+slack*float64(asked)/packets+shortShare*float64(asked)) + shortTime
}

// serialization is how long the path's rate takes to send so many bytes.
func serialization(p *harness.Path, bytes int64) time.Duration {
	if p.Rate <= 0 || p.Trace != nil {
		return 0
	}
	return time.Duration(float64(bytes) * 8 / float64(p.Rate) * float64(time.Second))
}

func (l *Links) rates(found *doubts) {
	l.each(func(s *phase, d direction) {
		if d.counts.fast > slack {
			found.add(s.Line, "phase %q was too fast %s: %s came sooner than %d bit/s allow",
				s.Name, d.Direction, harness.Plural(d.counts.fast, "packet"), d.Rate)
		}
	})
}

// pace models a link of the path's rate that sends packets one after the other without
// a pause, and counts the packet as too fast if it arrived sooner than the model says.
// It returns how long after its offer the packet left the model. No link of that rate
// can be faster if packets are counted in the order of arrival. A link that reorders is
// modelled for each packet alone.
func (l *linkState) pace(t *counts, path *harness.Path, p *harness.Packet, arrived time.Duration) time.Duration {
	if path.Rate <= 0 || path.Trace != nil || path.Reorder > 0 {
		return serialization(path, int64(p.Size)) // it may have overtaken packets that are paced
	}
	l.free = max(l.free, p.At)
	l.free += serialization(path, int64(p.Size))
	soonest := l.free - p.At
	if l.free > arrived+serialization(path, fullPacket)+shortTime {
		t.fast++
		l.free = arrived
	}
	return soonest
}
