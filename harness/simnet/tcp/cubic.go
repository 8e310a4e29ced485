package tcp

import (
	"math"
	"time"
)

// The constants of CUBIC, RFC 9438 sections 4.6 and 5, and the initial window of
// RFC 6928. Windows are in segments.
const (
	cubicC        = 0.4
	cubicBeta     = 0.7
	initialWindow = 10
)

// cubic is the congestion control of RFC 9438 with the slow start of RFC 5681.
type cubic struct {
	window    float64
	threshold float64
	top       float64       // W_max
	epoch     time.Duration // when this congestion avoidance began, 0 if it has not
	origin    float64       // where the plateau is
	k         float64       // seconds from the epoch to it
	friendly  float64       // W_est, what Reno would have

	round   int64         // this round trip ends when this sequence number is acknowledged
	low     time.Duration // the shortest sample of it
	samples int
}

func newCubic() cubic { return cubic{window: initialWindow, threshold: math.MaxInt32} }

// grow takes acked segments more that were acknowledged at now.
func (c *cubic) grow(acked float64, now, srtt time.Duration) {
	if c.window < c.threshold {
		n := min(acked, max(c.threshold-c.window, 0))
		c.window += n
		if acked -= n; acked <= 0 {
			return
		}
	}
	if c.epoch == 0 {
		c.epoch, c.k, c.origin, c.friendly = now, 0, c.window, c.window
		if c.window < c.top {
			c.k, c.origin = math.Cbrt((c.top-c.window)/cubicC), c.top
		}
	}
	t := (now - c.epoch + srtt).Seconds() - c.k
	target := min(max(c.origin+cubicC*t*t*t, c.window), 1.5*c.window)
	c.friendly += 3 * (1 - cubicBeta) / (1 + cubicBeta) * acked / c.window
	c.window = max(c.window+(target-c.window)/c.window*acked, c.friendly)
}

// HyStart, as Linux does it (Ha and Rhee, "Taming the elephants", 2011): slow start
// ends when the first samples of a round trip are all longer than the shortest one
// ever by an eighth, that is when a queue builds up.
const (
	hystartWindow  = 16 // segments, from which on
	hystartSamples = 8
	hystartLeast   = 4 * time.Millisecond
	hystartMost    = 16 * time.Millisecond
)

// brake takes a sample of the round trip, the shortest one ever, and how far what
// was sent has come.
func (c *cubic) brake(sample, least time.Duration, una, nxt int64) {
	if c.window >= c.threshold || c.window < hystartWindow {
		return
	}
	if una > c.round {
		c.round, c.low, c.samples = nxt, sample, 0
	}
	c.low = min(c.low, sample)
	if c.samples++; c.samples > hystartSamples && c.low > least+min(max(least/8, hystartLeast), hystartMost) {
		c.threshold = c.window
	}
}

// reduce answers a loss: the threshold falls, and W_max is what was reached.
func (c *cubic) reduce() {
	c.epoch = 0
	if c.window < c.top {
		c.top = c.window * (1 + cubicBeta) / 2
	} else {
		c.top = c.window
	}
	c.threshold = max(2, c.window*cubicBeta)
}
