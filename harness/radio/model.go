package radio

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enum"
)

// Limits of a model. They keep the state of a Machine a small value that can be
// copied and compared.
const (
	MaxStates     = 8  // states of a model
	MaxPromotions = 16 // promotion rules, over all states
)

// DefaultBurst is Model.Burst where a model does not say: the inactivity timer
// after which VideoOptimizer (lte.conf, INACTIVITY_TIMER) and Huang et al.,
// MobiSys 2012, let the tail begin.
const DefaultBurst = 100 * time.Millisecond

// Trust says how well the numbers of a model are known to be its source's.
type Trust uint8

// The grades of trust.
const (
	TrustUnknown Trust = iota
	Confirmed          // every number was read at the source
	Recalled           // quoted from memory of the source, provisional
	Weak               // derived by us, or from a single or secondary observation
)

const trustNames enum.Names = "unknown yes recalled weak"

// String returns the word of a model file for the grade.
func (t Trust) String() string { return trustNames.Text(uint8(t)) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Trust) UnmarshalText(b []byte) error {
	v, err := trustNames.Parse("confirmed", b)
	*t = Trust(v)
	return err
}

// Model is a radio as a state machine. The names in JSON of its fields, and of those of its
// parts, are the keys of a model file, which package keys reads. It is plain data and is not changed by
// this package once it was read; several machines may share one. States are
// numbered by their index, and state 0 is the idle one: no timer leaves it.
type Model struct {
	Name      string `json:"name"`
	Title     string `json:"title"`  // what it is a model of, one line
	Kind      string `json:"kind"`   // technology, such as "3g", "lte", "wifi"
	Source    string `json:"source"` // where its numbers were published
	Confirmed Trust  `json:"confirmed"`
	Note      string `json:"note"` // what to know before believing it; may be empty

	// LinkHeader is added to the IP length of each packet before any rule
	// looks at it, in bytes: sources that measured frames count the header of
	// the link (16 for Linux cooked captures).
	LinkHeader int `json:"link_header"`

	// Burst is the longest gap between packets of one transfer. Connected
	// time in a longer gap, and after the last packet, is tail.
	Burst time.Duration `json:"burst"`

	PerByte PerByte `json:"per_byte"`
	States  []State `json:"states"`
	Window  Window  `json:"window"` // zero for none
}

// PerByte is the energy of a byte, on top of the power of the states.
type PerByte struct {
	Up   float64 `json:"up"`   // J per byte sent
	Down float64 `json:"down"` // J per byte received
}

// State is one state of the radio.
type State struct {
	Name  string  `json:"name"`
	Power float64 `json:"power"` // W; the mean over a DRX or paging cycle; NaN where the source has none

	Lasts time.Duration `json:"lasts"` // after its timer was last restarted the state is left
	Then  int           `json:"then"`  // for this state

	// Busy is the state that counts instead of this one between packets of one
	// transfer (see Model.Burst), or 0 for none. Only its power differs.
	Busy int `json:"busy"`

	// Resume is the state a packet brings the radio back to without a
	// promotion, or 0 for none: out of DRX into continuous reception.
	Resume int `json:"resume"`

	// Renew is how many queued bytes restart the timer; 0 is any packet.
	Renew int64 `json:"renew"`

	Queue      Queue       `json:"queue"`
	Promotions []Promotion `json:"promotions"` // the first that fits a packet is taken
}

// Queue is the transmission queue of a state, one for each direction. A packet
// adds its size to that of its direction; the queue is found empty when more
// than Drain has passed since the packet before it in that direction. It is
// empty on entry of a state.
type Queue struct {
	Up          Drain `json:"up"`
	Down        Drain `json:"down"`
	CountsEntry bool  `json:"counts_entry"` // the packet that brings the radio into the state counts
}

// Drain is how long q queued bytes take to be sent: Base + PerByte·q +
// PerByte2·q².
type Drain struct {
	Base     time.Duration `json:"base"`
	PerByte  time.Duration `json:"per_byte"`
	PerByte2 time.Duration `json:"per_byte2"`
}

