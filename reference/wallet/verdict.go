package wallet

import (
	"fmt"
	"time"

	"github.com/onebar/onebar/reference/outbox"
	"github.com/onebar/onebar/reference/pay"
)

// verdict returns the state of p after a final answer, with the reason in words. A conflict
// means that the bank has other content for this key, so it will never book this content.
// now is the time of the phone's clock.
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

// clockSlack is the largest difference between a phone's clock and the bank's of which the
// user is not told. It is larger than the usual error of phones on a mobile network, and
// than the usual delay of an answer.
const clockSlack = 2 * time.Minute

// clockNote says that the phone's clock is wrong, if the bank's answer shows that. If the
// bank decided in the future of the phone's clock, the phone is behind. If the bank decided
// before the payment was made, the phone is ahead. An old answer shows nothing, because
// the bank repeats earlier answers.
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
