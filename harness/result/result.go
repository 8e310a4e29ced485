// Package result holds what is said of experiments: of one run ([Result], with its
// [Verdict]s and [Figures]), of many ([Sweep], [Exploration]) and of one payment
// followed step by step ([Checkup]). All are plain data and the only input of a
// report. Each has the exit code of its outcome.
package result

import (
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enum"
	"github.com/onebar/onebar/harness/history"
)

// Version is the version of the JSON form of a Result. It is raised when
// a field changes its meaning or goes away.
const Version = 1

// Result is a run, judged and measured: the only input of a report. It is plain
// data; docs/result.md is the reference of its JSON form.
type Result struct {
	Version  int              `json:"version"`
	Onebar   string           `json:"onebar"`
	Scenario harness.Scenario `json:"scenario"`
	Engine   string           `json:"engine"`
	Machine  string           `json:"machine,omitempty"` // class of the machine that made the run in real time, see baseline.Machine
	Seed     uint64           `json:"seed"`
	Started  time.Time        `json:"started"`
	Took     time.Duration    `json:"took"` // from offset 0 to the end of the history
	Payload  bool             `json:"payload,omitempty"`

	Status     Status      `json:"status"`          // the worst of the verdicts and thresholds
	Error      string      `json:"error,omitempty"` // the experiment could not be carried to its end
	Busy       string      `json:"busy,omitempty"`  // how the machine stalled or was slow, or which threshold lateness could have turned, if that is why something is unknown
	Again      string      `json:"again,omitempty"` // Busy of the run before this one, which this one replaces: it was made again, alone
	Verdicts   []Verdict   `json:"verdicts"`
	Thresholds []Threshold `json:"thresholds,omitempty"`
	Figures    Figures     `json:"figures"`
	Phases     []PhaseStat `json:"phases,omitempty"`
	Notes      []string    `json:"notes,omitempty"`  // what the subject has to say to whoever reads this
	Energy     *Energy     `json:"energy,omitempty"` // nil if the scenario names no radio, or none this program knows
	Faults     []FaultStat `json:"faults,omitempty"`

	Attempts []AttemptStat `json:"attempts,omitempty"` // how the attempts ended, the most frequent first; nil if the subject reports none

	Stories []Story `json:"stories,omitempty"` // what happened to the first payments and accounts that fail a check

	HistoryFile string `json:"history,omitempty"` // path of the history
	Hash        string `json:"hash,omitempty"`    // SHA-256 of the history in hexadecimal: the same for each run of a seed in virtual time
	Rerun       string `json:"rerun,omitempty"`   // the command that runs just this again
}

// Exit returns the exit code of the run alone.
func (r Result) Exit() int {
	switch {
	case r.Error != "":
		return ExitBroken
	case r.Status == Fail:
		return ExitFail
	case r.Status == Pass:
		return ExitPass
	}
	return ExitUnknown
}

// Verdict returns the verdict of the named check, or a zero Verdict.
func (r Result) Verdict(check string) Verdict {
	for _, v := range r.Verdicts {
		if v.Check == check {
			return v
		}
	}
	return Verdict{}
}

// Unit is what a figure counts in.
type Unit uint8

// The units.
const (
	UnitUnknown Unit = iota
	Count            // a number of things
	Seconds
	Bytes
	Ratio // a share, 0 to 1
	BitPerSecond
	Joules
)

const unitNames enum.Names = "unknown count seconds bytes ratio bit/s joules"

// String returns the name of the unit.
func (u Unit) String() string { return unitNames.Text(uint8(u)) }

// MarshalText implements encoding.TextMarshaler.
func (u Unit) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (u *Unit) UnmarshalText(b []byte) error {
	v, err := unitNames.Parse("unit", b)
	*u = Unit(v)
	return err
}

// Figure is one measured number, named as in a threshold.
type Figure struct {
	Name  string  `json:"name"` // such as "p95(confirm)" or "bytes_per_payment"
	Unit  Unit    `json:"unit"`
	Value float64 `json:"value"`
}

// Figures are the figures of a run in the order a report shows them. A figure
// that could not be measured in the run is not there.
type Figures []Figure

// Get returns the named figure and whether it was measured.
func (f Figures) Get(name string) (Figure, bool) {
	for _, g := range f {
		if g.Name == name {
			return g, true
		}
	}
	return Figure{}, false
}

// Threshold is an expectation and its result.
type Threshold struct {
	Text   string `json:"text"` // as written
	Line   int    `json:"line,omitempty"`
	Status Status `json:"status"`
	Got    Figure `json:"got"`              // the figure measured; its Name is empty if there was none
	Reason string `json:"reason,omitempty"` // why it is unknown
}

// PhaseStat is one phase of a run: what was asked of the links, and what the
// packets really got, over all links.
type PhaseStat struct {
	history.Phase
	From time.Duration `json:"from"`
	To   time.Duration `json:"to"`
	Up   Realised      `json:"up"`
	Down Realised      `json:"down"`
}

