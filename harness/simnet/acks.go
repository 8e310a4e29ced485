package simnet

import "time"

// news is what an acknowledgement tells.
type news struct {
	acked   int           // segments
	sacked  int           // segments
	sample  time.Duration // round trip of a segment sent once, 0 if none
	repeats bool          // the peer got something twice
}

// ackIn takes the acknowledgement of a segment.
func (e *endpoint) ackIn(s *segment) {
	if s.ack > e.nxt || s.ack < e.una && s.sacks == 0 {
		return
	}
	if s.ack >= e.una {
		e.wnd = s.window
	}
	before, flying := e.una, e.out()
	var n news
	e.cumulative(s.ack, &n)
	e.selective(s, &n)
	advanced := e.una > before
	if advanced {
		e.retries = 0
		e.progress()
		if n.sample == 0 {
			n.sample = e.n.at - s.echo
		}
	}
	if n.sample > 0 {
		e.rtt.sample(n.sample, e.una, e.nxt)
		e.brake(n.sample, e.rtt.least, e.una, e.nxt)
	}
	e.probeAnswered(s, &n)
	e.settle(s, advanced)
	if advanced && e.phase != recovering && (e.limited || e.window < e.threshold && e.window < 2*float64(flying)) {
		e.grow(float64(n.acked), e.n.at, e.rtt.Mean)
	}
	e.heard(advanced)
	if (n.acked > 0 || n.sacked > 0) && e.detect() && e.phase == calm {
		e.recover()
	}
}

// heard sets the timer after an acknowledgement.
func (e *endpoint) heard(advanced bool) {
	switch {
	case e.xmitKind == timerPersist && e.una+e.wnd <= e.nxt:
		e.retries = 0 // it lives, but has no room yet
		return
	case e.xmitKind == timerPersist:
		e.rtt.backoff, e.retries = 0, 0
		e.stopTimer()
	case !advanced:
		return
	}
	if !e.setProbe(e.rtt.rto()) {
		e.setRTO()
	}
}

// cumulative takes an acknowledgement number.
func (e *endpoint) cumulative(to int64, n *news) {
	if to <= e.una {
		return
	}
	for e.head < len(e.sentQ) && e.sentQ[e.head].begin < to {
		p := &e.sentQ[e.head]
		if p.end > to { // a part of it
			p.begin = to
			break
		}
		if p.sacked {
			e.sackedOut--
		} else {
			e.arrived(p, n)
			n.acked++
		}
		e.clear(p)
		e.head++
	}
	e.una = to
	e.highest = max(e.highest, to)
	if drop := min(to-e.base, int64(len(e.buf))); drop > 0 {
		e.buf = e.buf[drop:]
		e.base += drop
		if e.writers > 0 || e.proxy != nil {
			e.notify()
		}
	}
}

// clear takes a segment that has arrived out of the lost ones.
func (s *sender) clear(p *sent) {
	if p.lost {
		p.lost = false
		s.lostOut--
	}
	if p.again {
		p.again = false
		s.resent--
	}
}

// selective takes the SACK blocks.
func (e *endpoint) selective(s *segment, n *news) {
	for i, b := range s.sack[:s.sacks] {
		if i == 0 && (b.end <= s.ack || s.sacks > 1 && s.sack[1].begin <= b.begin && b.end <= s.sack[1].end) {
			n.repeats = true // RFC 2883
			continue
		}
		for j := e.head; j < len(e.sentQ); j++ {
			p := &e.sentQ[j]
			if p.begin >= b.end {
				break
			}
			if p.sacked || p.begin < b.begin || p.end > b.end {
				continue
			}
			e.arrived(p, n)
			e.clear(p)
			p.sacked = true
			e.sackedOut++
			n.sacked++
		}
	}
}

// arrived notes that the peer has got p, for the round trip and for RACK.
func (e *endpoint) arrived(p *sent, n *news) {
	took := e.n.at - p.at
	if !p.ever {
		n.sample = max(n.sample, took)
		if p.end < e.highest {
			e.reordered = true
		}
	}
	e.highest = max(e.highest, p.end)
	if p.ever && took < e.rtt.least {
		return // of the first sending, not of the second
	}
	if p.at > e.rackAt || p.at == e.rackAt && p.end > e.rackEnd {
		e.rackAt, e.rackEnd, e.rackRTT = p.at, p.end, took
	}
}

// patience is how much later than the newest segment that has arrived an older
// one may be before it counts as lost, RFC 8985 section 6.2.
func (e *endpoint) patience() time.Duration {
	const duplicates = 3 // RFC 5681's threshold
	if !e.reordered && (e.phase != calm || e.sackedOut >= duplicates) {
		return 0
	}
	return min(e.rtt.least/4, e.rtt.Mean)
}

// detect marks what RACK takes for lost, and sets a timer for what it may take
// for it soon.
func (e *endpoint) detect() (lost bool) {
	var wait time.Duration
	patience := e.patience()
	for i := e.head; i < len(e.sentQ); i++ {
		p := &e.sentQ[i]
		if p.sacked || p.lost && !p.again {
			continue
		}
		if p.at > e.rackAt || p.at == e.rackAt && p.end >= e.rackEnd {
			continue
		}
		if left := p.at + e.rackRTT + patience - e.n.at; left > 0 {
			wait = max(wait, left)
			continue
		}
		e.lose(p)
		lost = true
	}
	if wait > 0 {
		e.setTimer(timerReorder, wait)
	}
	return lost
}

// probeAnswered ends the tail loss probe that is out: one that repaired a loss
// counts as congestion, RFC 8985 section 7.4. As in Linux (tcp_process_tlp_ack), an
// acknowledgement of the probe alone does not say that yet, only one of something
// later, and until then there is no other probe but a time-out at once.
func (e *endpoint) probeAnswered(s *segment, n *news) {
	switch {
	case e.probed == 0 || s.ack < e.probed:
		return
	case !e.probeAgain || n.repeats:
	case s.ack > e.probed:
		if e.phase == calm {
			e.reduce()
			e.window = e.threshold
		}
	case n.acked+n.sacked+len(s.data) > 0:
		return
	}
	e.probed = 0
}

// settle ends a phase of repair when all is acknowledged that was sent before it,
// or when the timestamp shows that it was for nothing (RFC 3522).
func (e *endpoint) settle(s *segment, advanced bool) {
	if e.phase == calm || !advanced {
		return
	}
	if e.resentAt > 0 && s.echo > 0 && s.echo < e.resentAt {
		for i := e.head; i < len(e.sentQ); i++ {
			e.clear(&e.sentQ[i])
		}
		e.window, e.threshold = max(e.window, e.undoWindow), e.undoThreshold
		e.phase = calm
		return
	}
	if e.una >= e.until {
		if e.phase == recovering {
			e.window = e.threshold
		}
		e.phase = calm
	}
}
