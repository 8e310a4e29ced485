package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/onebar/onebar/harness/bubble"
	"github.com/onebar/onebar/harness/explore"
)

// remote is an explore.Runner whose runs are made by workers: a run that hangs or
// panics costs that run.
type remote struct{ workers *bubble.Pool }

// Run implements explore.Runner.
func (r remote) Run(ctx context.Context, c explore.Case) (explore.Report, error) {
	answer, err := r.workers.Do(ctx, simulation{Case: c.Pack()}, nil)
	return readReport(answer, err)
}

// readReport reads what a worker answers to a simulation, beside its error.
func readReport(answer json.RawMessage, err error) (explore.Report, error) {
	var report explore.Report
	if len(answer) > 0 {
		if bad := json.Unmarshal(answer, &report); bad != nil {
			return explore.Report{}, errors.Join(err, fmt.Errorf("read a worker's answer: %w", bad))
		}
	}
	return report, err
}
