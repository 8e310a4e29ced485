package explore

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/run"
)

// Live is a Runner in real time, in this process. It makes as many runs at a time
// as it is asked for.
type Live struct {
	Engine harness.Engine
	// New returns a fresh subject, and what frees whatever it was given when the run
	// is over.
	New     func(harness.Scenario) (s harness.Subject, free func() error, err error)
	Version string // of the program, for the header
}

// Run implements Runner. A case that keeps nothing has a folder while it lasts.
func (l Live) Run(ctx context.Context, c Case) (report Report, err error) {
	subject, free, err := l.New(c.Scenario)
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, free()) }()
	kept := c.Dir != ""
	if !kept {
		if c.Dir, err = os.MkdirTemp("", "onebar-run-"); err != nil {
			return Report{}, fmt.Errorf("make a folder for a run: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(c.Dir)) }()
	}
	report, err = carryOut(ctx, c, run.Options{Engine: l.Engine, Subject: subject, Version: l.Version})
	if !kept {
		report.Result.HistoryFile = ""
	}
	return report, err
}
