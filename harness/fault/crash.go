package fault

import (
	"context"
	"fmt"

	"github.com/onebar/onebar/harness"
)

// crash kills a side until its restart. With Event.Vanish the other side is not told,
// as when the power goes. On a disk it is a power failure: the seed decides what is kept of
// what was not synced, or with Event.Lose nothing is. It hits something if a payment is under way when the side
// dies or when it comes back, and the commit that it begins at.
func crash() Fault {
	return Fault{
		Action: harness.Crash, Keys: append(ofWallets(), "phase", "restart", "vanish", "lose_unsynced"), Length: Restarting, Ends: "a crash lasts until the restart",
		Starts: AtPacket | AtCommit | AtRequest, Random: true, OnSide: true, Stops: true, Victim: true, Begin: beginCrash, Sweep: sweepCrash,
		Needs: func(e harness.Event) harness.Abilities {
			needs := harness.CrashOf(one(e))
			if e.Vanish {
				needs |= harness.CutPower | chooses(e)
			}
			if e.Lose {
				needs |= harness.ChooseLoss
			}
			return needs
		},
		Name:  func(e harness.Event) string { return "crash of the " + e.Side.String() },
		State: func(e harness.Event) string { return e.Side.String() + " down" },
	}
}

func beginCrash(s *Scene, e harness.Event) (End, error) {
	crasher, ok := s.Subject.(harness.Crasher)
	if !ok {
		return nil, fmt.Errorf("crash the %s: this subject has no way to", e.Side)
	}
	hits := s.Open()
	back := func() int64 { return 0 }
	if e.Vanish {
		var err error
		if back, err = s.inject(harness.Fault{Action: harness.Vanish, Side: e.Side}); err != nil {
			return nil, fmt.Errorf("vanish: %w", err)
		}
	}
	for _, side := range s.machines(e) {
		ChooseLoss(s.Subject, e)
		if err := crasher.Crash(side); err != nil {
			return nil, fmt.Errorf("crash the %s: %w", side, err)
		}
		s.Killed()
	}
	return func(ctx context.Context) (int64, error) {
		back()
		hits = max(hits, s.Open())
		// What another crash keeps down is not restarted. If its power fails at a commit
		// that it makes as it starts, it crashes again and is restarted after that.
		for _, side := range s.machines(e) {
			if err := crasher.Restart(ctx, side); err != nil && !s.Failing(e.Side) {
				return int64(hits), fmt.Errorf("restart the %s: %w", side, err)
			}
		}
		return int64(hits), nil
	}, nil
}

// ChooseLoss tells a subject that can choose what the power failure of a crash loses.
func ChooseLoss(subject any, e harness.Event) {
	if l, ok := subject.(harness.PowerLoser); ok && e.Action == harness.Crash {
		l.LoseUnsynced(e.Side, e.Lose)
	}
}

// sweepCrash does each crash twice where a power failure loses data: what was not synced is
// drawn by the seed, and all of it is lost. One draw says little: half of the draws keep
// what a program forgot to sync.
func sweepCrash(s Spans) []Swept {
	var list []Swept
	for _, side := range sides() {
		crash := harness.Event{Action: harness.Crash, Side: side, Restart: s.Restart}
		vanish := crash
		vanish.Vanish = true
		list = append(list,
			Swept{fmt.Sprintf("crash %s", side), crash, AnyPacket | AnyRequest},
			Swept{fmt.Sprintf("vanish %s", side), vanish, AnyPacket},
			Swept{fmt.Sprintf("crash %s before commit", side), crash, BeforeCommit},
			Swept{fmt.Sprintf("crash %s after commit", side), crash, AfterCommit},
		)
		for _, drawn := range list[len(list)-4:] {
			drawn.Name += ", unsynced lost"
			drawn.Event.Lose = true
			list = append(list, drawn)
		}
	}
	return list
}
