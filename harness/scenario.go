package harness

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/onebar/onebar/harness/enum"
	"github.com/onebar/onebar/harness/sut"
)

// Scenario is one experiment, complete. The same scenario with the same seed
// takes the same impairment decisions. A Scenario is plain data, and its JSON
// form stands in the header of every history, so that a history can be judged
// again without the file it came from.
type Scenario struct {
	Name     string        `json:"name"`
	Summary  string        `json:"summary,omitempty"` // one sentence: the situation, vivid
	Tags     []string      `json:"tags,omitempty"`
	File     string        `json:"file,omitempty"` // where it was read from, for messages
	Engine   string        `json:"engine,omitempty"`
	Seed     uint64        `json:"seed,omitempty"`   // of its runs, unless the command line says another; 0 is none
	Starts   string        `json:"starts,omitempty"` // wall time of its beginning in virtual time, as time.RFC3339 has it; empty is that of the engine
	Length   time.Duration `json:"length,omitempty"` // of the script; 0 is as long as its workload and timeline need
	Subject  sut.Config    `json:"subject,omitzero"` // what is under test; zero is the reference pair
	Workload Workload      `json:"workload"`
	Link     Profile       `json:"link"`
	Timeline []Event       `json:"timeline,omitempty"`
	Radio    *Radio        `json:"radio,omitempty"`      // which radio the energy is reckoned for; nil is none
	Nemesis  []Nemesis     `json:"nemesis,omitempty"`    // random faults; a run has those that its seed draws in its Timeline, and none here, see package nemesis
	Commit   Durations     `json:"commit_time,omitzero"` // how long a durable commit takes on a disk in memory; zero is no time
	Settle   time.Duration `json:"settle"`               // longest wait, after the heal, for every payment to reach a final outcome
	Expect   []Expectation `json:"expect,omitempty"`
}

// Radio names the radio model that the energy of a run is reckoned with.
type Radio struct {
	Name  string `json:"name"`            // of a bundled model, or the file of a user's own
	Model string `json:"model,omitempty"` // the text of a user's own, so that a history stands alone
}

// Expectation is a threshold as written, with its place for messages.
type Expectation struct {
	Text string `json:"text"`           // such as "p95(confirm) < 8s"
	Line int    `json:"line,omitempty"` // 1-based; 0 is not from a file
}

// Workload is who pays whom, how often, and how patiently. All amounts are in
// minor units of Currency.
type Workload struct {
	Wallets   int           `json:"wallets"`             // payers, each with a phone and link of its own
	Merchants int           `json:"merchants"`           // payees
	Payments  int           `json:"payments"`            // orders to be paid, over all wallets
	Rate      float64       `json:"rate"`                // orders a second over all wallets, Poisson arrivals; 0 is all at once
	InTurn    bool          `json:"in_turn,omitempty"`   // one payment at a time, see package workload
	AmountMin int64         `json:"amount_min"`          // each amount is uniform in AmountMin to AmountMax
	AmountMax int64         `json:"amount_max"`          //
	Currency  string        `json:"currency"`            // ISO 4217 code
	Others    []Price       `json:"others,omitempty"`    // further prices, see Prices
	Refusals  float64       `json:"refusals,omitempty"`  // share of orders, 0 to 1, that the server must refuse, see Payment.Refuse
	Balance   int64         `json:"balance"`             // opening balance of each wallet; 0 is enough for every payment
	Impatient time.Duration `json:"impatient,omitempty"` // a user without a final answer presses pay again after this; 0 is never
	Presses   int           `json:"presses,omitempty"`   // most presses an order gets from an impatient user, the first included
	Deadline  time.Duration `json:"deadline"`            // a payment not booked this long after it was asked must not be booked later
	Attempts  int           `json:"attempts"`            // bound of the storm check: attempts and status queries per payment that reached a connection
}

// Price is a range of amounts, Min to Max in minor units of Currency.
type Price struct {
	Min      int64  `json:"min"`
	Max      int64  `json:"max"`
	Currency string `json:"currency"`
}

// Prices returns the prices of a currency: an order has one of them, each as likely as the
// others.
func (w Workload) Prices(currency string) (all []Price) {
	for _, p := range append([]Price{{w.AmountMin, w.AmountMax, w.Currency}}, w.Others...) {
		if p.Currency == currency {
			all = append(all, p)
		}
	}
	return all
}

// Currencies returns the currencies of the prices, in the order of their first price.
func (w Workload) Currencies() []string {
	all := []string{w.Currency}
	for _, p := range w.Others {
		if !slices.Contains(all, p.Currency) {
			all = append(all, p.Currency)
		}
	}
	return all
}

// CurrencyOf returns the currency of the account of wallet i, and of merchant i: the
// currencies take turns, and a payer pays merchants of its own currency.
func (w Workload) CurrencyOf(i int) string {
	all := w.Currencies()
	return all[i%len(all)]
}

// Most returns the highest price of a currency.
func (w Workload) Most(currency string) (most int64) {
	for _, p := range w.Prices(currency) {
		most = max(most, p.Max)
	}
	return most
}

