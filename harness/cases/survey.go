package cases

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
)

// Survey lists the points of a run at which an event can begin.
type Survey struct {
	// Points are the packets of the payments, by the time they were offered, and
	// then the commits, the client's first, each one before and after it is durable.
	// Packets are counted from the beginning of the script to its end, or to a few
	// seconds after the last payment became final.
	Points []Point           `json:"points,omitempty"`
	Began  []time.Duration   `json:"began,omitempty"` // when each event of the timeline first began, as an offset; -1 is never
	Can    harness.Abilities `json:"can,omitempty"`   // what the engine and the subject can do

	// Up and Down are how many bytes the first connection carried: payload on an
	// engine that sees streams, and packets on any other.
	Up   int64 `json:"up,omitempty"`
	Down int64 `json:"down,omitempty"`

	Payments    int `json:"payments,omitempty"`    // presses of pay
	Connections int `json:"connections,omitempty"` // that the payers opened and used until the last payment became final

	// Requests are the HTTP requests that the server got complete in the script, if
	// they can be followed.
	Requests []Request     `json:"requests,omitempty"`
	Final    time.Duration `json:"final,omitempty"` // from the beginning of the script to the last final outcome; 0 is none
}

// Point is a moment of a run that is defined by what happens: see harness.Trigger.
type Point struct {
	harness.Trigger
	At         time.Duration `json:"at,omitempty"`      // offset of the packet; 0 for a commit, whose time is not known
	Size       int           `json:"size,omitempty"`    // of the packet, in bytes, as in a harness.Packet
	Flow       int           `json:"flow,omitempty"`    // its connection, likewise
	Opens      bool          `json:"opens,omitempty"`   // it is the first of its connection, up: a SYN, unless it is a datagram
	Retransmit bool          `json:"rtx,omitempty"`     // likewise
	Lost       bool          `json:"dropped,omitempty"` // it did not arrive
}

// String is such as "packet 5 down (179 B)", "before commit 2 of the client", or
// "before the answer to request 1".
func (p Point) String() string {
	if p.Request > 0 {
		text := map[harness.Moment]string{
			harness.Complete: "when the server has request %d", harness.Answered: "before the answer to request %d",
			harness.Inside: "inside the answer to request %d",
		}[p.Moment]
		if p.Wait > 0 {
			return fmt.Sprintf("%s after the server has request %d", p.Wait, p.Request)
		}
		return fmt.Sprintf(text, p.Request)
	}
	if p.Commit > 0 {
		when := "before"
		if p.After {
			when = "after"
		}
		return fmt.Sprintf("%s commit %d of the %s", when, p.Commit, p.Side)
	}
	notes := []string{fmt.Sprintf("%d B", p.Size)}
	for _, n := range []struct {
		name string
		set  bool
	}{{"SYN", p.Opens && p.Size > 0}, {"rtx", p.Retransmit}, {"lost", p.Lost}} {
		if n.set {
			notes = append(notes, n.name)
		}
	}
	text := fmt.Sprintf("packet %d %s", p.Packet, p.Direction)
	if p.Client > 0 {
		text += fmt.Sprintf(" of wallet %d", p.Client)
	}
	if p.Link != "" {
		text += " on " + p.Link
	}
	return text + " (" + strings.Join(notes, ", ") + ")"
}

// afterwards is how long after the last payment became final packets are still
// points: acknowledgements, and work that was put off, may follow it. The packets that
// close idle connections later are left out.
const afterwards = 5 * time.Second

type surveyor struct {
	points []Point
	flows  map[flowOf]bool // connections seen
	began  []time.Duration
	open   map[string]bool // payments without a final outcome

	payments           int
	used               map[flowOf]time.Duration // when a connection of a payer was used first
	script, end, final time.Duration            // offsets: its beginning and end, and the last final outcome
	commits            [2]int64                 // of client and server
	first              *flowOf                  // the first connection of a client
	up, down           int64                    // bytes on it

	requests []Request // package run reports one moment at a time
}

// flowOf names a connection of a run.
type flowOf struct {
	link         string // empty is the access link of client
	client, flow int
}

