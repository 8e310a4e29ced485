package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness/bubble"
	"github.com/onebar/onebar/harness/cases"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/progress"
)

// workerCommand is the hidden command of a process that runs scenarios in
// virtual time for another onebar.
const workerCommand = "worker"

func newWorker() *cobra.Command {
	return &cobra.Command{
		Use:    workerCommand,
		Short:  "Run scenarios in virtual time for another onebar process, which sends requests on standard input",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			os.Stdout = os.Stderr // what a subject prints must not mix with the answers
			// A terminal sends an interrupt to all of its processes. The process that sent the
			// request, or the end of that process, ends the run under way.
			return cases.Serve(context.WithoutCancel(cmd.Context()), cmd.InOrStdin(), cmd.OutOrStdout(), simulator())
		},
	}
}

// workers starts a pool of n processes of this program.
func workers(n int) (*bubble.Pool, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program, to start workers from: %w", err)
	}
	return bubble.NewPool(n, self, workerCommand), nil
}

// simulator makes runs in this process.
func simulator() cases.Simulator {
	return cases.Simulator{New: newSimulated, Version: version}
}

// simulate has a worker make one run.
func (b *batch) simulate(ctx context.Context, c cases.Case, display progress.Display) (result.Result, error) {
	w := cases.Workers{Pool: b.workers, Watch: func(done int, state string) { display.Update(title(c), done, state) }}
	report, err := w.Run(ctx, c)
	return report.Result, err
}
