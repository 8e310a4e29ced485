package wallet

import (
	"fmt"
	"time"

	"github.com/onebar/onebar/reference/outbox"
	"github.com/onebar/onebar/reference/pay"
)

// verdict is the state a final answer to p leads to, with the reason for people. A
// key in conflict means that the bank holds other content under it and so will
// never book this content. Now is by the phone's clock.
func verdict(p *pay.Payment, a *pay.Answer, now time.Time) (outbox.State, string, *pay.Answer) {
	switch a.Result {
	case pay.Confirmed:
		return outbox.Confirmed, "", a
	case pay.Declined:
		reason := a.Reason.String()
		if a.Reason == pay.AlreadyPaid {
			reason = fmt.Sprintf("the order was paid before, with transfer %d: do not pay it again", a.Transfer)
		}
		if note := clockNote(p, a, now); note != "" {
			reason += "; " + note
		}
		return outbox.Declined, reason, a
	case pay.Expired:
		reason := "the bank had not booked it by its deadline"
		if note := clockNote(p, a, now); note != "" {
			reason += ": " + note + ", and pay again"
		}
		return outbox.Expired, reason, a
	case pay.Conflict:
		return outbox.Declined, "the bank has another payment with this key", a
	case pay.Unknown, pay.NotFound, pay.Refused:
	}
	return outbox.Unknown, a.Result.String(), nil
}

// clockSlack is how far a phone's clock may be from the bank's before its user is
// told. It is above what phones on a mobile network show, and above most of the
// time for which an answer is under way.
const clockSlack = 2 * time.Minute

// clockNote says that the phone's clock is wrong, if the bank's answer shows it. The
// bank decided in what is the future of this phone: it is behind. The bank decided
// before the payment was made: it is ahead. That an answer is old shows nothing: the
// bank repeats what it said before.
func clockNote(p *pay.Payment, a *pay.Answer, now time.Time) string {
	at, made := time.UnixMilli(a.At), time.UnixMilli(p.Created)
	switch {
	case at.Sub(now) > clockSlack:
		return fmt.Sprintf("this phone's clock is about %s behind the bank's: set it", about(at.Sub(now)))
	case made.Sub(at) > clockSlack:
		return fmt.Sprintf("this phone's clock is about %s ahead of the bank's: set it", about(made.Sub(at)))
	}
	return ""
}

// about rounds a duration for people.
func about(d time.Duration) string {
	for _, u := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "days"}, {time.Hour, "hours"}} {
		if d >= 2*u.size {
			return fmt.Sprintf("%d %s", (d+u.size/2)/u.size, u.name)
		}
	}
	return fmt.Sprintf("%d minutes", (d+time.Minute/2)/time.Minute)
}
