package wallet

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/outbox"
	"github.com/onebar/onebar/reference/pay"
)

func TestVerdict(t *testing.T) {
	const late = "the bank had not booked it by its deadline"
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name          string
		made, decided time.Duration // after now, by the clocks of the phone and of the bank
		result        pay.Result
		reason        pay.Reason
		state         outbox.State
		want          string
	}{
		{"confirmed", 0, 0, pay.Confirmed, pay.NoReason, outbox.Confirmed, ""},
		{"confirmed, six minutes slow", 0, 6 * time.Minute, pay.Confirmed, pay.NoReason, outbox.Confirmed, ""},
		{"no funds", 0, 0, pay.Declined, pay.NoFunds, outbox.Declined, "no funds"},
		{"paid before", 0, 0, pay.Declined, pay.AlreadyPaid, outbox.Declined, "the order was paid before, with transfer 7: do not pay it again"},
		{"late", -time.Hour, 0, pay.Expired, pay.NoReason, outbox.Expired, late},
		{"late, within the slack", -time.Hour, clockSlack, pay.Expired, pay.NoReason, outbox.Expired, late},
		{"late, and said hours ago", -5 * time.Hour, -4 * time.Hour, pay.Expired, pay.NoReason, outbox.Expired, late},
		{"six minutes slow", 0, 6*time.Minute + time.Second, pay.Expired, pay.NoReason, outbox.Expired, late + ": this phone's clock is about 6 minutes behind the bank's: set it, and pay again"},
		{"three hours slow", 0, 3 * time.Hour, pay.Expired, pay.NoReason, outbox.Expired, late + ": this phone's clock is about 3 hours behind the bank's: set it, and pay again"},
		{"exactly two hours slow", 0, 2 * time.Hour, pay.Expired, pay.NoReason, outbox.Expired, late + ": this phone's clock is about 2 hours behind the bank's: set it, and pay again"},
		{"fast, within the slack", 0, -clockSlack, pay.Declined, pay.NoFunds, outbox.Declined, "no funds"},
		{"ten minutes fast", -time.Second, -10 * time.Minute, pay.Declined, pay.NoFunds, outbox.Declined, "no funds; this phone's clock is about 10 minutes ahead of the bank's: set it"},
		{"a year fast", 0, -365 * 24 * time.Hour, pay.Declined, pay.NoFunds, outbox.Declined, "no funds; this phone's clock is about 365 days ahead of the bank's: set it"},
		{"conflict", 0, 0, pay.Conflict, pay.NoReason, outbox.Declined, "the bank has another payment with this key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := &pay.Payment{Created: now.Add(tt.made).UnixMilli()}
			a := &pay.Answer{Result: tt.result, Reason: tt.reason, At: now.Add(tt.decided).UnixMilli()}
			if tt.reason == pay.AlreadyPaid {
				a.Transfer = 7
			}
			state, reason, stored := verdict(p, a, now)
			require.Equal(t, tt.state, state)
			require.Equal(t, tt.want, reason)
			require.Equal(t, a, stored)
		})
	}
	for _, r := range []pay.Result{pay.NotFound, pay.Refused} {
		state, reason, stored := verdict(&pay.Payment{}, &pay.Answer{Result: r}, now)
		require.Equal(t, outbox.Unknown, state)
		require.Equal(t, r.String(), reason)
		require.Nil(t, stored)
	}
}
