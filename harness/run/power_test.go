package run_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/run"
)

// powered is a subject that makes one commit, whose power may fail at it: as its
// server starts again, or if it does not, because no event waits for it any more.
type powered struct {
	subject
	starting bool
	told     func() // of a power failure at the commit; nil is none
}

func (p *powered) Abilities() harness.Abilities {
	return p.subject.Abilities() | harness.CommitsOf(harness.SideUnknown)
}
func (p *powered) Commits(harness.Side) int64 { return 0 }
func (p *powered) FailCommit(_ harness.Side, n int64, _ bool, told func()) {
	if n == 0 && !p.starting {
		p.commit()
	}
	p.told = told
}

// commit reports whether the power has failed at it.
func (p *powered) commit() bool {
	told := p.told
	p.told = nil
	if told != nil {
		told()
	}
	return told != nil
}

func (p *powered) Restart(ctx context.Context, side harness.Side) error {
	if p.starting && p.commit() {
		p.note("restart without power")
		return errors.New("the disk has lost its power")
	}
	return p.subject.Restart(ctx, side)
}

// A side whose power fails at a commit is crashed and started again, whenever that
// commit comes.
func TestPowerFailsAtABadMoment(t *testing.T) {
	at := harness.Event{
		When: &harness.Trigger{Commit: 1, Side: harness.Server}, Action: harness.Crash, Side: harness.Server, Restart: time.Second,
	}
	for name, tc := range map[string]struct {
		timeline []harness.Event
		starting bool
		want     []string
	}{
		"as it starts again": {
			[]harness.Event{{At: 2 * time.Second, Action: harness.Crash, Side: harness.Server, Restart: time.Second}, at},
			true,
			[]string{"2s crash server", "3s restart without power", "3s crash server", "4s restart server"},
		},
		"as the script ends": {
			[]harness.Event{at}, false, []string{"10s crash server", "10s restart server"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &bench{begin: time.Now()}
				sc := scenario()
				sc.Timeline = tc.timeline
				o := options(t, b)
				o.Subject = &powered{subject: subject{b}, starting: tc.starting}
				res, err := run.Run(t.Context(), sc, o)
				require.NoError(t, err)
				require.Empty(t, res.Error)
				var got []string
				for _, n := range b.notes {
					if !strings.Contains(n, "link") {
						got = append(got, n)
					}
				}
				require.Equal(t, tc.want, got)
			})
		})
	}
}
