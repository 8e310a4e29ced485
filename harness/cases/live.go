package cases

import (
	"context"
	"errors"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/coverage"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/run"
	"github.com/onebar/onebar/harness/scratch"
)

// Live is a Runner in this process and in real time. It makes as many runs at a time
// as it is asked for.
type Live struct {
	Engine  harness.Engine
	New     New
	Version string // of the program, for the header
}

// Run implements Runner. A case without Dir has a folder for as long as its run lasts.
func (l Live) Run(ctx context.Context, c Case) (report Report, failed error) {
	subject, free, err := l.New(c.Scenario)
	if err != nil {
		return Report{}, err
	}
	defer func() { failed = errors.Join(failed, free()) }()
	kept := c.Dir != ""
	if !kept {
		folder, err := scratch.Make("")
		if err != nil {
			return Report{}, err
		}
		c.Dir = folder.Path
		defer func() { failed = errors.Join(failed, folder.Remove()) }()
	}
	report, err = carryOut(ctx, c, run.Options{Engine: l.Engine, Subject: subject, Version: l.Version})
	if !kept {
		report.Result.HistoryFile = ""
	}
	return report, err
}

func carryOut(ctx context.Context, c Case, o run.Options) (Report, error) {
	o.Seed, o.Dir, o.Pcap, o.Bare = c.Seed, c.Dir, c.Pcap, c.Brief
	var each []func(history.Record)
	var s *surveyor
	if c.Survey {
		s = newSurveyor(c.Scenario)
		each, o.Moments = append(each, s.add), s.moment
	}
	cover := coverage.NewRecorder()
	if c.Cover {
		each = append(each, cover.Add)
	}
	if len(each) > 0 {
		o.Each = func(r history.Record) {
			for _, f := range each {
				f(r)
			}
		}
	}
	res, err := run.Run(ctx, c.Scenario, o)
	if c.Brief {
		res.Scenario, res.Figures, res.Phases, res.Faults, res.Energy = harness.Scenario{}, nil, nil, nil, nil
	}
	report := Report{Result: res, Coverage: cover.Counts(), Can: o.Engine.Abilities() | o.Subject.Abilities()}
	if s != nil {
		report.Survey = s.survey(report.Can)
	}
	return report, err
}
