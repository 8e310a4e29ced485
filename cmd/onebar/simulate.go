package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/bubble"
	"github.com/onebar/onebar/harness/explore"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports"
)

// workerCommand is the hidden command of a process that runs scenarios in
// virtual time for another onebar.
const workerCommand = "worker"

// simulation asks a worker for one run in virtual time.
type simulation struct {
	Case   explore.Case `json:"case"`
	Verify bool         `json:"verify,omitempty"` // run it a second time, and compare the histories
}

// progressNews is what a worker says meanwhile.
type progressNews struct {
	Done  int    `json:"done"`
	State string `json:"state"`
}

func newWorker() *cobra.Command {
	return &cobra.Command{
		Use:    workerCommand,
		Short:  "Run scenarios in virtual time for another onebar, which asks on standard input",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			os.Stdout = os.Stderr // what a subject prints must not get between the answers
			// A terminal's interrupt goes to all of its processes. What is under way is ended
			// by whoever asked for it, or by its end.
			return bubble.Serve(context.WithoutCancel(cmd.Context()), cmd.InOrStdin(), cmd.OutOrStdout(), work)
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

// work is a bubble.Job: it carries out a simulation in this process.
func work(ctx context.Context, job json.RawMessage, news func(any)) (any, error) {
	var s simulation
	if err := json.Unmarshal(job, &s); err != nil {
		return nil, fmt.Errorf("read the job: %w", err)
	}
	if err := s.Case.Unpack(); err != nil {
		return nil, err
	}
	var latest atomic.Pointer[progressNews]
	stop := tell(&latest, news)
	defer stop()
	watch := func(done int, state string) { latest.Store(&progressNews{done, state}) }
	report, err := simulator(watch).Run(ctx, s.Case)
	if err == nil && s.Verify {
		var v result.Verdict
		v, err = verify(ctx, s, report.Result)
		report.Result.Verdicts = append(report.Result.Verdicts, v)
		report.Result.Status = report.Result.Status.Worse(v.Status)
	}
	return report, err
}

// simulator makes runs in this process.
func simulator(watch func(int, string)) explore.Simulator {
	return explore.Simulator{New: newSimulated, Version: version, Watch: watch}
}

// tell passes on the latest news a few times a second, of real time.
func tell(latest *atomic.Pointer[progressNews], news func(any)) (stop func()) {
	quit := make(chan struct{})
	var told sync.WaitGroup
	told.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				if n := latest.Load(); n != nil {
					news(n)
				}
			}
		}
	})
	return func() { close(quit); told.Wait() }
}

// simulate has a worker carry out one scenario.
func (b *batch) simulate(ctx context.Context, sc harness.Scenario, progress reports.Progress) (result.Result, error) {
	s := simulation{
		Case:   explore.Case{Scenario: sc, Seed: b.seedOf(sc), Dir: filepath.Join(b.out, sc.Name), Pcap: b.pcap}.Pack(),
		Verify: b.verify,
	}
	answer, err := b.workers.Do(ctx, s, func(raw json.RawMessage) {
		var n progressNews
		if json.Unmarshal(raw, &n) == nil {
			progress.Update(sc.Name, n.Done, n.State)
		}
	})
	report, err := readReport(answer, err)
	return report.Result, err
}
