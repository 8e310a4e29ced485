package retry

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestNext(t *testing.T) {
	const (
		sec  = time.Second
		min  = time.Minute
		hour = time.Hour
	)
	send := func(least, most time.Duration) Step { return Step{Action: Send, Least: least, Most: most} }
	wake := func(s Step) Step { s.Wake = true; return s }
	free, bound := Policy{}.WithDefaults(), Policy{Attempts: 18}.WithDefaults()
	cases := []struct {
		name   string
		policy Policy
		s      Status
		want   Step
	}{
		{"a new payment goes at once", free, Status{}, send(0, 0)},
		{"and so does one with a deadline", free, Status{Limited: true, Left: min, Unsent: true}, send(0, 0)},
		{"the first dial found nothing", free, Status{Unsent: true, Dials: 1, Silent: true, Elapsed: 8 * sec}, wake(send(0, sec))},
		{"dials back off", free, Status{Unsent: true, Dials: 4, Silent: true, Elapsed: min}, wake(send(0, 8*sec))},
		{"to a cap", free, Status{Unsent: true, Dials: 9, Silent: true, Elapsed: 3 * min}, wake(send(0, 20*sec))},
		{"which grows with a long outage", free, Status{Unsent: true, Dials: 100, Silent: true, Elapsed: hour}, wake(send(0, hour/32))},
		{"to five minutes, without end", free, Status{Unsent: true, Dials: 4000, Silent: true, Elapsed: 300 * hour}, wake(send(0, 5*min))},
		{"dials are not bounded by Attempts", bound, Status{Unsent: true, Dials: 4000, Silent: true, Elapsed: 300 * hour}, wake(send(0, 5*min))},
		{"a pause ends at the deadline of what never left", free, Status{Limited: true, Left: 3 * sec, Unsent: true, Dials: 9, Silent: true}, Step{Action: Send, Most: 20 * sec, Cut: 3 * sec, Wake: true}},
		{"but not of what did", free, Status{Limited: true, Left: 3 * sec, Dials: 9, Silent: true}, wake(send(0, 20*sec))},
		{"what never left expires", free, Status{Limited: true, Left: 0, Unsent: true, Dials: 9}, Step{Action: Expire}},
		{"what never left expires, whatever was spent", bound, Status{Limited: true, Left: -min, Unsent: true, Early: 18}, Step{Action: Expire}},

		{"no answer", free, Status{Early: 1, Connected: true, Silent: true, Elapsed: 8 * sec}, wake(send(0, sec))},
		{"no answer again and again", free, Status{Early: 500, Connected: true, Silent: true, Elapsed: 300 * hour}, wake(send(0, 5*min))},
		{"the bank was busy: it is left alone", free, Status{Early: 3, Connected: true}, send(0, 4*sec)},
		{"a connection that had died is replaced at once", free, Status{Early: 3, Connected: true, Silent: true, Stale: true}, send(0, 0)},

		{"before a deadline two thirds of the attempts", bound, Status{Limited: true, Left: min, Early: 7, Connected: true, Silent: true}, wake(send(0, 20*sec))},
		{"the last of them sparingly", bound, Status{Limited: true, Left: min, Early: 8, Connected: true, Silent: true, Elapsed: 2 * min}, wake(send(min, 2*min))},
		{"then it waits for the deadline", bound, Status{Limited: true, Left: min, Early: 12, Connected: true, Silent: true}, send(min, min+sec)},
		{"also on a dead connection", bound, Status{Limited: true, Left: min, Early: 12, Connected: true, Silent: true, Stale: true}, send(min, min+sec)},
		{"the pauses begin small again", bound, Status{Limited: true, Left: -sec, Early: 12, Connected: true, Silent: true, Elapsed: hour}, wake(send(0, sec))},
		{"after the deadline the rest", bound, Status{Limited: true, Left: -min, Early: 12, Late: 5, Connected: true, Silent: true}, wake(send(0, 20*sec))},
		{"of the attempts", bound, Status{Limited: true, Left: -min, Early: 12, Late: 6, Connected: true, Silent: true}, Step{Action: Rest}},
		{"the bank's clock is far behind, or was for a moment", free, Status{Limited: true, Left: -sec, Late: 1, Connected: true, Wait: 1000 * hour}, send(5*min, 5*min)},
		{"the bank's clock is behind", free, Status{Limited: true, Left: -sec, Late: 1, Connected: true, Wait: min}, send(min, min)},
		{"without a deadline all of them", bound, Status{Early: 17, Connected: true, Silent: true, Elapsed: min}, wake(send(min/2, min))},
		{"and then it rests", bound, Status{Early: 18, Connected: true, Silent: true}, Step{Action: Rest}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, c.policy.Next(c.s), c.want.Action)
		})
	}
}

// TestScheduleKeepsItsBounds plays payments against a bank that never answers:
// attempts that reach a connection stay within Policy.Attempts, nothing is sent
// after it rests, and without a bound no pause is longer than the ceiling.
func TestScheduleKeepsItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{Attempts: rapid.IntRange(0, 30).Draw(t, "attempts")}.WithDefaults()
		s := Status{Limited: rapid.Bool().Draw(t, "limited"), Unsent: true, Silent: true}
		deadline := time.Duration(rapid.IntRange(1, 100_000).Draw(t, "deadline")) * time.Second
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			s.Left = deadline - s.Elapsed
			step := p.Next(s)
			if step.Action != Send {
				require.True(t, step.Action == Expire || p.Attempts > 0 || !s.Limited && s.Unsent)
				return
			}
			require.True(t, 0 <= step.Least && step.Least <= step.Most, "%v to %v", step.Least, step.Most)
			if p.Attempts == 0 {
				require.LessOrEqual(t, step.Most, p.Ceiling)
			}
			s.Elapsed += time.Duration(rapid.Int64Range(int64(step.Least), int64(step.Most)).Draw(t, "pause"))
			if step.Cut > 0 {
				s.Elapsed = min(s.Elapsed, deadline)
			}
			s.Left = deadline - s.Elapsed
			late := s.Limited && s.Left <= 0
			if late && s.Unsent {
				continue
			}
			s.Connected = rapid.Bool().Draw(t, "connected")
			switch {
			case !s.Connected:
				s.Dials++
			case late:
				s.Late++
			default:
				s.Early++
			}
			s.Unsent = s.Unsent && !s.Connected
			require.True(t, p.Attempts == 0 || s.Early+s.Late <= p.Attempts)
			s.Elapsed += time.Duration(rapid.IntRange(0, 24).Draw(t, "took")) * time.Second
		}
	})
}
