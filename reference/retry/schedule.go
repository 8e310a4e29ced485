package retry

import "time"

// Status is what has happened to a payment in the present round of attempts. A round begins
// when the wallet accepts the payment, when the program starts, and when the user asks for
// it. Elapsed and Dials also restart when the link comes up or the bank answers another
// payment.
type Status struct {
	Elapsed time.Duration // since the first attempt of the round was due
	Limited bool          // the payment has a deadline
	Left    time.Duration // until the deadline; after it, below or at zero
	Unsent  bool          // nothing of the payment has left the device

	Early, Late int  // attempts that reached a connection, before the deadline and after it
	Dials       int  // attempts that found no connection
	Connected   bool // the last attempt reached a connection
	Silent      bool // the last attempt had no answer

	// Stale: the last attempt failed on a connection that had worked before, and that may
	// have been dead for long. The next attempt comes at once, on a new connection.
	Stale bool
	// Wait is how long the bank cannot give a new answer, because its clock is behind the
	// device's and has not reached the deadline. 0 is not known.
	Wait time.Duration
}

// Action is what the wallet does next with a payment.
type Action uint8

// The actions.
const (
	ActionUnknown Action = iota
	Send                 // make an attempt after a pause
	Expire               // the deadline has passed and nothing has left the device: it ends here
	Rest                 // the attempts of the round are spent
)

// String returns the action in lower case.
func (a Action) String() string {
	switch a {
	case Send:
		return "send"
	case Expire:
		return "expire"
	case Rest:
		return "rest"
	case ActionUnknown:
	}
	return "unknown"
}

// Step is the next action for a payment, and its time.
type Step struct {
	Action Action
	// The pause before an attempt is drawn uniformly between Least and Most, and cut
	// off at Cut unless that is 0.
	Least, Most, Cut time.Duration
	// Wake: an answer to another payment, or the link coming up, ends the pause.
	Wake bool
}

// Early is how many of the attempts of a round may be made before a deadline; 0
// is no bound.
func (p *Policy) Early() int { return p.Attempts - p.Attempts/3 }

// Next returns the next step for a payment with the status s. It depends on nothing else.
// The caller has called [Policy.WithDefaults].
func (p *Policy) Next(s Status) Step {
	late := s.Limited && s.Left <= 0
	bound := p.Attempts
	if s.Limited {
		bound = p.Early()
	}
	spent := p.Attempts > 0 && s.Early >= bound
	switch {
	case late && s.Unsent:
		return Step{Action: Expire}
	case p.Attempts > 0 && s.Early+s.Late >= p.Attempts:
		return Step{Action: Rest}
	case s.Early+s.Late+s.Dials == 0, s.Stale && (!spent || late):
		return Step{Action: Send}
	case spent && !late: // the bank can give a final answer from the deadline on
		return Step{Action: Send, Least: s.Left, Most: s.Left + p.limit(1, 0)}
	}
	step := p.pause(&s, late)
	if s.Unsent && s.Limited {
		step.Cut = s.Left
	}
	return step
}

// pause is Next for a payment that has attempts left.
func (p *Policy) pause(s *Status, late bool) Step {
	step := Step{Action: Send, Wake: s.Silent}
	switch {
	case !s.Connected:
		step.Most = p.limit(max(s.Dials, 1), s.Elapsed)
	case late: // the pauses start short again
		step.Least = min(s.Wait, p.Ceiling) // the bank's clock may be set meanwhile
		step.Most = max(step.Least, p.limit(s.Late+1, -s.Left))
	default:
		step.Most = p.limit(s.Early, s.Elapsed)
		if p.Attempts > 0 && s.Early >= p.Early()*2/3 {
			step.Most = max(step.Most, min(s.Elapsed, maxPause))
			step.Least = step.Most / 2
		}
	}
	return step
}

// maxPause keeps sums of pauses and times from overflowing. It is longer than any
// payment is valid.
const maxPause = 60 * 24 * time.Hour
