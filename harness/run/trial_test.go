package run_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/run"
)

// trial is a run on a bench whose engine and subject do what a test says. Its zero
// value, with a bench, is an engine without packets' payload and a subject that can
// do no more than the bench. A test reads records and journal after the run.
type trial struct {
	*bench
	options run.Options // Engine, Subject, Each, Seed and Version are the trial's own
	records []history.Record
	journal []string // the phases and faults of the history, a line each

	config  harness.NetworkConfig // of the network, once it is open
	payload bool                  // the engine sees byte streams only
	refused harness.Action        // Inject has an error for it
	closing func()                // called as the network is closed

	env       harness.Env // of the subject, once it has started
	requests  bool        // it can follow its requests
	stores    bool        // it counts its commits
	secret    bool        // it does not report its commits
	immortal  bool        // it cannot be crashed
	holds     bool        // it can say what its payers hold
	held      []string
	heldErr   error
	remarks   []string
	quiet     time.Duration // of its ledger
	broke     error
	crashErr  error
	freezeErr error
	thawErr   error
	closeErr  error
	dying     time.Duration // how long a crash takes
	lastWords func()        // called as the subject is closed
	power     map[harness.Side]*power
}

// power is the power of a side, which may fail at a commit.
type power struct {
	commits, fails int64
	told           func()
}

func newTrial() *trial {
	return &trial{bench: &bench{begin: time.Now()}, power: map[harness.Side]*power{harness.Client: {}, harness.Server: {}}}
}

// run carries out the scenario.
func (tr *trial) run(ctx context.Context, sc harness.Scenario) (result.Result, error) {
	o := tr.options
	o.Engine, o.Subject, o.Each, o.Seed, o.Version = trialEngine{tr}, trialSubject{subject{tr.bench}, tr}, tr.record, 7, "test"
	return run.Run(ctx, sc, o)
}

// must carries out the scenario, whose result is no error.
func (tr *trial) must(t *testing.T, sc harness.Scenario) result.Result {
	t.Helper()
	res, err := tr.run(t.Context(), sc)
	require.NoError(t, err)
	require.Empty(t, res.Error)
	return res
}

// record keeps a record of the history, and writes the journal.
func (tr *trial) record(r history.Record) {
	tr.records = append(tr.records, r)
	at := r.At.Round(time.Millisecond)
	switch {
	case r.Phase != nil:
		line := fmt.Sprintf("%v phase %s", at, r.Phase.Name)
		if r.Phase.OutageUp {
			line += " [up]"
		}
		if r.Phase.OutageDown {
			line += " [down]"
		}
		tr.journal = append(tr.journal, line)
	case r.Fault != nil && r.Fault.Ended:
		line := fmt.Sprintf("%v end %d %s, hits %d", at, r.Fault.Event, r.Fault.Action, r.Fault.Hits)
		if r.Fault.Error != "" {
			line += ": " + r.Fault.Error
		}
		tr.journal = append(tr.journal, line)
	case r.Fault != nil:
		tr.journal = append(tr.journal, fmt.Sprintf("%v begin %d %s", at, r.Fault.Event, r.Fault.Action))
	}
}

// faults returns the lines of the journal that tell of faults.
func (tr *trial) faults() []string {
	var got []string
	for _, line := range tr.journal {
		if !strings.Contains(line, " phase ") {
			got = append(got, line)
		}
	}
	return got
}

// done returns the notes of what was done to the bench, without changes of link.
func (tr *trial) done() []string {
	var got []string
	for _, note := range tr.notes {
		if !strings.Contains(note, " link ") {
			got = append(got, note)
		}
	}
	return got
}

// end returns the end of the history.
func (tr *trial) end() history.End { return *tr.records[len(tr.records)-1].End }

// since is the offset of now.
func (tr *trial) since() time.Duration { return time.Since(tr.begin).Round(time.Millisecond) }

// at calls f at an offset of the run that comes.
func (tr *trial) at(offset time.Duration, f func()) { time.AfterFunc(offset, f) }

type trialEngine struct{ *trial }

func (e trialEngine) Name() string { return "bench" }
func (e trialEngine) Abilities() harness.Abilities {
	can := engine{}.Abilities()
	if e.payload {
		can &^= harness.CarryPackets
	}
	return can
}

func (e trialEngine) Open(ctx context.Context, c harness.NetworkConfig) (harness.Network, error) {
	e.config = c
	n, err := engine{bench: e.bench}.Open(ctx, c)
	return trialNetwork{n, e.trial}, err
}

type trialNetwork struct {
	harness.Network
	of *trial
}

func (n trialNetwork) Inject(f harness.Fault) (func() int64, error) {
	if f.Action == n.of.refused {
		return nil, errors.New("not today")
	}
	return n.Network.Inject(f)
}

func (n trialNetwork) Close() error {
	if n.of.closing != nil {
		n.of.closing()
	}
	return nil
}

type trialSubject struct {
	subject
	of *trial
}

func (s trialSubject) Start(ctx context.Context, env harness.Env) error {
	s.of.env = env
	return s.subject.Start(ctx, env)
}

func (s trialSubject) Quiet() time.Duration { return s.of.quiet }

func (s trialSubject) Close() error {
	if s.of.lastWords != nil {
		s.of.lastWords()
	}
	return s.of.closeErr
}

func (s trialSubject) Abilities() harness.Abilities {
	can := harness.FreezeServer | harness.SlowServer
	for ability, has := range map[harness.Abilities]bool{
		harness.CrashClient | harness.CrashServer: !s.of.immortal, harness.ReportCommits: !s.of.secret,
		harness.FollowRequests: s.of.requests, harness.CountCommits: s.of.stores, harness.ReportHeld: s.of.holds,
	} {
		if has {
			can |= ability
		}
	}
	return can
}

func (s trialSubject) Held(context.Context) ([]string, error) { return s.of.held, s.of.heldErr }
func (s trialSubject) Notes() []string                        { return s.of.remarks }
func (s trialSubject) Broke() error                           { return s.of.broke }

func (s trialSubject) Crash(side harness.Side) error {
	time.Sleep(s.of.dying)
	s.note("crash %s", side)
	return s.of.crashErr
}

func (s trialSubject) Freeze(side harness.Side) error {
	s.note("freeze %s", side)
	return s.of.freezeErr
}

func (s trialSubject) Thaw(side harness.Side) error {
	s.note("thaw %s", side)
	return s.of.thawErr
}

func (s trialSubject) Commits(side harness.Side) int64 { return s.of.power[side].commits }

func (s trialSubject) FailCommit(side harness.Side, n int64, _ bool, told func()) {
	p := s.of.power[side]
	p.fails, p.told = n, told
}

// commit is a commit of a side, at which its power may fail.
func (tr *trial) commit(side harness.Side) {
	p := tr.power[side]
	p.commits++
	if p.told != nil && p.commits == p.fails {
		told := p.told
		p.told = nil
		told()
	}
}
