// Package run carries out one experiment: it starts the subject on a network, plays the
// timeline while the users pay, heals, waits for every payment to settle, reads the
// ledger when it is at rest, and judges and measures the history.
//
// [Run] reads like that sentence. It knows no engine and no subject: the caller passes
// both. It writes everything to the history file as it happens. The verdicts depend on
// that file only, so [JudgeFile] on a saved history gives the verdicts of the run.
package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/atrest"
	"github.com/onebar/onebar/harness/fault"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/judge"
	"github.com/onebar/onebar/harness/nemesis"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/threshold"
	"github.com/onebar/onebar/harness/workload"
)

// Options are what a run needs besides its scenario.
type Options struct {
	Engine  harness.Engine
	Subject harness.Subject // fresh; Run starts and closes it
	Seed    uint64
	Dir     string                       // for this run's files: history.jsonl, run.log, state/; if it is empty, the history stays in memory and the subject has no folder
	Version string                       // of the program, for the header
	Machine string                       // class of the machine, for the header; empty in virtual time
	Pcap    bool                         // write PcapFile, too; the engine must see packets
	Watch   func(done int, state string) // called with the number of final orders and the phase; nil is not called
	Clock   bool                         // time is real: note in the history when the machine is late
	Enough  <-chan struct{}              // ends the wait for final outcomes early when it is closed; nil never does
	Each    func(history.Record)         // called with each record of the history when it is judged; nil is not called
	Bare    bool                         // the result has no Stories

	// Moments is called at each moment of a request in the script, if the subject has
	// harness.FollowRequests. The calls do not overlap, and during a call no byte of the
	// answer is passed on. Nil is not called.
	Moments func(m harness.Moment, request int64)

	tap func(io.Writer) io.Writer // wraps the file of the history, for tests; nil does not
}

// payload reports whether the engine carries byte streams, and no packets.
func (o Options) payload() bool { return !o.Engine.Abilities().Has(harness.CarryPackets) }

// HistoryFile is the name of the history in Options.Dir.
const HistoryFile = "history.jsonl"

// Run carries out a scenario. An error means that the experiment did not happen. If the
// experiment began and could not be completed, the Result has an Error. If it was
// interrupted, the history is partial and the error is that of ctx. A run that cannot be
// recorded any more ends at once, and is judged up to there.
func Run(ctx context.Context, sc harness.Scenario, o Options) (result.Result, error) {
	if err := Check(sc, o); err != nil {
		return result.Result{}, err
	}
	sc = nemesis.Expand(nemesis.Fit(sc, o.Engine.Abilities()|o.Subject.Abilities()), o.Seed)
	f, err := openFiles(o.Dir, o.Pcap)
	if err != nil {
		return result.Result{}, err
	}
	defer f.close()
	recorded, unrecorded := context.WithCancelCause(ctx)
	defer unrecorded(nil)
	r, err := start(recorded, sc, o, f, unrecorded)
	if err != nil {
		return result.Result{}, err
	}
	rest := r.watchClock()
	end := r.carryOut(recorded)
	rest()
	r.stop()
	r.history.Record(history.Record{End: &end})
	cut := r.closeFiles()
	written, err := f.written()
	if err != nil {
		return result.Result{}, fmt.Errorf("read the history: %w", err)
	}
	res, err := judge.History(written, judge.Options{Each: o.Each, Bare: o.Bare})
	if err != nil {
		return result.Result{}, fmt.Errorf("read %s: %w", f.name(), err)
	}
	res.HistoryFile = f.name()
	if cut != nil {
		res.Error = fmt.Sprintf("%v: the run ended there, and is judged up to there; free some space or choose another --out", cut)
		res.Status = res.Status.Worse(result.StatusUnknown)
	}
	return res, context.Cause(ctx)
}

// Check returns everything in a scenario that Run would refuse, or nil. The subject need
// not have been started.
func Check(sc harness.Scenario, o Options) error { return supported(nemesis.Whole(sc), o) }

// supported returns an error for everything in a scenario that cannot be carried out or
// judged.
func supported(sc harness.Scenario, o Options) error {
	_, err := threshold.ParseAll(sc.Expect)
	errs := []error{fault.SetupOf(o.Engine, o.Subject, sc.Workload).Refuse(sc), err}
	if o.Pcap && o.payload() {
		errs = append(errs, fmt.Errorf("the %s engine sees no packets to capture: leave --pcap out, or use --engine packet", o.Engine.Name()))
	}
	return errors.Join(errs...)
}

type running struct {
	scenario harness.Scenario
	options  Options
	network  harness.Network
	topology harness.Topology
	history  *history.Writer
	packets  *gate
	triggers *triggers
	users    *workload.Users
	flood    *flood
	endUsers context.CancelFunc // ends the calls of the users
	watch    *watcher
	quiet    time.Time // after it no sender retransmits because of an outage
	ledger   *atrest.Reader
	log      *slog.Logger
}