func newSurveyor(sc harness.Scenario) *surveyor {
	s := &surveyor{flows: map[flowOf]bool{}, used: map[flowOf]time.Duration{}, open: map[string]bool{}, script: -1, end: -1}
	for range sc.Timeline {
		s.began = append(s.began, -1)
	}
	return s
}

// add notes what a record shows. Records come in the order of the history.
func (s *surveyor) add(r history.Record) {
	switch {
	case r.Packet != nil:
		s.packet(*r.Packet)
	case r.Phase != nil:
		if s.script < 0 {
			s.script = r.At
		}
		s.end = r.At // the last phase is the settle
	case r.Fault != nil:
		if i := r.Fault.Event; !r.Fault.Ended && i < len(s.began) && s.began[i] < 0 {
			s.began[i] = r.At
		}
	case r.Pay != nil:
		s.payments++
		s.open[r.Pay.ID] = true
	case r.Told != nil && r.Told.Outcome.Final():
		delete(s.open, r.Told.Payment)
		s.final = r.At
	case r.End != nil:
		s.commits = [2]int64{r.End.ClientCommits, r.End.ServerCommits}
	}
}

func (s *surveyor) packet(p harness.Packet) {
	if p.Cross || p.Copy {
		return
	}
	flow := flowOf{p.Link, p.Client, p.Flow}
	if s.first == nil && p.Link == "" {
		s.first = &flow
	}
	if _, known := s.used[flow]; !known && p.Link == "" {
		s.used[flow] = p.At
	}
	switch {
	case s.first == nil || flow != *s.first:
	case p.Direction == harness.Up:
		s.up += int64(p.Size)
	default:
		s.down += int64(p.Size)
	}
	s.points = append(s.points, Point{
		Trigger: harness.Trigger{Packet: p.N, Link: p.Link, Client: p.Client, Direction: p.Direction},
		At:      p.At, Size: p.Size, Flow: p.Flow, Retransmit: p.Retransmit, Lost: p.Drop != harness.DropNone,
		Opens: p.Direction == harness.Up && !s.flows[flow],
	})
	s.flows[flow] = true
}

// survey returns what was noted, in a run with an engine and a subject of the given
// abilities.
func (s *surveyor) survey(can harness.Abilities) *Survey {
	last := s.end
	if len(s.open) == 0 {
		last = min(last, s.final+afterwards)
	}
	v := &Survey{Began: s.began, Up: s.up, Down: s.down, Requests: s.requests, Final: max(s.final-max(s.script, 0), 0), Points: slices.DeleteFunc(s.points, func(p Point) bool {
		return p.At < s.script || p.At > last
	})}
	slices.SortStableFunc(v.Points, func(a, b Point) int { return cmp.Compare(a.At, b.At) })
	v.Can, v.Payments = can, s.payments
	for _, at := range s.used {
		if at <= s.final {
			v.Connections++
		}
	}
	for i, side := range []harness.Side{harness.Client, harness.Server} {
		for n := range s.commits[i] {
			for _, after := range []bool{false, true} {
				v.Points = append(v.Points, Point{Trigger: harness.Trigger{Commit: n + 1, Side: side, After: after}})
			}
		}
	}
	return v
}

// Request is an HTTP request of a run.
type Request struct {
	Took     time.Duration `json:"took"`               // from when the server had it to the beginning of its answer
	Answered bool          `json:"answered,omitempty"` // the answer began
	Inside   bool          `json:"inside,omitempty"`   // it had more than one byte

	began time.Time
}

// moment notes a moment of a request when it comes.
func (s *surveyor) moment(m harness.Moment, n int64) {
	for int64(len(s.requests)) < n {
		s.requests = append(s.requests, Request{})
	}
	r := &s.requests[n-1]
	switch m {
	case harness.Complete:
		r.began = time.Now()
	case harness.Answered:
		r.Took, r.Answered = time.Since(r.began), true
	case harness.Inside:
		r.Inside = true
	case harness.MomentUnknown:
	}
}
