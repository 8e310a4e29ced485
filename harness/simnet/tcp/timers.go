package tcp

import (
	"syscall"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
)

// timer is what a connection waits for with what it has sent.
type timer uint8

const (
	timerNone    timer = iota
	timerRTO           // retransmission time-out
	timerProbe         // tail loss probe, RFC 8985 section 7
	timerReorder       // a segment that may be late rather than lost, RFC 8985 section 6.2
	timerPersist       // probe of a closed window
)

func (c *Conn) setTimer(kind timer, d time.Duration) {
	c.xmitKind, c.xmitAt = kind, c.ends(d)
}

func (c *Conn) stopTimer() { c.xmitKind, c.xmitAt = timerNone, access.Never }

// untilRTO is how long it is until the first segment's time is out.
func (c *Conn) untilRTO() time.Duration {
	if c.out() == 0 {
		return c.rtt.rto()
	}
	return max(c.queue()[0].at+c.rtt.rto()-c.now, 1)
}

// setProbe sets the timer to a tail loss probe, if one may be sent, no later than
// the time-out, which is rto from now.
func (c *Conn) setProbe(rto time.Duration) bool {
	if c.out() == 0 || c.phase != calm || c.sackedOut > 0 {
		return false
	}
	d := time.Second
	if c.rtt.Mean > 0 {
		d = 2 * c.rtt.Mean
		if c.out() == 1 {
			d += harness.LeastTimeout // the peer may delay its acknowledgement
		} else {
			d += 2 * time.Millisecond
		}
	}
	c.setTimer(timerProbe, min(d, rto))
	return true
}

func (c *Conn) setRTO() {
	switch {
	case c.out() == 0:
		c.stopTimer()
	case c.xmitKind == timerProbe || c.xmitKind == timerReorder:
		c.setTimer(timerRTO, c.untilRTO())
	default:
		c.setTimer(timerRTO, c.rtt.rto())
	}
}

func (c *Conn) timeOut() {
	kind := c.xmitKind
	c.stopTimer()
	switch {
	case c.state == dialing || c.state == answering:
		c.repeatSYN()
	case c.state != open:
	case kind == timerRTO:
		c.collapse()
	case kind == timerProbe:
		c.probeTail()
	case kind == timerReorder:
		c.xmitKind = timerReorder
		if c.detect() && c.phase == calm {
			c.recover()
		}
		c.output()
		if c.xmitKind != timerRTO {
			c.setRTO()
		}
	case kind == timerPersist:
		c.probeWindow()
	}
}

func (c *Conn) repeatSYN() {
	most := synRetries
	if c.state == answering {
		most = answerRetries
	}
	if c.retries >= most {
		c.Fail(syscall.ETIMEDOUT)
		return
	}
	c.retries++
	c.rtt.backoff++
	c.sendSYN()
}

// stalled counts a time-out, and gives up after too long a silence.
func (c *Conn) stalled() (over bool) {
	if c.retries == 0 {
		c.stalledAt = c.now
	}
	c.retries++
	patience := giveUp
	if c.closed {
		patience = giveUpOrphan
	}
	if c.retries > 1 && c.now-c.stalledAt >= patience {
		c.Fail(syscall.ETIMEDOUT)
		return true
	}
	return false
}

// collapse is the retransmission time-out, RFC 6298 section 5.
func (c *Conn) collapse() {
	if c.out() == 0 {
		return
	}
	again := c.retries > 0
	if c.stalled() {
		return
	}
	if c.phase == calm || !again && c.phase == recovering {
		c.enter(collapsed)
	}
	c.phase = collapsed
	for i := c.head; i < len(c.sentQ); i++ {
		p := &c.sentQ[i]
		// What was sent a moment ago may still arrive, RFC 8985 section 6.3.
		if i > c.head && p.at+c.rackRTT+c.patience() > c.now {
			continue
		}
		c.lose(p)
	}
	if p := &c.sentQ[c.head]; p.sacked {
		p.sacked = false // the peer has thrown away what it had
		c.sackedOut--
		c.lose(p)
	}
	c.window = float64(c.flying() + 1)
	c.until = c.nxt
	c.probed = 0
	c.rtt.backoff++
	c.setTimer(timerRTO, c.rtt.rto())
	c.output()
}

// enter begins a phase of repair: the window falls.
func (c *Conn) enter(p phase) {
	c.undoWindow, c.undoThreshold = c.window, c.threshold
	c.resentAt = 0
	c.reduce()
	c.phase, c.until = p, c.nxt
}

// recover begins fast recovery: the first lost segment goes at once.
func (c *Conn) recover() {
	c.enter(recovering)
	c.window = c.threshold
	if c.lostOut > c.resent {
		c.repair()
	}
}

// probeTail sends the last segment again, or a new one, to have the peer tell
// what it lacks.
func (c *Conn) probeTail() {
	if c.probed == 0 && c.out() > 0 {
		nxt := c.nxt
		window := c.window
		c.window = float64(c.flying() + 1)
		fresh := c.sendNext()
		c.window = window
		if !fresh {
			c.resend(len(c.sentQ) - 1)
		}
		c.probed, c.probeAgain = c.nxt, nxt == c.nxt
		c.setRTO()
		return
	}
	c.xmitKind = timerProbe // the time-out counts from the first segment
	c.setRTO()
}

// probeWindow asks whether a closed window has opened.
func (c *Conn) probeWindow() {
	if c.stalled() {
		return
	}
	c.emit(ack, c.una-1, nil)
	c.rtt.backoff++
	c.setTimer(timerPersist, c.rtt.rto())
}