// start opens the history and the network, and starts the subject. It calls unrecorded
// if the history cannot be written any more.
func start(ctx context.Context, sc harness.Scenario, o Options, f files, unrecorded func(error)) (*running, error) {
	log := slog.New(slog.DiscardHandler)
	if f.log != nil {
		log = slog.New(slog.NewTextHandler(f.log, nil))
	}
	out := f.out()
	if o.tap != nil {
		out = o.tap(out)
	}
	begin := time.Now()
	r := &running{
		scenario: sc, options: o, history: history.New(out, begin), log: log,
		triggers: newTriggers(sc, o), topology: harness.TopologyOf(o.Subject, sc.Workload),
	}
	r.ledger = &atrest.Reader{Read: o.Subject.Ledger, Most: sc.Settle, Start: begin}
	if q, ok := o.Subject.(harness.Quieter); ok {
		r.ledger.Quiet = min(q.Quiet(), sc.Settle)
	}
	r.history.OnError(unrecorded)
	r.packets = &gate{sink: r.history, start: begin}
	can := o.Subject.Abilities()
	r.history.Record(history.Record{Header: &history.Header{
		Version: history.Version, Onebar: o.Version, Started: begin.UTC().Round(0),
		Seed: o.Seed, Engine: o.Engine.Name(), Machine: o.Machine, Payload: o.payload(),
		Commits: can.Has(harness.ReportCommits), Holds: can.Has(harness.ReportHeld),
		Deadlines: can.Has(harness.KeepDeadlines), Scenario: sc,
	}})
	if err := r.history.Err(); err != nil {
		return nil, fmt.Errorf("%w: this run cannot be judged; free some space or choose another --out", err)
	}
	cfg := harness.NetworkConfig{
		Seed: o.Seed, Start: begin, Clients: sc.Workload.Wallets, Profile: sc.Link,
		Topology: r.topology,
		Toxics:   hasToxics(sc), Packets: r.packets, Log: log, Lose: r.triggers.lose(),
	}
	var err error
	if o.Pcap {
		if r.packets.capture, err = newCapture(f.pcap, begin); err != nil {
			return nil, fmt.Errorf("write the capture: %w", err)
		}
		cfg.Capture = r.packets
	}
	r.network, err = o.Engine.Open(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open the %s network: %w", o.Engine.Name(), err)
	}
	r.users = workload.NewUsers(sc.Workload, r.history, begin)
	r.flood = &flood{Observer: r.users, attempts: map[string]int{}}
	err = o.Subject.Start(ctx, harness.Env{
		Network: r.network, Workload: sc.Workload, Seed: o.Seed, Commit: sc.Commit, Start: begin,
		Dir: f.state, Observer: r.flood, Log: log, Reached: r.triggers.reached(),
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the subject: %w", err), o.Subject.Close(), r.network.Close())
	}
	r.watch = newWatcher(o.Watch, r.users.Final)
	return r, nil
}

func hasToxics(sc harness.Scenario) bool {
	for _, e := range sc.Timeline {
		if e.Action == harness.StreamToxic {
			return true
		}
	}
	return false
}

// gate passes packets that were offered before the end of the experiment. The packets that
// close connections afterwards are not part of it.
type gate struct {
	sink    harness.PacketSink
	capture *capture // nil is none
	start   time.Time
	end     atomic.Int64 // offset of the cut; 0 is none yet
}

func (g *gate) open(at time.Duration) bool {
	end := g.end.Load()
	return end == 0 || int64(at) <= end
}

func (g *gate) Packet(p harness.Packet) {
	if g.open(p.At) {
		g.sink.Packet(p)
	}
}

func (g *gate) Capture(at time.Duration, _ int, _ harness.Direction, packet []byte) {
	if g.open(at) {
		g.capture.write(at, packet)
	}
}

// carryOut plays the script, heals, settles and reads the ledger.
func (r *running) carryOut(ctx context.Context) history.End {
	var end history.End
	whole, endFlood := context.WithCancelCause(ctx)
	defer endFlood(nil)
	r.flood.watch(endFlood)
	err := r.play(whole)
	if err == nil {
		end.Settled = r.settle(whole)
		err = r.rest(whole)
	}
	if ctx.Err() == nil && whole.Err() != nil {
		err = context.Cause(whole)
	}
	end.ClientCommits, end.ServerCommits = r.triggers.commits()
	r.over()
	r.noteUncommitted(end)
	broke := r.broke()
	if err == nil {
		err = r.readLedger(ctx)
		end.LedgerRead = err == nil
		end.LedgerMoving = end.LedgerRead && !r.ledger.AtRest()
	}
	if errors.Is(err, harness.ErrNoLedger) {
		end.NoLedger, err = true, r.readHeld(ctx)
	}
	r.notes()
	end.Interrupted = ctx.Err() != nil
	if err = errors.Join(broke, err); err != nil && !end.Interrupted {
		end.Error = err.Error()
	}
	return end
}

// noteUncommitted notes that a side whose commits are counted has made none in a script with
// payments: it has stored nothing that a power failure keeps.
func (r *running) noteUncommitted(end history.End) {
	can := r.options.Subject.Abilities()
	for _, side := range []struct {
		harness.Side
		commits int64
	}{{harness.Client, end.ClientCommits}, {harness.Server, end.ServerCommits}} {
		if side.commits == 0 && can.Has(harness.CommitsOf(side.Side)) && r.users.Final()+r.users.Open() > 0 {
			r.history.Record(history.Record{Note: fmt.Sprintf("the %s made no durable commit although payments were made: what it has stored is lost when its power fails", side.Side)})
		}
	}
}

// rest waits until the ledger no longer changes. What happens meanwhile is part of the
// experiment: a payment may still expire or be confirmed. No user presses pay again.
func (r *running) rest(ctx context.Context) error {
	if r.ledger.Quiet == 0 {
		return nil
	}
	r.watch.set("waits for the ledger to be at rest")
	r.users.Rest()
	_, err := r.ledger.Ledger(ctx)
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	return nil
}

// notes records what the subject has to say, and when the ledger was at rest.
func (r *running) notes() {
	var notes []string
	if n, ok := r.options.Subject.(harness.Noter); ok {
		notes = n.Notes()
	}
	for _, note := range append(notes, r.ledger.String()) {
		if note != "" {
			r.history.Record(history.Record{Note: note})
		}
	}
}

// broke returns why the subject failed by itself, such as a program that died.
func (r *running) broke() error {
	if b, ok := r.options.Subject.(harness.Breaker); ok {
		return b.Broke()
	}
	return nil
}

// play runs the users and the timeline at the same time, until the end of the script.
func (r *running) play(ctx context.Context) error {
	p := &player{
		scenario: r.scenario, network: r.network, subject: r.options.Subject,
		history: r.history, users: r.users, state: r.watch.set, seed: r.options.Seed,
		began: time.Now(), triggers: r.triggers,
		links: append([]harness.Link{{Profile: r.scenario.Link}}, r.topology.Links...),
	}
	p.phases("")
	orders := workload.Plan(r.scenario.Workload, harness.Rand(r.options.Seed, harness.StreamWorkload))
	paying := make(chan struct{})
	users, endUsers := context.WithCancel(ctx)
	r.endUsers = endUsers
	go func() {
		defer close(paying)
		r.users.Play(users, orders, r.options.Subject.Payer)
	}()
	err := p.play(ctx, occurrences(r.scenario, harness.Rand(r.options.Seed, harness.StreamTimeline)))
	if err != nil {
		endUsers()
	}
	r.users.End()
	<-paying
	r.quiet = p.quiet
	return err
}

// over ends the experiment: nothing after it is recorded.
func (r *running) over() {
	r.users.Leave()
	r.packets.end.Store(int64(time.Since(r.packets.start)))
}

// settle waits until every press has a final outcome, at most Scenario.Settle. Then it
// waits for packets that may still be under way or be retransmitted: a late duplicate
// must arrive before the ledger is read.
func (r *running) settle(ctx context.Context) bool {
	last := time.Now().Add(r.scenario.Settle)
	bounded, cancel := context.WithDeadline(ctx, last)
	if r.options.Enough != nil {
		go func() {
			select {
			case <-r.options.Enough:
				cancel()
			case <-bounded.Done():
			}
		}()
	}
	settled := r.users.Wait(bounded)
	cancel()
	if r.quiet.Before(last) {
		last = r.quiet
	}
	workload.SleepUntil(ctx, last)
	linger := 500*time.Millisecond + 2*roundTrip(r.scenario.Link)
	for _, l := range r.topology.Links {
		linger += 2 * roundTrip(l.Profile)
	}
	workload.SleepUntil(ctx, time.Now().Add(linger))
	return settled
}

func roundTrip(p harness.Profile) time.Duration {
	return p.Up.Delay + p.Up.Jitter + p.Down.Delay + p.Down.Jitter
}

// readLedger writes the ledger, and what the payers still hold, to the history.
// It returns harness.ErrNoLedger for a subject without one.
func (r *running) readLedger(ctx context.Context) error {
	r.watch.set("reads the ledger")
	ledger, err := r.ledger.Ledger(ctx)
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	for _, p := range ledger.Postings {
		r.history.Record(history.Record{Posting: &p})
	}
	for _, b := range ledger.Balances {
		r.history.Record(history.Record{Balance: &b})
	}
	return r.readHeld(ctx)
}

func (r *running) readHeld(ctx context.Context) error {
	holder, ok := r.options.Subject.(harness.Holder)
	if !ok || !r.options.Subject.Abilities().Has(harness.ReportHeld) {
		return nil
	}
	held, err := holder.Held(ctx)
	if err != nil {
		return fmt.Errorf("ask the payers what they still hold: %w", err)
	}
	for _, id := range held {
		r.history.Record(history.Record{Held: id})
	}
	return nil
}

func (r *running) closeFiles() error {
	err := r.history.Close()
	if c := r.packets.capture; c != nil {
		err = errors.Join(err, c.close())
	}
	return err
}

// stop ends users, subject and network, in this order. It logs errors, because they
// change no verdict.
func (r *running) stop() {
	r.watch.stop()
	r.endUsers()
	if err := errors.Join(r.options.Subject.Close(), r.network.Close()); err != nil {
		r.log.Error("stop", "err", err)
	}
	r.users.Stop()
}
