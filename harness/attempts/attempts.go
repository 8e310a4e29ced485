package attempts

import (
	"cmp"
	"math/bits"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/interval"
	"github.com/onebar/onebar/harness/result"
)

const (
	// lead is how much earlier than reported an attempt counts as begun: its record is
	// written a moment after its end.
	lead = 20 * time.Millisecond
	// recovery is the shortest time after a fault in which a failure is put down to it:
	// TCP's first retransmission waits 1 s (RFC 6298 section 2.1), the second 2 s more.
	recovery = 5 * time.Second
	// trips is how many crossings of the link an attempt may need: TCP's handshake (2),
	// that of TLS 1.2 (4, RFC 5246 section 7.3), request and answer (2).
	trips = 8
	// join is the gap up to which two hindrances count as one. It bounds the memory.
	join = 100 * time.Millisecond
	// levels is how many powers of two of a delay, in milliseconds, are told apart.
	levels = 24
	// noticed is the lowest level that can hinder: delays below 4 ms are those of a
	// local network.
	noticed = 3
	// MaxKinds is how many different errors and answers are told apart.
	MaxKinds = 20
	// Others is the What of the attempts that are beyond MaxKinds.
	Others = "others"
)

// Failure is an attempt that failed although nothing hindered it.
type Failure struct {
	Payment string
	What    string
	Took    time.Duration
	Line    int32 // of the history
}

// Attempts reads a history. The zero value is ready. It is not safe for concurrent use.
// Of packets it keeps when they were lost or slow, in intervals.
type Attempts struct {
	kinds   []result.AttemptStat
	byWhat  map[string]int // index in kinds
	failed  []failure
	phones  map[int]*phone
	all     []interval.Interval // when a fault could hinder
	machine phone               // when the machine was late
	faults  history.Occurrences
	last    time.Duration
}

type failure struct {
	payment            string
	end, took          time.Duration
	kind, wallet, line int32
}

// phone is what hindered one phone, or all of them.
type phone struct {
	lost []interval.Interval   // a packet was lost, damaged or late
	slow [][]interval.Interval // by level: a packet took from 2^(i-1) to 2^i-1 ms
}

// Add reads the next record, unless it is an attempt: give that to Attempt.
func (a *Attempts) Add(r *history.Record) {
	if r.Packet != nil {
		a.packet(r.Packet)
		return
	}
	a.last = max(a.last, r.At)
	switch {
	case r.Fault != nil:
		a.fault(r.Fault, r.At)
	case r.Late > 0:
		a.machine.slowed(r.At-r.Late, r.Late)
	}
}

// Attempt reads an attempt of a payment of a wallet that ended at an offset, and its line
// in the history. A wallet below 0 is not known: nobody pressed pay, as the check load says.
func (a *Attempts) Attempt(t *harness.Attempt, wallet int, at time.Duration, line int32) {
	what := t.Kind()
	if t.Error != "" {
		what = plain(t.Error)
	}
	what = cmp.Or(what, "answered")
	i := a.kind(what, t.Failed())
	a.kinds[i].Count++
	if !t.Failed() || wallet < 0 {
		return
	}
	a.failed = append(a.failed, failure{
		payment: t.Payment, end: at, took: t.Took, kind: int32(i), wallet: int32(wallet), line: line,
	})
}

// kind returns the index of the kind of an attempt, which is new if there was none.
func (a *Attempts) kind(what string, failed bool) int {
	key := what
	if failed {
		key = "failed " + what
	}
	if i, ok := a.byWhat[key]; ok {
		return i
	}
	if len(a.kinds) >= MaxKinds-1 && what != Others {
		return a.kind(Others, failed)
	}
	if a.byWhat == nil {
		a.byWhat = make(map[string]int)
	}
	a.byWhat[key] = len(a.kinds)
	a.kinds = append(a.kinds, result.AttemptStat{What: what, Failed: failed})
	return len(a.kinds) - 1
}

// names are what differs between two errors that mean the same: addresses, keys, UUIDs.
var names = regexp.MustCompile(`(\[[0-9a-fA-F:]+\]|\d+\.\d+\.\d+\.\d+)(:\d+)?(->)?|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{16,}\b`)

