package reference

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
)

// TestRestartOnARefusingDisk: a side whose disk is full, or whose sync fails, as it starts is
// down until the disk lets it start. A crash meanwhile keeps it down.
func TestRestartOnARefusingDisk(t *testing.T) {
	for _, side := range []harness.Side{harness.Client, harness.Server} {
		for _, fault := range []harness.DiskFault{{Full: true}, {Fail: true}} {
			for seed := range uint64(3) {
				inPhones(t, seed, func(p *pair, _ Options) {
					s := p.Subject.(*subject)
					p.shops("a")
					time.Sleep(100 * time.Millisecond)
					end := s.FaultDisks(side, fault)
					require.NoError(t, s.Crash(side))
					require.NoError(t, s.Restart(t.Context(), side))
					time.Sleep(time.Second)
					require.NoError(t, s.Crash(side))
					end()
					time.Sleep(time.Second)
					require.True(t, s.down(side), "the crash keeps it down")

					end = s.FaultDisks(side, fault)
					require.NoError(t, s.Restart(t.Context(), side))
					time.Sleep(time.Second)
					end()
					time.Sleep(time.Second)
					require.False(t, s.down(side), "%v %+v", side, fault)
					p.shops("b")
					time.Sleep(time.Minute)
					require.Len(t, p.postings()["o-b3"], 1)
				})
			}
		}
	}
}

// down reports whether a side is not running.
func (s *subject) down(side harness.Side) bool {
	if side == harness.Client {
		_, err := s.Held(nil) //nolint:staticcheck // it uses no context
		return err != nil
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	return s.server.ledger == nil
}

// TestRestartOnASlowDisk: a start takes no time, because others wait for the mutex meanwhile,
// and virtual time stands still then.
func TestRestartOnASlowDisk(t *testing.T) {
	inPhones(t, 1, func(p *pair, _ Options) {
		s := p.Subject.(*subject)
		p.shops("a")
		for _, side := range []harness.Side{harness.Client, harness.Server} {
			end := s.FaultDisks(side, harness.DiskFault{Slow: 20 * time.Second})
			require.NoError(t, s.Crash(side))
			began := time.Now()
			require.NoError(t, s.Restart(t.Context(), side))
			require.Less(t, time.Since(began), time.Millisecond, side)
			require.NoError(t, p.press(0, "p-"+side.String(), "o-"+side.String()))
			end()
		}
		time.Sleep(time.Minute)
		require.Len(t, p.postings()["o-server"], 1)
	})
}

// TestConfirmedAfterAFailedSync: a bank that starts again after a failed sync finds the
// booking in its log. It confirms it only when no power failure can take it back.
func TestConfirmedAfterAFailedSync(t *testing.T) {
	for seed := range uint64(5) {
		inPhones(t, seed, func(p *pair, _ Options) {
			s := p.Subject.(*subject)
			s.FaultDisks(harness.Server, harness.DiskFault{Fail: true})
			require.NoError(t, p.press(0, "p", "o"))
			for range 60 {
				if told := p.witness.of("p"); told[len(told)-1] == harness.Confirmed {
					break
				}
				time.Sleep(time.Second)
			}
			require.Equal(t, harness.Confirmed, p.witness.final(t, "p"))
			s.LoseUnsynced(harness.Server, true)
			require.NoError(t, s.Crash(harness.Server))
			require.NoError(t, s.Restart(t.Context(), harness.Server))
			require.Len(t, p.postings()["o"], 1)
		})
	}
}