// of returns the drain time of q bytes in nanoseconds.
func (d Drain) of(q int64) float64 {
	n := float64(q)
	return float64(d.Base) + (float64(d.PerByte)+float64(d.PerByte2)*n)*n
}

// Booking says where the time of a promotion lies.
type Booking uint8

// The bookings.
const (
	BookingUnknown Booking = iota

	// Before ends the promotion at its packet: what a capture on the phone
	// shows of a packet from the network. It is cut short where the state it
	// leaves is younger than it is long.
	Before

	// After starts the promotion at its packet, which waits for it. A packet
	// within AtLeast waits too; one between AtLeast and AtMost shows that the
	// promotion had just ended; else it takes Takes.
	After

	// Revised is After, but a packet within Takes shows that the radio had
	// been promoted at once; the wait counts as the state it leaves
	// (EnergyBox, Engine3G.java).
	Revised
)

const bookingNames enum.Names = "unknown before after revised"

// String returns the word of a model file for the booking.
func (k Booking) String() string { return bookingNames.Text(uint8(k)) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *Booking) UnmarshalText(b []byte) error {
	v, err := bookingNames.Parse("booked", b)
	*k = Booking(v)
	return err
}

// Promotion is a rule that moves the radio to a more powerful state.
type Promotion struct {
	On   harness.Direction `json:"on"`   // packets this way only; unknown is both
	Over int64             `json:"over"` // if the queue of its direction exceeds this, in bytes; negative is always
	To   int               `json:"to"`

	Takes   time.Duration `json:"takes"`
	AtLeast time.Duration `json:"at_least"` // see After; Takes where not given
	AtMost  time.Duration `json:"at_most"`  // see After; Takes where not given
	Booked  Booking       `json:"booked"`
	Power   float64       `json:"power"`  // W while it lasts; of no use when Revised
	Energy  float64       `json:"energy"` // J on top, once
}

// Window counts the time spent in state From as state To, in each window of Length that
// saw more than Over bytes or packets. Windows are counted from offset 0. The zero
// Window does nothing.
type Window struct {
	Length  time.Duration `json:"length"`
	From    int           `json:"in"`
	To      int           `json:"becomes"`
	Over    int64         `json:"over"`
	Packets bool          `json:"packets"` // Over counts packets, not bytes
}

// Priced reports whether the model gives joules. A model of timers only, for
// a radio whose powers are not published, gives states and seconds.
func (m *Model) Priced() bool {
	return !slices.ContainsFunc(m.States, func(s State) bool { return math.IsNaN(s.Power) })
}

// check returns why a machine cannot run the model, if so. ReadModel finds more,
// and says where.
func (m *Model) check() error {
	rules := 0
	if len(m.States) == 0 || len(m.States) > MaxStates {
		return fmt.Errorf("radio model %s has %d states, not 1 to %d", m.Name, len(m.States), MaxStates)
	}
	for i, s := range m.States {
		rules += len(s.Promotions)
		if i > 0 && s.Lasts <= 0 && !m.countsOnly(i) {
			return fmt.Errorf("radio model %s: state %s has no timer", m.Name, s.Name)
		}
		if !m.fallsIdle(i) {
			return fmt.Errorf("radio model %s: the timers after %s never lead to %s, the idle state", m.Name, s.Name, m.States[0].Name)
		}
	}
	if rules > MaxPromotions {
		return fmt.Errorf("radio model %s has %d promotions; at most %d", m.Name, rules, MaxPromotions)
	}
	return nil
}

// fallsIdle reports whether the timers lead from state i to the idle one.
func (m *Model) fallsIdle(i int) bool {
	for range m.States {
		if i == 0 {
			return true
		}
		i = m.States[i].Then
	}
	return i == 0
}

// countsOnly reports whether state i is never entered: its time is that of another
// state, by State.Busy or Window.
func (m *Model) countsOnly(i int) bool {
	return m.Window.Length > 0 && m.Window.To == i ||
		i > 0 && slices.ContainsFunc(m.States, func(s State) bool { return s.Busy == i })
}
