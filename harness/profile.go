package harness

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/onebar/onebar/harness/delivery"
	"github.com/onebar/onebar/harness/enum"
)

// Direction is the way a packet travels, seen from the payer.
type Direction uint8

// The directions.
const (
	DirectionUnknown Direction = iota
	Up                         // client to server; toxiproxy calls it upstream
	Down                       // server to client; toxiproxy calls it downstream
)

const directionNames enum.Names = "unknown up down"

// String returns "up" or "down".
func (d Direction) String() string { return directionNames.Text(uint8(d)) }

// MarshalText implements encoding.TextMarshaler.
func (d Direction) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Direction) UnmarshalText(b []byte) error {
	v, err := directionNames.Parse("direction", b)
	*d = Direction(v)
	return err
}

// Path is what a link does to the packets of one direction. The zero Path is
// perfect: nothing is delayed, lost or limited. The words are those of tc-netem(8),
// except for the trace and the MTU.
type Path struct {
	Delay        time.Duration   `json:"delay,omitempty"`             // one way, not a round trip
	Jitter       time.Duration   `json:"jitter,omitempty"`            // how far the delay of a packet strays from Delay, see Distribution
	Distribution Distribution    `json:"distribution,omitempty"`      // of the jitter
	Correlation  float64         `json:"delay_correlation,omitempty"` // of a packet's jitter with that of the packet before, 0 to below 1
	Rate         int64           `json:"rate,omitempty"`              // bit/s; 0 is unlimited
	Trace        *delivery.Trace `json:"trace,omitempty"`             // in place of Rate; each link begins at a place of its own, by the seed
	Limit        int64           `json:"limit,omitempty"`             // bytes that may wait for Rate; 0 is one second's worth, at least 16 KiB
	LimitTime    time.Duration   `json:"limit_time,omitempty"`        // in place of Limit: how long a packet may wait for Rate
	Loss         Loss            `json:"loss,omitzero"`
	Reorder      float64         `json:"reorder,omitempty"`       // probability that a packet skips the delay and so overtakes
	Duplicate    float64         `json:"duplicate,omitempty"`     // probability that a packet arrives twice
	Corrupt      float64         `json:"corrupt,omitempty"`       // probability that one of its bits is flipped
	MTU          int             `json:"mtu,omitempty"`           // bytes; a larger packet is lost; 0 is no limit but the interfaces' 1500
	MTUBlackhole bool            `json:"mtu_blackhole,omitempty"` // and its sender is not told
}

// Distribution is how the jitter of a Path spreads.
type Distribution uint8

// The distributions. All have the mean 0.
const (
	Uniform Distribution = iota // over ± Jitter, netem's default
	Normal                      // Jitter is the standard deviation
	Pareto                      // netem's: Jitter · 4/3 · (X − 3/2), where X is Pareto with shape 3: mostly early, sometimes very late
)

const distributionNames enum.Names = "uniform normal pareto"

// String returns netem's name of the distribution.
func (d Distribution) String() string { return distributionNames.Text(uint8(d)) }

// MarshalText implements encoding.TextMarshaler.
func (d Distribution) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Distribution) UnmarshalText(b []byte) error {
	v, err := distributionNames.Parse("distribution", b)
	*d = Distribution(v)
	return err
}

// Spread returns the standard deviation of the jitter.
func (p Path) Spread() time.Duration {
	switch p.Distribution {
	case Normal:
		return p.Jitter
	case Pareto: // X has the variance 3/4
		return time.Duration(4.0 / 3 * math.Sqrt(0.75) * float64(p.Jitter))
	case Uniform:
	}
	return time.Duration(float64(p.Jitter) / math.Sqrt(3))
}

// Capacity returns the mean rate the path allows in bit/s, 0 if it has no limit.
func (p Path) Capacity() int64 {
	if p.Trace != nil {
		return p.Trace.Rate()
	}
	return p.Rate
}