// plain returns an error without the names in it, and of at most 80 characters: of a longer
// one the end, which says what went wrong.
func plain(err string) string {
	err = strings.NewReplacer("  ", " ", " :", ":").Replace(names.ReplaceAllString(err, ""))
	if r := []rune(err); len(r) > 80 {
		return "…" + string(r[len(r)-79:])
	}
	return err
}

func (a *Attempts) packet(p *harness.Packet) {
	if p.Cross || p.Copy || p.Link != "" || p.Drop == harness.DropStopped {
		return
	}
	ph := a.phones[p.Client]
	if ph == nil {
		if a.phones == nil {
			a.phones = make(map[int]*phone)
		}
		ph = new(phone)
		a.phones[p.Client] = ph
	}
	if p.Drop != harness.DropNone || p.Corrupt || p.Late > harness.LeastTimeout {
		extend(&ph.lost, interval.Interval{From: p.At, To: p.At + p.Delay})
		return
	}
	ph.slowed(p.At, p.Delay)
}

func (p *phone) slowed(at, delay time.Duration) {
	i := level(delay)
	if i < noticed {
		return
	}
	for len(p.slow) <= i {
		p.slow = append(p.slow, nil)
	}
	extend(&p.slow[i], interval.Interval{From: at, To: at + delay})
}

// level returns the number of bits of a delay in milliseconds.
func level(d time.Duration) int {
	return min(levels-1, bits.Len64(uint64(max(0, d)/time.Millisecond)))
}

// extend adds a span to spans. It joins it with the last one if they are close.
func extend(spans *[]interval.Interval, s interval.Interval) {
	if n := len(*spans); n > 0 {
		if last := &(*spans)[n-1]; s.From <= last.To+join && s.To >= last.From-join {
			last.From, last.To = min(last.From, s.From), max(last.To, s.To)
			return
		}
	}
	*spans = append(*spans, s)
}

// fault adds the time of a fault, and as long again after it: TCP may retransmit for as
// long after an outage as the outage lasted.
func (a *Attempts) fault(f *history.FaultNote, at time.Duration) {
	if f.Action == harness.Heal || f.Action == harness.SetLink {
		return // the packets show what a link does
	}
	if began, over := a.faults.Add(f, at); over {
		a.all = append(a.all, interval.Interval{From: began, To: at + max(recovery, at-began)})
	}
}

// Judge returns the kinds, the most frequent first, and the failures that nothing
// hindered, in the order of the history. It may be called again after more records.
func (a *Attempts) Judge() (kinds []result.AttemptStat, unexplained []Failure) {
	all := slices.Clone(a.all)
	for began := range a.faults.Open() {
		all = append(all, interval.Interval{From: began, To: a.last})
	}
	all = interval.Join(all, 0)
	a.machine.tidy()
	for _, ph := range a.phones {
		ph.tidy()
	}
	kinds = slices.Clone(a.kinds)
	for _, f := range a.failed {
		if from := f.end - f.took - lead; interval.Overlap(all, from, f.end) || a.machine.hinders(from, f.end) || a.phones[int(f.wallet)].hinders(from, f.end) {
			continue
		}
		kinds[f.kind].Unexplained++
		unexplained = append(unexplained, Failure{Payment: f.payment, What: kinds[f.kind].What, Took: f.took, Line: f.line})
	}
	slices.SortStableFunc(kinds, func(x, y result.AttemptStat) int { return cmp.Compare(y.Count, x.Count) })
	return kinds, unexplained
}

func (p *phone) tidy() {
	p.lost = interval.Join(p.lost, join)
	for i := range p.slow {
		p.slow[i] = interval.Join(p.slow[i], join)
	}
}

// hinders reports whether a packet between two offsets was lost or damaged, or slow for
// that time. A phone without packets, of which p is nil, hinders nothing.
func (p *phone) hinders(from, to time.Duration) bool {
	if p == nil {
		return false
	}
	if interval.Overlap(p.lost, from, to) {
		return true
	}
	for i := level((to-from-lead)/trips) + 1; i < len(p.slow); i++ {
		if interval.Overlap(p.slow[i], from, to) {
			return true
		}
	}
	return false
}
