package atrest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/atrest"
)

const second = time.Second

// books returns a ledger that has booked at these offsets, and how often it was read.
func books(at ...time.Duration) (read func(context.Context) (harness.Ledger, error), reads *int) {
	begin := time.Now()
	reads = new(int)
	return func(context.Context) (harness.Ledger, error) {
		*reads++
		var l harness.Ledger
		for i, a := range at {
			if time.Since(begin) >= a {
				l.Postings = append(l.Postings, harness.Posting{ID: fmt.Sprint(i)})
			}
		}
		if *reads%2 == 0 {
			slices.Reverse(l.Postings) // the order does not matter
		}
		return l, nil
	}, reads
}

func TestReader(t *testing.T) {
	for name, tc := range map[string]struct {
		quiet, most time.Duration
		at          []time.Duration
		took        time.Duration
		reads, has  int
		rest        bool
		says        string
	}{
		"nothing":                {quiet: 5 * second, most: 30 * second, took: 5 * second, reads: 2, rest: true, says: "the ledger was at rest at 5s: unchanged since 0s, with 0 bookings"},
		"read once":              {most: 30 * second, at: []time.Duration{0, second}, reads: 1, has: 1, rest: true},
		"late":                   {quiet: 5 * second, most: 30 * second, at: []time.Duration{0, 4 * second}, took: 10 * second, reads: 3, has: 2, rest: true, says: "the ledger was at rest at 10s: unchanged since 5s, with 2 bookings; it changed after 0s, when it had 1"},
		"later than quiet":       {quiet: 5 * second, most: 30 * second, at: []time.Duration{0, 6 * second}, took: 5 * second, reads: 2, has: 1, rest: true, says: "the ledger was at rest at 5s: unchanged since 0s, with 1 booking"},
		"never at rest":          {quiet: 2 * second, most: 5 * second, at: []time.Duration{0, second, 3 * second, 5 * second}, took: 4 * second, reads: 3, has: 3, says: "the ledger was not at rest when settle was over: it had 3 bookings at 4s; it changed after 0s, when it had 1"},
		"most is less than that": {quiet: 5 * second, most: second, took: 5 * second, reads: 2, rest: true, says: "the ledger was at rest at 5s: unchanged since 0s, with 0 bookings"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				read, reads := books(tc.at...)
				r := atrest.Reader{Read: read, Quiet: tc.quiet, Most: tc.most, Start: begin}
				require.Empty(t, r.String())
				require.False(t, r.AtRest(), "nothing was read")
				l, err := r.Ledger(t.Context())
				require.NoError(t, err)
				require.Len(t, l.Postings, tc.has)
				require.Equal(t, tc.took, time.Since(begin))
				require.Equal(t, tc.reads, *reads)
				require.Equal(t, tc.rest, r.AtRest())
				require.Equal(t, tc.says, r.String())
				_, err = r.Ledger(t.Context())
				require.NoError(t, err)
				require.Equal(t, tc.reads+1, *reads, "it has not changed, or there is no more time")
				require.Equal(t, tc.took, time.Since(begin))
			})
		})
	}
}

// Any change is seen: of a balance, or of one field of a posting.
func TestReaderSeesEveryChange(t *testing.T) {
	one := harness.Ledger{
		Postings: []harness.Posting{{ID: "1", Payment: "p1", Amount: 5}},
		Balances: []harness.Balance{{Account: "w0", Closing: 7}},
	}
	for name, change := range map[string]func(*harness.Ledger){
		"amount":     func(l *harness.Ledger) { l.Postings[0].Amount++ },
		"payment":    func(l *harness.Ledger) { l.Postings[0].Payment = "p2" },
		"balance":    func(l *harness.Ledger) { l.Balances[0].Closing++ },
		"it is gone": func(l *harness.Ledger) { l.Postings = nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				other := harness.Ledger{Postings: slices.Clone(one.Postings), Balances: slices.Clone(one.Balances)}
				change(&other)
				contents := []harness.Ledger{one, other, other}
				r := atrest.Reader{Quiet: second, Most: 30 * second, Read: func(context.Context) (harness.Ledger, error) {
					now := contents[0]
					contents = contents[1:]
					return now, nil
				}}
				got, err := r.Ledger(t.Context())
				require.NoError(t, err)
				require.Equal(t, other, got)
				require.Empty(t, contents)
			})
		})
	}
}

func TestReaderThatCannotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := atrest.Reader{Quiet: second, Most: second, Read: func(context.Context) (harness.Ledger, error) { return harness.Ledger{}, harness.ErrNoLedger }}
		_, err := r.Ledger(t.Context())
		require.ErrorIs(t, err, harness.ErrNoLedger)
		require.False(t, r.AtRest())

		stop := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(second/2, func() { cancel(stop) })
		read, _ := books()
		r = atrest.Reader{Quiet: second, Most: second, Read: read}
		_, err = r.Ledger(ctx)
		require.ErrorIs(t, err, stop)
	})
}

// Whatever a ledger does, a reader waits at most the longer of Most and Quiet, and what is
// at rest was the same for Quiet.
func TestPropertyReader(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		quiet := time.Duration(rapid.IntRange(0, 5).Draw(rt, "quiet")) * second
		most := time.Duration(rapid.IntRange(0, 20).Draw(rt, "most")) * second
		var at []time.Duration
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, 30_000), 0, 9).Draw(rt, "bookings") {
			at = append(at, time.Duration(n)*time.Millisecond)
		}
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			read, _ := books(at...)
			r := atrest.Reader{Read: read, Quiet: quiet, Most: most, Start: begin}
			l, err := r.Ledger(t.Context())
			require.NoError(t, err)
			took := time.Since(begin)
			require.LessOrEqual(t, took, max(most, quiet))
			booked := 0
			for _, a := range at {
				if a <= took {
					booked++
				}
				if r.AtRest() && quiet > 0 {
					require.False(t, a > took-quiet && a <= took, "booked at %v, at rest at %v", a, took)
				}
			}
			require.Len(t, l.Postings, booked)
		})
	})
}
