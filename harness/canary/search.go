package canary

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/explore"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/sweep"
)

// Run makes the run of a case, which has a Dir, and plants bugs in its ledger, see File. The
// error says why the run could not be made.
func Run(ctx context.Context, r cases.Runner, c cases.Case) (*result.Verdict, error) {
	report, err := r.Run(ctx, c)
	if err == nil && report.Result.HistoryFile == "" {
		err = errors.New(report.Result.Error)
	}
	if err != nil {
		return nil, fmt.Errorf("run the canary: %w", err)
	}
	v := File(report.Result.HistoryFile)
	return &v, nil
}

// with returns a scenario with a bug planted. Thresholds are left out: they find other things.
func with(sc harness.Scenario, bug string) harness.Scenario {
	sc.Subject.Broken, sc.Expect = append(slices.Clone(sc.Subject.Broken), bug), nil
	return sc
}

// Explore explores scenarios of the reference pair with a bug until a check fails, and says
// whether one did. The error is that of explore.Explore.
func Explore(ctx context.Context, r cases.Runner, list []harness.Scenario, o explore.Options, bug string) (*result.Verdict, error) {
	planted := slices.Clone(list)
	for i := range planted {
		planted[i] = with(planted[i], bug)
	}
	res, err := explore.Explore(ctx, r, planted, o)
	if err != nil {
		return nil, fmt.Errorf("explore with the canary: %w", err)
	}
	found := ""
	for _, v := range res.Report.Verdicts {
		if v.Status == result.Fail && found == "" {
			found = fmt.Sprintf("%s, seed %d: %s: %s", res.Failure.Scenario.Name, res.Failure.Seed, v.Check, v.Summary)
		}
	}
	v := searched(bug, found, res.Runs)
	return &v, nil
}

// Sweep has search sweep a scenario of the reference pair with a bug, and says whether a check
// failed. The error is that of search.
func Sweep(sc harness.Scenario, bug string, search func(harness.Scenario) (sweep.Result, error)) (*result.Verdict, error) {
	res, err := search(with(sc, bug))
	if err != nil {
		return nil, fmt.Errorf("sweep with the canary: %w", err)
	}
	found := ""
	for _, f := range res.Findings {
		if f.Status == result.Fail && found == "" {
			found = fmt.Sprintf("%s, %s: %s", f.Fault, f.Check, f.Text)
		}
	}
	v := searched(bug, found, res.Total().Runs)
	return &v, nil
}

// searched returns the verdict of a search that found something, or nothing in some runs.
func searched(bug, found string, runs int) result.Verdict {
	if found == "" {
		return verdict(result.StatusUnknown, fmt.Sprintf("the planted bug %s was not found in %s: that no other bug was found means nothing", bug, harness.Plural(runs, "run")))
	}
	return verdict(result.Pass, fmt.Sprintf("the planted bug %s was found: %s", bug, found))
}
