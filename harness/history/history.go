// Package history is the format of what happened in a run: one [Record] a line, as
// JSON. A [Writer] writes it while the run goes on; [Read] reads it again.
//
// The policy for versions: a key may be added at any time, and readers ignore keys
// that they do not know. [Version] is raised when an older reader would misjudge a
// newer history; a reader refuses a version that is newer than its own, and judges
// every older one.
package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"time"

	"github.com/onebar/onebar/harness"
)

// Version is the version of the history format this package writes. It
// is raised when an old reader would misjudge a new history.
const Version = 1

// Record is one line of a history: an offset and exactly one of the other
// fields, whose JSON key says what happened. docs/history.md is the reference.
type Record struct {
	At time.Duration `json:"at"` // nanoseconds since the start of the run, ascending, except those of packets

	Header    *Header          `json:"header,omitempty"`    // always the first line
	Phase     *Phase           `json:"phase,omitempty"`     // the network changes
	Fault     *FaultNote       `json:"fault,omitempty"`     // a fault begins or ends
	Pay       *harness.Payment `json:"pay,omitempty"`       // a user presses pay
	Told      *harness.Told    `json:"told,omitempty"`      // a payer is shown an outcome
	Attempt   *harness.Attempt `json:"attempt,omitempty"`   // a try is over
	Committed string           `json:"committed,omitempty"` // the booking of this payment is durable
	Packet    *harness.Packet  `json:"packet,omitempty"`    // a packet arrived or was lost; At is when it was offered
	Posting   *harness.Posting `json:"posting,omitempty"`   // read from the ledger after the settle
	Balance   *harness.Balance `json:"balance,omitempty"`   // read from the ledger after the settle
	Held      string           `json:"held,omitempty"`      // a payer still holds this payment after the settle
	Note      string           `json:"note,omitempty"`      // what people should know of how the subject was driven and its ledger read

	// Late is by how much a timer of the harness fired after its time, which was At
	// minus Late: the machine was busy, and programs on it waited for a processor, too.
	Late time.Duration `json:"late,omitempty"`

	End *End `json:"end,omitempty"` // always the last line of a whole history

	Line int `json:"-"` // 1-based line in the file, set by Read
}

// Header opens a history: what was run, with what.
type Header struct {
	Version int       `json:"version"`
	Onebar  string    `json:"onebar"`  // version of the program
	Started time.Time `json:"started"` // wall time of offset 0, the only one
	Seed    uint64    `json:"seed"`
	Engine  string    `json:"engine"`
	Machine string    `json:"machine,omitempty"` // class of the machine that made the run in real time
	Payload bool      `json:"payload,omitempty"` // packet sizes are payload bytes, not IP bytes
	Commits bool      `json:"commits,omitempty"` // the subject reports its durable commits
	Holds   bool      `json:"holds,omitempty"`   // the subject reports what its payers still hold

	// Deadlines: the subject promises to book no payment after its deadline.
	Deadlines bool `json:"deadlines,omitempty"`

	Scenario harness.Scenario `json:"scenario"`
}

// Phase is what is asked of every access link, or of one link of the Topology, from its
// record until the next one of the same links.
type Phase struct {
	Name       string          `json:"name"`
	Link       string          `json:"link,omitempty"` // the name of a link of the Topology; empty is the access links
	Profile    harness.Profile `json:"profile"`
	OutageUp   bool            `json:"outage_up,omitempty"`   // every packet up was to be lost
	OutageDown bool            `json:"outage_down,omitempty"` // every packet down was to be lost
	Apart      []Apart         `json:"apart,omitempty"`       // of the access links: the wallets of which something else is asked
}

// Apart is what is asked of the access links of some wallets in a phase.
type Apart struct {
	Wallets    []int           `json:"wallets"` // in order
	Profile    harness.Profile `json:"profile"`
	OutageUp   bool            `json:"outage_up,omitempty"`
	OutageDown bool            `json:"outage_down,omitempty"`
}

// FaultNote marks the begin or the end of one occurrence of a timeline event.
type FaultNote struct {
	Event  int            `json:"event"` // index in Scenario.Timeline
	Action harness.Action `json:"action"`
	// Wallets are those that the event chose for this occurrence; nil is all, or that it is
	// not about wallets.
	Wallets []int  `json:"wallets,omitempty"`
	Ended   bool   `json:"ended,omitempty"`
	Hits    int64  `json:"hits,omitempty"` // packets, connections or answers it hit, known at the end
	Error   string `json:"error,omitempty"`
}

// End closes a history.
type End struct {
	Settled     bool   `json:"settled"`               // every payment had a final outcome in time
	Interrupted bool   `json:"interrupted,omitempty"` // the run was stopped from outside
	Error       string `json:"error,omitempty"`       // the experiment could not be carried to its end
	LedgerRead  bool   `json:"ledger_read"`           // the postings and balances above are complete
	NoLedger    bool   `json:"no_ledger,omitempty"`   // the subject has no ledger that anybody could read

	LedgerMoving  bool  `json:"ledger_moving,omitempty"`  // the ledger was read, and still changed when the settle was over
	ClientCommits int64 `json:"client_commits,omitempty"` // durable commits of the client side's stores from the start of the script on; 0 also if they are not counted
	ServerCommits int64 `json:"server_commits,omitempty"` // and of the server's
}