// Loss says which packets are lost: each with probability P on its own
// (Bernoulli), or in bursts if GE is set. At most one of the two is set.
type Loss struct {
	P  float64  `json:"p,omitempty"` // probability, 0 to 1
	GE *GEModel `json:"gemodel,omitempty"`
}

// Mean returns the long-run share of packets lost, 0 to 1.
func (l Loss) Mean() float64 {
	if l.GE != nil {
		return l.GE.Mean()
	}
	return l.P
}

// Burst returns the long-run mean length of the runs of packets lost one after
// the other: 0 if none is lost, +Inf if all are. It is the share of packets lost
// over that of packets lost after one that was not, which is 1/(1-p) for
// Bernoulli loss and 1/r for netem's "loss gemodel p r" with 1-h = 1, 1-k = 0.
func (l Loss) Burst() float64 {
	mean, again := l.P, l.P*l.P // again: a packet is lost and the next one, too
	if g := l.GE; g != nil {
		if mean = g.Mean(); g.P+g.R == 0 {
			again = mean * mean
		} else {
			bad := g.P / (g.P + g.R)
			again = bad*g.LossBad*(g.R*g.LossGood+(1-g.R)*g.LossBad) +
				(1-bad)*g.LossGood*(g.P*g.LossBad+(1-g.P)*g.LossGood)
		}
	}
	if mean == 0 {
		return 0
	}
	return mean / max(0, mean-again)
}

// GEModel is Gilbert-Elliott loss with the parameters of netem's
// "loss gemodel p r 1-h 1-k". All are probabilities; P and R above 0.
// As in the kernel's loss_gilb_ell, a packet is lost by the state it meets, and
// then moves the chain one step.
type GEModel struct {
	P        float64 `json:"p"`             // good to bad
	R        float64 `json:"r"`             // bad to good
	LossBad  float64 `json:"1-h"`           // loss in the bad state, netem's 1-h
	LossGood float64 `json:"1-k,omitempty"` // loss in the good state, netem's 1-k
}

// Mean returns the stationary loss p/(p+r)·(1-h) + r/(p+r)·(1-k), see
// tc-netem(8).
func (g GEModel) Mean() float64 {
	if g.P+g.R == 0 {
		return g.LossGood
	}
	bad := g.P / (g.P + g.R)
	return bad*g.LossBad + (1-bad)*g.LossGood
}

// Profile is what a link does both ways. The zero Profile is a perfect link.
type Profile struct {
	Name string `json:"name,omitempty"` // the bundled or local profile it started from
	Up   Path   `json:"up"`
	Down Path   `json:"down"`
}

// Path returns the Path of direction d; d must be Up or Down.
func (p Profile) Path(d Direction) Path {
	if d == Up {
		return p.Up
	}
	return p.Down
}

// NeedsPackets is the error of an engine without CarryPackets, by its name, that is
// asked for the profile; nil if the profile does nothing to single packets. A queue
// limit does not: a stream that is sent too fast waits with its sender.
func (p Profile) NeedsPackets(engine string) error {
	var words []string
	for _, d := range []Direction{Up, Down} {
		path := p.Path(d)
		for _, w := range []struct {
			name  string
			share float64
		}{{"loss", path.Loss.Mean()}, {"reorder", path.Reorder}, {"duplicate", path.Duplicate}, {"corrupt", path.Corrupt}} {
			if w.share != 0 {
				words = append(words, fmt.Sprintf("%s of %.3g%% %s", w.name, 100*w.share, d))
			}
		}
		if path.MTU != 0 {
			words = append(words, fmt.Sprintf("an MTU of %d %s", path.MTU, d))
		}
	}
	if len(words) == 0 {
		return nil
	}
	return fmt.Errorf("%s cannot be done by the %s engine: a byte stream has no packets to lose, "+
		"and bytes dropped from it would be a hole that TCP never leaves; use --engine packet", strings.Join(words, " and "), engine)
}
