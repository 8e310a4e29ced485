package impairment

import (
	"fmt"
	"time"

	"github.com/onebar/onebar/harness"
)

// why says why an event never happened, and what to change in the scenario.
func (l *Links) why(e harness.Event) string {
	w := e.When
	if w == nil {
		return fmt.Sprintf(": the run ended before its time, %v into the script", e.At)
	}
	more := "name an earlier one, or make more payments"
	switch {
	case w.Packet > 0:
		k := awaited(w)
		n := l.sent[k]
		if n >= w.Packet {
			return fmt.Sprintf(": it waits for packet %d %s of %s, which was sent when the script was over: make the script longer", w.Packet, k.dir, k.sender())
		}
		return fmt.Sprintf(": %s sent %s %s, and the event waits for number %d: %s", k.sender(), harness.Plural(n, "packet"), k.dir, w.Packet, more)
	case w.Commit > 0 && l.end != nil:
		n := l.end.ServerCommits
		if w.Side == harness.Client {
			n = l.end.ClientCommits
		}
		return fmt.Sprintf(": the %s made %s, and the event waits for number %d: %s", w.Side, harness.Plural(n, "commit"), w.Commit, more)
	case w.Request > 0:
		return fmt.Sprintf(": it waits for request %d, and the clients made %s that reached a connection: %s", w.Request, harness.Plural(l.attempts, "attempt"), more)
	}
	return ""
}

func (p packets) sender() string {
	if p.link != "" {
		return "the link " + p.link
	}
	return fmt.Sprintf("wallet %d", p.client)
}

// instead says what did not happen while an event was in force that hit nothing, and what
// to change in the scenario.
func (e *event) instead(of harness.Event) string {
	text := ": " + missing(of.Action)
	if n := len(e.spans); n > 0 {
		s := e.spans[0]
		switch {
		case s.over-s.begin < time.Millisecond:
			text += fmt.Sprintf(" at %.3fs", s.begin.Seconds())
		default:
			text += fmt.Sprintf(" from %.3fs to %.3fs", s.begin.Seconds(), s.over.Seconds())
		}
		if n > 1 {
			text += fmt.Sprintf(", nor in the %d occurrences after it", n-1)
		}
	}
	return text + "; let it begin when payments are under way, let it last longer, or write may_miss: true"
}

// missing says what an event of a kind hits, which was not there.
func missing(a harness.Action) string {
	switch a {
	case harness.Blackhole, harness.Drop:
		return "no packet was sent in its direction"
	case harness.Refuse, harness.StreamToxic:
		return "no connection was opened"
	case harness.Reset, harness.Rebind, harness.Vanish:
		return "no connection was open"
	case harness.Crash, harness.Freeze:
		return "no payment was without a final outcome"
	case harness.Slow:
		return "the server gave no answer"
	case harness.CrossTraffic:
		return "nothing of the transfer was sent"
	case harness.SlowDisk, harness.FullDisk, harness.DiskError:
		return "nothing was written to the disk"
	case harness.ActionUnknown, harness.SetLink, harness.Heal, harness.Clock:
	}
	return "nothing that it hits was there"
}