// Side names the machines that an event acts on: all of the payers', the server, or
// another host of the network by its name, see Topology.
type Side string

// The sides that every payment system has.
const (
	SideUnknown Side = ""
	Client      Side = "client"   // the payers' programs, all of them
	Server      Side = ServerName // the payment server
)

// String returns the name, "unknown" of SideUnknown.
func (s Side) String() string { return cmp.Or(string(s), "unknown") }

// Action is what an event does.
type Action uint8

// The actions.
const (
	ActionUnknown Action = iota
	SetLink              // replace the profile of Event.On; packets already accepted keep their fate
	Blackhole            // lose every packet, silently, in Event.Direction or both ways
	Reset                // end every open connection with a TCP reset
	Refuse               // refuse every new connection
	Crash                // kill Event.Side and start it again after Event.Restart
	Slow                 // delay every answer of the server by Event.By, after its commit
	StreamToxic          // a toxiproxy toxic on new connections
	Heal                 // end every fault and go back to the scenario's link
	Rebind               // the NAT forgets every flow: old ones die silently, new ones work; with Event.NewAddress the client has a new address, too
	Vanish               // every flow open now dies silently until the end; part of a crash with Event.Vanish
	CrossTraffic         // a bulk transfer in Event.Direction beside the payments, on every link
	Drop                 // lose the packet of Event.When
	Freeze               // stop Event.Side where it stands, and let it go on: its connections stay open and nothing answers
	SlowDisk             // each commit of Event.Side takes Event.By longer
	FullDisk             // the disks of Event.Side have no room: no file grows
	DiskError            // the next sync of a disk of Event.Side fails, once
	Clock                // the wall clock of Event.Side is wrong, by Event.By and Event.Drift
)

const actionNames enum.Names = "unknown link blackhole reset refuse crash slow toxic heal rebind vanish cross_traffic drop freeze slow_disk full_disk disk_error clock"

// String returns the name of the action in a scenario file.
func (a Action) String() string { return actionNames.Text(uint8(a)) }

// MarshalText implements encoding.TextMarshaler.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Action) UnmarshalText(b []byte) error {
	v, err := actionNames.Parse("action", b)
	*a = Action(v)
	return err
}

// Trigger is a moment that is told by what happens and not by the clock: a
// packet, a commit, or a request over HTTP. It comes once in a run, if at all.
type Trigger struct {
	// Packet is the number of a packet among those offered to Client's access link, or
	// to the link that Link names, in Direction, from 1; 0 is no packet. A Drop or Blackhole that begins at a
	// packet loses it, too; everything else comes just after it was sent, so that
	// it is on its way.
	Packet    int64     `json:"packet,omitempty"`
	Client    int       `json:"client,omitempty"`
	Link      string    `json:"link,omitempty"`
	Direction Direction `json:"direction,omitempty"`

	// Commit is the number of a durable commit among those of the stores of Side
	// from the start of the script on, from 1; 0 is no commit. Only a Crash of Side
	// can begin at one, as its power failure: while the commit is on its way to the
	// disk, or, if After, when it is durable and nobody has heard of it.
	Commit int64 `json:"commit,omitempty"`
	Side   Side  `json:"side,omitempty"`
	After  bool  `json:"after,omitempty"`

	// Request is the number of an HTTP request among those that the server has got
	// complete in the script, from 1; 0 is no request. Nothing of its answer gets
	// further while the event begins, nor later if it is a crash of the server. With a
	// Wait the event begins so long after the moment, and nothing is held up.
	Request int64         `json:"request,omitempty"`
	Moment  Moment        `json:"moment,omitempty"`
	Wait    time.Duration `json:"wait,omitempty"`
}

// Moment is how far an HTTP request is.
type Moment uint8

// The moments.
const (
	MomentUnknown Moment = iota
	Complete             // the server has got all of it
	Answered             // the server has begun to answer, and the client has got nothing
	Inside               // the client has got a part of the answer
)

const momentNames enum.Names = "unknown complete answered inside"

// String returns the moment in lower case.
func (m Moment) String() string { return momentNames.Text(uint8(m)) }

// MarshalText implements encoding.TextMarshaler.
func (m Moment) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Moment) UnmarshalText(b []byte) error {
	v, err := momentNames.Parse("moment", b)
	*m = Moment(v)
	return err
}

// Nemesis draws events of one kind at random: Jepsen's name of who does the harm.
// Event says what is done; its At, Every and Jitter are not used, and its For, Restart
// and By are drawn for each event. If its When is of a commit or a packet, each event
// begins at the first one after its time: at a commit of its Side, before or after it is
// durable, or at a packet of any client in either direction.
type Nemesis struct {
	Rate    float64   `json:"rate"` // events a second of the script, Poisson arrivals
	For     Durations `json:"for,omitzero"`
	Restart Durations `json:"restart,omitzero"` // of a Crash
	By      Durations `json:"by,omitzero"`      // of Slow
	Event   Event     `json:"event"`
}

// Durations are those from Min to Max, drawn log-uniformly: a length from 1 s to
// 2 s is as likely as one from 10 s to 20 s. The zero value is no duration.
type Durations struct {
	Min time.Duration `json:"min"` // above 0
	Max time.Duration `json:"max"` // at least Min
}

