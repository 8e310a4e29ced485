package harness

import "time"

// Direction is the way a packet travels, seen from the payer.
type Direction uint8

// The directions.
const (
	DirectionUnknown Direction = iota
	Up                         // client to server; toxiproxy calls it upstream
	Down                       // server to client; toxiproxy calls it downstream
)

const directionNames names = "unknown up down"

// String returns "up" or "down".
func (d Direction) String() string { return directionNames.text(uint8(d)) }

// MarshalText implements encoding.TextMarshaler.
func (d Direction) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Direction) UnmarshalText(b []byte) error {
	v, err := directionNames.parse("direction", b)
	*d = Direction(v)
	return err
}

// Path is what a link does to the packets of one direction. The zero Path is
// perfect: nothing is delayed, lost or limited. The words are netem's.
type Path struct {
	Delay  time.Duration `json:"delay,omitempty"`  // one way, not a round trip
	Jitter time.Duration `json:"jitter,omitempty"` // the delay of a packet is uniform in Delay ± Jitter; order is kept
	Rate   int64         `json:"rate,omitempty"`   // bit/s; 0 is unlimited
	Limit  int64         `json:"limit,omitempty"`  // bytes that may wait for Rate; 0 is one second's worth, at least 16 KiB
	Loss   Loss          `json:"loss,omitzero"`
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
