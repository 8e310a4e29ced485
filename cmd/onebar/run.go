package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/baseline"
	"github.com/onebar/onebar/harness/bubble"
	"github.com/onebar/onebar/harness/packet"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/run"
	"github.com/onebar/onebar/harness/simnet"
	"github.com/onebar/onebar/harness/toxi"
	"github.com/onebar/onebar/reports"
	"github.com/onebar/onebar/reports/progress"
)

// engines returns the engines by name. toxiproxy stands in front of the packet
// engine in scenarios that ask for its toxics.
func engines() map[string]harness.Engine {
	return map[string]harness.Engine{
		"packet":    toxi.InFrontOf(packet.Engine{}),
		"toxiproxy": toxi.Engine{},
		simulated:   simnet.Engine{},
	}
}

// simulated is the engine in virtual time. Its runs are carried out by workers.
const simulated = "sim"

// virtual reports whether an engine, by its name, runs in virtual time.
func virtual(engine string) bool { return engines()[engine].Abilities().Has(harness.VirtualTime) }

// defaultEngine is used when neither the command line nor the scenario names one.
const defaultEngine = "packet"

// defaultOut is the default output folder.
const defaultOut = "out"

// batch is the command line of onebar run.
type batch struct {
	engine       string
	seed         uint64
	seeded       bool // on the command line
	out          string
	jobs         int
	tags         []string
	pcap, verify bool
	files        reportFiles
	hosts        hosts
	baseline     string
	workers      *bubble.Pool // nil if no scenario is simulated

	// carryOut carries out one scenario; nil is on the engine it names.
	carryOut func(context.Context, harness.Scenario, progress.Display) (result.Result, error)
}

func newRun() *cobra.Command {
	var b batch
	cmd := &cobra.Command{
		Use:   "run SCENARIO...",
		Short: "Run scenarios, judge them and report",
		Long: `Run scenarios. Each runs against the system that its key subject: describes, or
against the reference wallet and bank if it has none. A SCENARIO is a file, a folder
of files, or the name of a bundled scenario (see onebar list).

The engines packet and toxiproxy run in real time. The engine sim runs in virtual
time: an hour takes a moment, and the same seed always gives the same history, byte
for byte.

Several scenarios run at the same time, but one at a time if they share a database or
a server, because each would find the bookings of the other. If the machine was too busy to judge one of
them, onebar runs it again alone after all others, and the reports say so.

Each scenario writes OUT/NAME/history.jsonl and OUT/NAME/run.log. The command
onebar check judges a history file again.`,
		Example: `  onebar run tunnel
  onebar run my-scenario.yaml --seed 7 --out runs
  onebar run scenarios/ --junit junit.xml --json result.json --markdown summary.md
  onebar run scenarios/ --engine sim
  onebar run scenarios/ --tag smoke --engine toxiproxy`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeScenarios,
		RunE:              func(cmd *cobra.Command, args []string) error { return b.run(cmd, args) },
	}
	f := cmd.Flags()
	f.StringVar(&b.engine, "engine", "", "packet, toxiproxy or sim (default: the scenario's, else packet)")
	f.Uint64Var(&b.seed, "seed", 0, "seed of every random decision (default: the scenario's, else 1)")
	f.StringVar(&b.out, "out", defaultOut, "output folder; a run overwrites an earlier run of the same name there")
	f.IntVarP(&b.jobs, "jobs", "j", 0, fmt.Sprintf("scenarios to run at the same time (default: %d for each processor; on sim, 1 for each processor; 1 if a scenario tests an external system)", realTimeJobs))
	f.StringSliceVar(&b.tags, "tag", nil, "run only scenarios that have one of these tags")
	f.BoolVar(&b.pcap, "pcap", false, "write OUT/NAME/radio.pcap, for Wireshark and tshark: every packet sent into the links, also those lost")
	f.BoolVar(&b.verify, "verify", false, "with --engine sim: run each scenario twice, and report whether both histories are the same")
	f.StringVar(&b.baseline, "baseline", "", "compare the figures with this file of onebar baseline; a worse figure is a failure")
	b.files.flags(cmd)
	b.hosts.flag(cmd)
	completeEngines(cmd)
	return cmd
}

// completeEngines has a shell complete the flag --engine.
func completeEngines(cmd *cobra.Command) {
	must(cmd.RegisterFlagCompletionFunc("engine", cobra.FixedCompletions([]string{"packet", "toxiproxy", simulated}, cobra.ShellCompDirectiveNoFileComp)))
}

// checkEngine refuses a value of --engine that names no engine; an empty one is none.
func checkEngine(name string) error {
	if name != "" && engines()[name] == nil {
		return fmt.Errorf("--engine %q: expected packet, toxiproxy or sim", name)
	}
	return nil
}

