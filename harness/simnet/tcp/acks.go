package tcp

import "time"

// news is what an acknowledgement tells.
type news struct {
	acked   int           // segments
	sacked  int           // segments
	sample  time.Duration // round trip of a segment sent once, 0 if none
	repeats bool          // the peer got something twice
}

func (c *Conn) ackIn(s *Segment) {
	if s.Ack > c.nxt || s.Ack < c.una && s.SACKs == 0 {
		return
	}
	if s.Ack >= c.una {
		c.wnd = s.Window
	}
	before, flying := c.una, c.out()
	var n news
	c.cumulative(s.Ack, &n)
	c.selective(s, &n)
	advanced := c.una > before
	if advanced {
		c.retries = 0
		c.progress()
		if n.sample == 0 {
			n.sample = c.now - s.Echo
		}
	}
	if n.sample > 0 {
		c.rtt.sample(n.sample, c.una, c.nxt)
		c.brake(n.sample, c.rtt.least, c.una, c.nxt)
	}
	c.probeAnswered(s, &n)
	c.settle(s, advanced)
	if advanced && c.phase != recovering && (c.limited || c.window < c.threshold && c.window < 2*float64(flying)) {
		c.grow(float64(n.acked), c.now, c.rtt.Mean)
	}
	c.heard(advanced)
	if (n.acked > 0 || n.sacked > 0) && c.detect() && c.phase == calm {
		c.recover()
	}
}

// heard sets the timer after an acknowledgement.
func (c *Conn) heard(advanced bool) {
	switch {
	case c.xmitKind == timerPersist && c.una+c.wnd <= c.nxt:
		c.retries = 0 // it lives, but has no room yet
		return
	case c.xmitKind == timerPersist:
		c.rtt.backoff, c.retries = 0, 0
		c.stopTimer()
	case !advanced:
		return
	}
	if !c.setProbe(c.rtt.rto()) {
		c.setRTO()
	}
}

// cumulative takes an acknowledgement number.
func (c *Conn) cumulative(to int64, n *news) {
	if to <= c.una {
		return
	}
	for c.head < len(c.sentQ) && c.sentQ[c.head].Begin < to {
		p := &c.sentQ[c.head]
		if p.End > to { // a part of it
			p.Begin = to
			break
		}
		if p.sacked {
			c.sackedOut--
		} else {
			c.arrived(p, n)
			n.acked++
		}
		c.clear(p)
		c.head++
	}
	c.una = to
	c.highest = max(c.highest, to)
	if drop := min(to-c.base, int64(len(c.buf))); drop > 0 {
		c.buf = c.buf[drop:]
		c.base += drop
		c.owner.Acked()
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
func (c *Conn) selective(s *Segment, n *news) {
	for i, b := range s.SACK[:s.SACKs] {
		if i == 0 && (b.End <= s.Ack || s.SACKs > 1 && s.SACK[1].Begin <= b.Begin && b.End <= s.SACK[1].End) {
			n.repeats = true // RFC 2883
			continue
		}
		for j := c.head; j < len(c.sentQ); j++ {
			p := &c.sentQ[j]
			if p.Begin >= b.End {
				break
			}
			if p.sacked || p.Begin < b.Begin || p.End > b.End {
				continue
			}
			c.arrived(p, n)
			c.clear(p)
			p.sacked = true
			c.sackedOut++
			n.sacked++
		}
	}
}

// arrived notes that the peer has got p, for the round trip and for RACK.
func (c *Conn) arrived(p *sent, n *news) {
	took := c.now - p.at
	if !p.ever {
		n.sample = max(n.sample, took)
		if p.End < c.highest {
			c.reordered = true
		}
	}
	c.highest = max(c.highest, p.End)
	if p.ever && took < c.rtt.least {
		return // of the first sending, not of the second
	}
	if p.at > c.rackAt || p.at == c.rackAt && p.End > c.rackEnd {
		c.rackAt, c.rackEnd, c.rackRTT = p.at, p.End, took
	}
}

// patience is how much later than the newest segment that has arrived an older
// one may be before it counts as lost, RFC 8985 section 6.2.
func (c *Conn) patience() time.Duration {
	const duplicates = 3 // RFC 5681's threshold
	if !c.reordered && (c.phase != calm || c.sackedOut >= duplicates) {
		return 0
	}
	return min(c.rtt.least/4, c.rtt.Mean)
}

// detect marks what RACK takes for lost, and sets a timer for what it may take
// for it soon.
func (c *Conn) detect() (lost bool) {
	var wait time.Duration
	patience := c.patience()
	for i := c.head; i < len(c.sentQ); i++ {
		p := &c.sentQ[i]
		if p.sacked || p.lost && !p.again {
			continue
		}
		if p.at > c.rackAt || p.at == c.rackAt && p.End >= c.rackEnd {
			continue
		}
		if left := p.at + c.rackRTT + patience - c.now; left > 0 {
			wait = max(wait, left)
			continue
		}
		c.lose(p)
		lost = true
	}
	if wait > 0 {
		c.setTimer(timerReorder, wait)
	}
	return lost
}

// probeAnswered ends the tail loss probe that is out: one that repaired a loss
// counts as congestion, RFC 8985 section 7.4. As in Linux (tcp_process_tlp_ack), an
// acknowledgement of the probe alone does not say that yet, only one of something
// later, and until then there is no other probe but a time-out at once.
func (c *Conn) probeAnswered(s *Segment, n *news) {
	switch {
	case c.probed == 0 || s.Ack < c.probed:
		return
	case !c.probeAgain || n.repeats:
	case s.Ack > c.probed:
		if c.phase == calm {
			c.reduce()
			c.window = c.threshold
		}
	case n.acked+n.sacked+len(s.Data) > 0:
		return
	}
	c.probed = 0
}

// settle ends a phase of repair when all is acknowledged that was sent before it,
// or when the timestamp shows that it was for nothing (RFC 3522).
func (c *Conn) settle(s *Segment, advanced bool) {
	if c.phase == calm || !advanced {
		return
	}
	if c.resentAt > 0 && s.Echo > 0 && s.Echo < c.resentAt {
		for i := c.head; i < len(c.sentQ); i++ {
			c.clear(&c.sentQ[i])
		}
		c.window, c.threshold = max(c.window, c.undoWindow), c.undoThreshold
		c.phase = calm
		return
	}
	if c.una >= c.until {
		if c.phase == recovering {
			c.window = c.threshold
		}
		c.phase = calm
	}
}
