package cases

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/bubble"
	"github.com/onebar/onebar/harness/run"
	"github.com/onebar/onebar/harness/simnet"
)

// New returns a fresh subject for a scenario. free is called after the run and gives
// back what the subject was given.
type New func(harness.Scenario) (s harness.Subject, free func() error, err error)

// Simulator is a Runner in this process and in virtual time, one run at a time. If a
// case asks for Verify, it makes the run twice.
type Simulator struct {
	New     New                          // called in the bubble of the run
	Version string                       // of the program, for the header
	Watch   func(done int, state string) // as in run.Options

	RealLimit time.Duration // as in bubble.Options
}

// spare is how much longer than its script and its settle a run may take, in
// virtual time.
const spare = 10 * time.Minute

// Run implements Runner.
func (s Simulator) Run(ctx context.Context, c Case) (Report, error) {
	report, err := s.once(ctx, c)
	if err != nil || !c.Verify {
		return report, err
	}
	v, err := s.verify(ctx, c, report.Result)
	report.Result.Verdicts = append(report.Result.Verdicts, v)
	report.Result.Status = report.Result.Status.Worse(v.Status)
	return report, err
}

func (s Simulator) once(ctx context.Context, c Case) (Report, error) {
	o := bubble.Options{
		Seed: c.Seed, RealLimit: s.RealLimit, Start: c.Scenario.Start(),
		VirtualLimit: c.Scenario.Duration() + c.Scenario.Settle + spare,
	}
	var done atomic.Pointer[Report] // a run that hangs may still write it
	err := bubble.Run(ctx, o, func(ctx context.Context) (err error) {
		subject, free, err := s.New(c.Scenario)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, free()) }()
		report, err := carryOut(ctx, c, run.Options{
			Engine: simnet.Engine{}, Subject: subject, Version: s.Version, Watch: s.Watch,
		})
		done.Store(&report)
		return err
	})
	if report := done.Load(); report != nil {
		return *report, err
	}
	return Report{}, err
}