// must is for errors that only a mistake in this program can cause.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func (b *batch) run(cmd *cobra.Command, args []string) error {
	b.seeded = cmd.Flags().Changed("seed")
	if err := checkEngine(b.engine); err != nil {
		return err
	}
	if b.jobs < 1 && cmd.Flags().Changed("jobs") {
		return fmt.Errorf("--jobs %d: expected at least 1", b.jobs)
	}
	if err := b.files.writable(); err != nil {
		return err
	}
	compare, err := comparer(b.baseline)
	if err != nil {
		return err
	}
	list, err := loadScenarios(args, b.tags)
	if err == nil {
		err = b.hosts.check(list...)
	}
	if err != nil {
		return err
	}
	if b.jobs == 0 {
		b.jobs = b.defaultJobs(list)
	}
	for _, sc := range list {
		if engine := b.engineOf(sc); b.verify && !virtual(engine) {
			return fmt.Errorf("--verify: %s runs on %s, in real time, where no two runs are the same; use --engine sim", sc.Name, engine)
		}
	}
	if b.workers, err = workers(b.jobs); err != nil {
		return err
	}
	defer b.workers.Close()
	if b.jobs > 1 {
		for _, line := range together(list) {
			fmt.Fprintln(cmd.ErrOrStderr(), "onebar: "+line)
		}
	}
	b.hosts.announce(cmd.ErrOrStderr(), list...)
	display := progress.New(cmd.ErrOrStderr(), len(list))
	results := b.runAll(cmd.Context(), list, display)
	display.Close()
	if err := b.files.write(cmd.OutOrStdout(), results); err != nil {
		return err
	}
	code := reports.Exit(results)
	if cmd.Context().Err() != nil {
		code = result.ExitInterrupted
	}
	return compare(cmd.OutOrStdout(), results, code)
}

// blank returns the result of a scenario that was not run.
func (b *batch) blank(sc harness.Scenario) result.Result {
	return result.Result{
		Version: result.Version, Onebar: version,
		Scenario: sc, Engine: b.engineOf(sc), Seed: b.seedOf(sc),
		Rerun: b.rerun(sc),
	}
}

// runOne runs one scenario. What went wrong is in the result.
func (b *batch) runOne(ctx context.Context, sc harness.Scenario, display progress.Display) result.Result {
	carryOut := b.carryOut
	switch {
	case carryOut != nil:
	case virtual(b.engineOf(sc)):
		carryOut = b.simulate
	default:
		carryOut = b.inRealTime
	}
	res, err := carryOut(ctx, sc, display)
	if res.Version == 0 { // it did not happen
		res = b.blank(sc)
	}
	if err != nil && ctx.Err() == nil {
		res.Error = err.Error()
	}
	if b.engine != "" && sc.Engine != "" && b.engine != sc.Engine {
		res.Notes = append(res.Notes, fmt.Sprintf("--engine %s of the command line overrides engine: %s of the scenario", b.engine, sc.Engine))
	}
	res.Rerun = b.rerun(sc)
	return res
}

// inRealTime runs one scenario in this process.
func (b *batch) inRealTime(ctx context.Context, sc harness.Scenario, display progress.Display) (result.Result, error) {
	subject, err := newSubject(sc)
	if err != nil {
		return result.Result{}, err
	}
	return run.Run(ctx, sc, run.Options{
		Engine: engines()[b.engineOf(sc)], Subject: subject, Seed: b.seedOf(sc), Version: version, Machine: baseline.Machine(),
		Pcap: b.pcap, Clock: true,
		Dir:   filepath.Join(b.out, sc.Name),
		Watch: func(done int, state string) { display.Update(sc.Name, done, state) },
	})
}

func (b *batch) engineOf(sc harness.Scenario) string {
	switch {
	case b.engine != "":
		return b.engine
	case sc.Engine != "":
		return sc.Engine
	}
	return defaultEngine
}

// seedOf returns the seed of a scenario's run.
func (b *batch) seedOf(sc harness.Scenario) uint64 { return seedOf(sc, b.seed, b.seeded) }

// seedOf returns the seed of a scenario: the command line's, if it gives one, or its
// own, or 1.
func seedOf(sc harness.Scenario, seed uint64, given bool) uint64 {
	if given {
		return seed
	}
	return cmp.Or(sc.Seed, 1)
}

// written returns a seed for a file, or none if files cannot hold it: the command that
// replays the file has the seed, too.
func written(seed uint64) uint64 {
	if seed > 1<<53-1 {
		return 0
	}
	return seed
}

// rerun returns the command that runs just this scenario again.
func (b *batch) rerun(sc harness.Scenario) string {
	cmd := replay(sc.File, b.engineOf(sc), b.seedOf(sc))
	if b.out != defaultOut {
		cmd += " --out " + quote(b.out)
	}
	if host := foreignHost(sc); host != "" {
		cmd += " --allow-host " + quote(host)
	}
	return cmd
}

// replay returns the command that runs a scenario file with an engine and a seed.
func replay(file, engine string, seed uint64) string {
	return fmt.Sprintf("onebar run %s --engine %s --seed %d", quote(file), engine, seed)
}

// quote makes one word of s for a shell, if it is not one already.
func quote(s string) string {
	plain := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_./:@%+=,", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