// Writer writes records as they happen. All its methods may be called from
// several goroutines; none of them blocks on anything but the writer. It is a
// PacketSink and an Observer. The first write error is kept, further records
// are dropped, and Close returns the error.
type Writer struct {
	mu    sync.Mutex
	w     *bufio.Writer
	start time.Time
	buf   []byte
	err   error
	fails func(error) // nil is not called
}

// OnError has f called once, with the first write error. Call it before anything is
// written. f must not call the Writer.
func (h *Writer) OnError(f func(error)) { h.fails = f }

// fail keeps the first error.
func (h *Writer) fail(err error) {
	if h.err != nil {
		return
	}
	h.err = err
	if h.fails != nil {
		h.fails(err)
	}
}

// New returns a Writer that writes to w with offsets from start.
// The caller owns w.
func New(w io.Writer, start time.Time) *Writer {
	return &Writer{w: bufio.NewWriterSize(w, 64<<10), start: start}
}

// Record writes r now: it sets r.At to the present offset. A record other than
// a packet is handed to the writer at once, so that it survives a kill.
func (h *Writer) Record(r Record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil {
		return
	}
	r.At = time.Since(h.start)
	h.write(r)
	h.flush()
}

// write adds the line of r to the buffer, which is emptied first if it has no room: what
// reaches the writer ends with a whole line, and survives a kill so.
func (h *Writer) write(r Record) {
	line, ok := appendRecord(h.buf[:0], r)
	if !ok {
		b, err := json.Marshal(r)
		if err != nil {
			h.fail(fmt.Errorf("encode history record: %w", err))
			return
		}
		line = append(b, '\n')
	}
	h.buf = line
	if len(line) > h.w.Available() {
		h.flush()
	}
	if _, err := h.w.Write(line); err != nil {
		h.fail(fmt.Errorf("write history: %w", err))
	}
}

func (h *Writer) flush() {
	if err := h.w.Flush(); err != nil {
		h.fail(fmt.Errorf("write history: %w", err))
	}
}

// Packet implements PacketSink. Packets are buffered: the last of them may be
// missing from a history whose writer was killed.
func (h *Writer) Packet(p harness.Packet) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil {
		return
	}
	h.write(Record{At: p.At, Packet: &p})
}

// Told implements Observer.
func (h *Writer) Told(t harness.Told) { h.Record(Record{Told: &t}) }

// Attempt implements Observer.
func (h *Writer) Attempt(a harness.Attempt) { h.Record(Record{Attempt: &a}) }

// Committed implements Observer.
func (h *Writer) Committed(payment string) { h.Record(Record{Committed: payment}) }

// Err returns the first write error, if any.
func (h *Writer) Err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// Close writes what is buffered and returns the first error there was. Records
// that come later are dropped.
func (h *Writer) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err == nil {
		h.flush()
	}
	err := h.err
	if h.err == nil {
		h.err = errors.New("write history: it is closed")
	}
	return err
}

// maxLine bounds one line of a history; a header with a large scenario is the
// longest.
const maxLine = 16 << 20

// ErrCut is the error of a last line that is not whole. What came before it can be judged.
var ErrCut = errors.New("the record is truncated: the disk was full, or the writer was killed")

// Read yields the records of a history in order. On the first line that
// cannot be read it yields an error that names the line, and ends. Whether the
// history is whole (begins with a Header, closes with an End) is for the reader
// to judge.
func Read(r io.Reader) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		s := bufio.NewScanner(r)
		s.Buffer(make([]byte, 64<<10), maxLine)
		s.Split(scanWholeLines)
		line := 0
		for s.Scan() {
			line++
			rec, err := parseRecord(s.Bytes())
			if err != nil {
				yield(Record{}, lineError(line, s.Bytes(), err))
				return
			}
			rec.Line = line
			if !yield(rec, nil) {
				return
			}
		}
		if err := s.Err(); err != nil {
			yield(Record{}, fmt.Errorf("line %d: %w", line+1, err))
		}
	}
}

func parseRecord(line []byte) (Record, error) {
	if r, ok := parseLine(line); ok {
		return r, nil
	}
	return parseJSON(line)
}

func parseJSON(line []byte) (rec Record, err error) {
	if err := json.Unmarshal(line, &rec); err != nil {
		return Record{}, err
	}
	switch n := rec.kinds(); n {
	case 0:
		return Record{}, errors.New(`it has none of the keys that say what happened, such as "pay" or "told"`)
	case 1:
		return rec, nil
	default:
		return Record{}, fmt.Errorf(`it has %d of the keys that say what happened, such as "pay" or "told": expected one`, n)
	}
}

// kinds counts the keys of the record that say what happened.
func (r Record) kinds() int {
	n := 0
	for _, set := range []bool{
		r.Header != nil, r.Phase != nil, r.Fault != nil, r.Pay != nil, r.Told != nil, r.Attempt != nil,
		r.Committed != "", r.Packet != nil, r.Posting != nil, r.Balance != nil, r.Held != "", r.Note != "", r.End != nil, r.Late != 0,
	} {
		if set {
			n++
		}
	}
	return n
}

func lineError(line int, b []byte, err error) error {
	if !bytes.HasSuffix(b, []byte("\n")) {
		return fmt.Errorf("line %d: %w", line, ErrCut)
	}
	return fmt.Errorf("line %d: not a history record: %w", line, err)
}

// scanWholeLines is bufio.ScanLines, but keeps the newline, so that a truncated
// last line can be told from a whole one.
func scanWholeLines(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i+1], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}