// At returns the length at a quantile u, from 0 to 1, of the log-uniform distribution.
func (d Durations) At(u float64) time.Duration {
	if d.Max <= d.Min || d.Min <= 0 {
		return d.Max
	}
	x := float64(d.Min) * math.Pow(float64(d.Max)/float64(d.Min), u)
	return min(max(time.Duration(x), d.Min), d.Max)
}

// Event is one line of the timeline: something that is done to the network or
// to the subject at an offset, once or periodically, or when something happens.
type Event struct {
	At     time.Duration `json:"at"`               // offset of the first occurrence
	When   *Trigger      `json:"when,omitempty"`   // begins it in place of At; with an At, it counts from there on; nil is not
	Every  time.Duration `json:"every,omitempty"`  // period; 0 is once
	Jitter time.Duration `json:"jitter,omitempty"` // each occurrence moves by up to this much either way, by the seed
	For    time.Duration `json:"for,omitempty"`    // how long it lasts; 0 is until the heal

	// MayMiss says that the run is good even if the event hits nothing, as a random
	// one may. One that is not so makes the run unknown.
	MayMiss bool `json:"may_miss,omitempty"`

	Phase string `json:"phase,omitempty"` // names the phases it is in force in, for thresholds; empty is a name made of what is in force

	// On is the name of the link it acts on, see Topology; empty is every access link.
	// A scenario file has no key for it.
	On string `json:"on,omitempty"`

	// Wallet is the one wallet whose phone or access link it acts on, from 0, and Wallets the
	// share of the wallets, 0 to 1, see Choose. Nil and 0 are all wallets.
	Wallet  *int    `json:"wallet,omitempty"`
	Wallets float64 `json:"wallets,omitempty"`

	Action     Action        `json:"action"`
	Link       *Profile      `json:"link,omitempty"`          // SetLink
	Direction  Direction     `json:"direction,omitempty"`     // Blackhole and CrossTraffic; DirectionUnknown is both
	Side       Side          `json:"side,omitempty"`          // Crash, Freeze and the faults of disks
	Restart    time.Duration `json:"restart,omitempty"`       // Crash
	Vanish     bool          `json:"vanish,omitempty"`        // Crash: without a word to the other side, as when the power goes
	Lose       bool          `json:"lose_unsynced,omitempty"` // Crash: nothing is kept that was not synced; without it the seed decides, see PowerLoser
	By         time.Duration `json:"by,omitempty"`            // Slow and SlowDisk; Clock: how much it is ahead, behind if below 0
	Drift      time.Duration `json:"drift,omitempty"`         // Clock: how much it gains in an hour, or loses if below 0
	Toxic      *Toxic        `json:"toxic,omitempty"`         // StreamToxic
	NewAddress bool          `json:"new_address,omitempty"`   // Rebind

	Line int `json:"line,omitempty"` // where it stands in the file; 0 is not from a file
}

// Toxic is one of toxiproxy's stream toxics, in its own words: type
// reset_peer, limit_data, slicer, slow_close or timeout, stream upstream or
// downstream, and the attributes toxiproxy documents for the type.
type Toxic struct {
	Type       string           `json:"type"`
	Stream     string           `json:"stream"`
	Attributes map[string]int64 `json:"attributes,omitempty"` // milliseconds or bytes, as toxiproxy documents

	Connections int64 `json:"connections,omitempty"` // how many new connections get it, the first of them; 0 is all while it is in force
}

// Duration is the length of the script: Length, the end of the last event, or
// the time the workload takes to arrive, whichever is latest. It does not count
// Settle.
func (s Scenario) Duration() time.Duration {
	end := max(s.Length, s.Workload.Span())
	for _, e := range s.Timeline {
		end = max(end, e.At+e.For+e.Restart)
	}
	return end
}

// Start is Starts as a time; the zero Time if it says none.
func (s Scenario) Start() time.Time {
	t, _ := time.Parse(time.RFC3339, s.Starts) // the reader of the scenario has checked it
	return t
}

// Span is the expected time over which the orders arrive.
func (w Workload) Span() time.Duration {
	if w.Rate <= 0 {
		return 0
	}
	return time.Duration(float64(w.Payments) / w.Rate * float64(time.Second))
}

// A Stream numbers a consumer of randomness, so that adding one does not shift
// the draws of the others.
type Stream uint64

// The streams of a run. A new consumer takes the next number.
const (
	StreamLink     Stream = iota + 1 // link decisions
	StreamTimeline                   // jitter of periodic events
	StreamWorkload                   // arrivals, amounts, who pays whom
	StreamSubject                    // whatever the subject draws
	StreamEngine                     // the engine's own draws: ports, sequence numbers
	StreamDisk                       // what a power failure leaves on a disk
	StreamNemesis                    // random faults
	StreamWallets                    // which wallets an event acts on
)

// Rand returns the generator of stream s for the seed of a run. The same seed
// and stream give the same draws. The generator is not safe for concurrent use.
func Rand(seed uint64, s Stream) *rand.Rand {
	return rand.New(rand.NewPCG(seed, uint64(s)))
}
