package simnet

import (
	"syscall"
	"time"

	"github.com/onebar/onebar/harness"
)

// timer is what an endpoint waits for with what it has sent.
type timer uint8

const (
	timerNone    timer = iota
	timerRTO           // retransmission time-out
	timerProbe         // tail loss probe, RFC 8985 section 7
	timerReorder       // a segment that may be late rather than lost, RFC 8985 section 6.2
	timerPersist       // probe of a closed window
)

func (e *endpoint) setTimer(kind timer, d time.Duration) {
	e.xmitKind, e.xmitAt = kind, e.host.ends(d)
}

func (e *endpoint) stopTimer() { e.xmitKind, e.xmitAt = timerNone, never }

// untilRTO is how long it is until the first segment's time is out.
func (e *endpoint) untilRTO() time.Duration {
	if e.out() == 0 {
		return e.rtt.rto()
	}
	return max(e.queue()[0].at+e.rtt.rto()-e.n.at, 1)
}

// setProbe sets the timer to a tail loss probe, if one may be sent, no later than
// the time-out, which is rto from now.
func (e *endpoint) setProbe(rto time.Duration) bool {
	if e.out() == 0 || e.phase != calm || e.sackedOut > 0 {
		return false
	}
	d := time.Second
	if e.rtt.Mean > 0 {
		d = 2 * e.rtt.Mean
		if e.out() == 1 {
			d += harness.LeastTimeout // the peer may delay its acknowledgement
		} else {
			d += 2 * time.Millisecond
		}
	}
	e.setTimer(timerProbe, min(d, rto))
	return true
}

// setRTO sets the timer to the retransmission time-out.
func (e *endpoint) setRTO() {
	switch {
	case e.out() == 0:
		e.stopTimer()
	case e.xmitKind == timerProbe || e.xmitKind == timerReorder:
		e.setTimer(timerRTO, e.untilRTO())
	default:
		e.setTimer(timerRTO, e.rtt.rto())
	}
}

// timeOut does what the timer was set for.
func (e *endpoint) timeOut() {
	kind := e.xmitKind
	e.stopTimer()
	switch {
	case e.state == dialing || e.state == answering:
		e.repeatSYN()
	case e.state != open:
	case kind == timerRTO:
		e.collapse()
	case kind == timerProbe:
		e.probeTail()
	case kind == timerReorder:
		e.xmitKind = timerReorder
		if e.detect() && e.phase == calm {
			e.recover()
		}
		e.output()
		if e.xmitKind != timerRTO {
			e.setRTO()
		}
	case kind == timerPersist:
		e.probeWindow()
	}
}

func (e *endpoint) repeatSYN() {
	most := synRetries
	if e.state == answering {
		most = answerRetries
	}
	if e.retries >= most {
		e.fail(syscall.ETIMEDOUT)
		return
	}
	e.retries++
	e.rtt.backoff++
	e.sendSYN()
}

// stalled counts a time-out, and gives up after too long a silence.
func (e *endpoint) stalled() (over bool) {
	if e.retries == 0 {
		e.stalledAt = e.n.at
	}
	e.retries++
	patience := giveUp
	if e.closed {
		patience = giveUpOrphan
	}
	if e.retries > 1 && e.n.at-e.stalledAt >= patience {
		e.fail(syscall.ETIMEDOUT)
		return true
	}
	return false
}

// collapse is the retransmission time-out, RFC 6298 section 5.
func (e *endpoint) collapse() {
	if e.out() == 0 {
		return
	}
	again := e.retries > 0
	if e.stalled() {
		return
	}
	if e.phase == calm || !again && e.phase == recovering {
		e.enter(collapsed)
	}
	e.phase = collapsed
	for i := e.head; i < len(e.sentQ); i++ {
		p := &e.sentQ[i]
		// What was sent a moment ago may still arrive, RFC 8985 section 6.3.
		if i > e.head && p.at+e.rackRTT+e.patience() > e.n.at {
			continue
		}
		e.lose(p)
	}
	if p := &e.sentQ[e.head]; p.sacked {
		p.sacked = false // the peer has thrown away what it had
		e.sackedOut--
		e.lose(p)
	}
	e.window = float64(e.flying() + 1)
	e.until = e.nxt
	e.probed = 0
	e.rtt.backoff++
	e.setTimer(timerRTO, e.rtt.rto())
	e.output()
}

// enter begins a phase of repair: the window falls.
func (e *endpoint) enter(p phase) {
	e.undoWindow, e.undoThreshold = e.window, e.threshold
	e.resentAt = 0
	e.reduce()
	e.phase, e.until = p, e.nxt
}

// recover begins fast recovery: the first lost segment goes at once.
func (e *endpoint) recover() {
	e.enter(recovering)
	e.window = e.threshold
	if e.lostOut > e.resent {
		e.repair()
	}
}

// probeTail sends the last segment again, or a new one, to have the peer tell
// what it lacks.
func (e *endpoint) probeTail() {
	if e.probed == 0 && e.out() > 0 {
		nxt := e.nxt
		window := e.window
		e.window = float64(e.flying() + 1)
		fresh := e.sendNext()
		e.window = window
		if !fresh {
			e.resend(len(e.sentQ) - 1)
		}
		e.probed, e.probeAgain = e.nxt, nxt == e.nxt
		e.setRTO()
		return
	}
	e.xmitKind = timerProbe // the time-out counts from the first segment
	e.setRTO()
}

// probeWindow asks whether a closed window has opened.
func (e *endpoint) probeWindow() {
	if e.stalled() {
		return
	}
	e.emit(ack, e.una-1, nil)
	e.rtt.backoff++
	e.setTimer(timerPersist, e.rtt.rto())
}