// Realised is what the packets offered in a phase really got, in one direction,
// over all links, cross traffic included. A copy that the link made of a packet
// was not offered: it counts in Duplicated and in the rates only.
type Realised struct {
	Offered   int64 `json:"offered"` // packets
	Delivered int64 `json:"delivered"`
	Lost      int64 `json:"lost"`   // at random
	Outage    int64 `json:"outage"` // in a blackhole
	Queue     int64 `json:"queue"`  // to a full queue
	Barred    int64 `json:"barred"` // larger than the MTU, of a flow the NAT had forgotten, or cut by the timeline
	Bytes     int64 `json:"bytes"`  // offered

	DelayMean time.Duration `json:"delay_mean"`    // of the delivered, with the time to serialise and to queue
	DelaySD   time.Duration `json:"delay_sd"`      // standard deviation
	LateMean  time.Duration `json:"late_mean"`     // part of DelayMean that nobody asked for
	PeakRate  float64       `json:"peak_rate_bps"` // most bits delivered on one link within a second
	MeanRate  float64       `json:"mean_rate_bps"` // bits delivered a second of the phase, on average over the links that delivered any

	Bursts      int64         `json:"bursts"`                 // runs of packets lost at random, one after the other on one link; 0 if packets have no numbers
	Reordered   int64         `json:"reordered"`              // delivered after a packet that was offered later on the same link, RFC 4737's Type-P-Reordered
	Duplicated  int64         `json:"duplicated"`             // copies delivered
	Corrupted   int64         `json:"corrupted"`              // delivered with a flipped bit
	OutageFirst time.Duration `json:"outage_first,omitempty"` // offset of the first packet lost to an outage, if Outage is above 0
	OutageLast  time.Duration `json:"outage_last,omitempty"`  // and of the last
}

// Loss returns the realised share of random loss among the packets that met
// neither an outage nor a full queue, 0 to 1, and 0 if there were none.
func (r Realised) Loss() float64 { return share(r.Lost, r.Delivered+r.Lost) }

// Burst returns the mean length of the runs of packets lost at random, at least
// 1, and 0 if there were none.
func (r Realised) Burst() float64 { return share(r.Lost, r.Bursts) }

// ReorderedShare returns the share of the delivered that came out of order, 0
// to 1.
func (r Realised) ReorderedShare() float64 { return share(r.Reordered, r.Delivered) }

// DuplicatedShare returns the copies delivered a packet delivered.
func (r Realised) DuplicatedShare() float64 { return share(r.Duplicated, r.Delivered) }

// CorruptedShare returns the share of the delivered that had a flipped bit, 0
// to 1.
func (r Realised) CorruptedShare() float64 { return share(r.Corrupted, r.Delivered) }

// OutageTime returns how long the outage was met: from the first packet lost to
// it to the last.
func (r Realised) OutageTime() time.Duration { return r.OutageLast - r.OutageFirst }

func share(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// Energy is what the phones' radios spent, by a published model of a radio of
// 2008 to 2013: for comparing runs, not for predicting a battery. Times and
// joules are sums over the phones, each from offset 0 until its radio is idle
// after its last packet.
type Energy struct {
	Model       string        `json:"model"`                 // its name
	Title       string        `json:"title,omitempty"`       // what it is a model of
	Approximate bool          `json:"approximate,omitempty"` // reckoned from chunks of a stream: there were no packets to see
	Priced      bool          `json:"priced"`                // the model has powers; without it all joules are 0 and mean nothing
	Phones      int           `json:"phones"`                // that sent or got anything
	Span        time.Duration `json:"span"`
	States      []RadioState  `json:"states"`     // in the order of the model, the idle one first; promotions last
	Promotions  int64         `json:"promotions"` // moves to a more powerful state
	Wakeups     int64         `json:"wakeups"`    // those of them out of the idle state
	Joules      float64       `json:"joules"`     // all of it
	Tail        float64       `json:"tail"`       // part of Joules spent connected with nothing to send
	Payments    float64       `json:"payments"`   // part of Joules that belongs to payments
	Others      float64       `json:"others"`     // part of Joules for packets of no payment: cross traffic
}

// RadioState is what was spent in one state of the radio. The joules do not
// count what a byte costs on top of the power of the state.
type RadioState struct {
	Name   string        `json:"name"`
	Time   time.Duration `json:"time"`
	Joules float64       `json:"joules"`
}

// FaultStat is one event of the timeline and what it hit.
type FaultStat struct {
	Event  int            `json:"event"` // index in Scenario.Timeline
	Action harness.Action `json:"action"`
	Line   int            `json:"line,omitempty"`
	Times  int            `json:"times"` // occurrences
	Hits   int64          `json:"hits"`  // packets, connections or answers it hit, over all occurrences
}

// AttemptStat is the attempts and status queries of a run that ended alike.
type AttemptStat struct {
	What        string `json:"what"`                  // the error, without addresses, or the answer
	Failed      bool   `json:"failed,omitempty"`      // see harness.Attempt.Failed
	Count       int    `json:"count"`                 // attempts and status queries
	Unexplained int    `json:"unexplained,omitempty"` // of them, the failures that nothing hindered, see package attempts
}
