package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/bubble"
	"github.com/onebar/onebar/harness/disk"
	"github.com/onebar/onebar/harness/run"
	"github.com/onebar/onebar/harness/simnet"
	"github.com/onebar/onebar/reference"
	"github.com/onebar/onebar/reports"
)

// workerCommand is the hidden command of a process that runs scenarios in
// virtual time for another onebar.
const workerCommand = "worker"

// simulation asks a worker for one run in virtual time.
type simulation struct {
	File string            `json:"file"` // as loadScenarios takes it: worker and asker are in one folder
	Seed uint64            `json:"seed"`
	Dir  string            `json:"dir"`
	Pcap bool              `json:"pcap,omitempty"`
	Pair reference.Options `json:"pair"`

	Verify bool `json:"verify,omitempty"` // run it a second time, and compare the histories
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
			return bubble.Serve(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout(), work)
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
	list, err := loadScenarios([]string{s.File}, nil)
	if err != nil {
		return nil, err
	}
	if len(list) != 1 {
		return nil, fmt.Errorf("%s holds %d scenarios: a worker runs one", s.File, len(list))
	}
	var latest atomic.Pointer[progressNews]
	stop := tell(&latest, news)
	defer stop()
	watch := func(done int, state string) { latest.Store(&progressNews{done, state}) }
	res, err := simulate(ctx, list[0], s, watch)
	if err == nil && s.Verify {
		var v harness.Verdict
		v, err = verify(ctx, list[0], s, res)
		res.Verdicts = append(res.Verdicts, v)
		res.Status = res.Status.Worse(v.Status)
	}
	return res, err
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

// spare is how much longer than its script and its settle a run may take, in
// virtual time.
const spare = 10 * time.Minute

// simulate carries out one scenario in virtual time in this process.
func simulate(ctx context.Context, sc harness.Scenario, s simulation, watch func(int, string)) (harness.Result, error) {
	o := bubble.Options{Seed: s.Seed, VirtualLimit: sc.Duration() + sc.Settle + spare}
	var done atomic.Pointer[harness.Result] // a run that hangs may yet go on
	err := bubble.Run(ctx, o, func(ctx context.Context) (err error) {
		pair := s.Pair
		pair.BankDisk, pair.WalletDisk = disk.New(), disk.New() // so that a crash is a power failure
		defer func() { err = errors.Join(err, pair.BankDisk.Close(), pair.WalletDisk.Close()) }()
		res, err := run.Run(ctx, sc, run.Options{
			Engine: simnet.Engine{}, Subject: reference.New(pair), Seed: s.Seed, Version: version,
			Pcap: s.Pcap, Dir: s.Dir, Watch: watch,
		})
		done.Store(&res)
		return err
	})
	if res := done.Load(); res != nil {
		return *res, err
	}
	return harness.Result{}, err
}

// simulate has a worker carry out one scenario.
func (b *batch) simulate(ctx context.Context, sc harness.Scenario, progress reports.Progress) (harness.Result, error) {
	s := simulation{
		File: sc.File, Seed: b.seed, Dir: filepath.Join(b.out, sc.Name), Pcap: b.pcap, Pair: b.pair, Verify: b.verify,
	}
	answer, err := b.workers.Do(ctx, s, func(raw json.RawMessage) {
		var n progressNews
		if json.Unmarshal(raw, &n) == nil {
			progress.Update(sc.Name, n.Done, n.State)
		}
	})
	var res harness.Result
	if len(answer) > 0 {
		if bad := json.Unmarshal(answer, &res); bad != nil {
			return harness.Result{}, errors.Join(err, fmt.Errorf("read a worker's answer: %w", bad))
		}
	}
	return res, err
}
