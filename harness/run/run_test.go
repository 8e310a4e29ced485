package run_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/judge"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/run"
)

// bench is an engine, its network and a subject in one: nothing crosses a wire,
// and everything done to it is noted with its offset.
type bench struct {
	harness.Network
	mu       sync.Mutex
	begin    time.Time
	notes    []string
	observer harness.Observer
	ledger   harness.Ledger

	book       func(b *bench, p harness.Payment) // instead of an honest booking
	hangs      string                            // the payment for which Pay returns with its context only
	reading    func(b *bench)                    // while the ledger is read, after its postings were taken
	restartErr error
	ledgerErr  error
}

func (b *bench) Close() error { return nil }

func (b *bench) note(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notes = append(b.notes, fmt.Sprintf("%v ", time.Since(b.begin).Round(time.Millisecond))+fmt.Sprintf(format, args...))
}

// The engine.

type engine struct {
	*bench
	lacks harness.Abilities
}

func (e engine) Name() string { return "bench" }
func (e engine) Abilities() harness.Abilities {
	return (harness.CarryPackets | harness.CountPackets | harness.RebindClients | harness.CutPower | harness.SendCrossTraffic | harness.PutToxics | harness.JoinHosts | harness.ChooseClients) &^ e.lacks
}

func (e engine) Open(_ context.Context, c harness.NetworkConfig) (harness.Network, error) {
	e.begin = c.Start
	for i := range c.Clients { // the link is used, or its phase would be unknown
		c.Packets.Packet(harness.Packet{At: 0, Client: i, Flow: 1, Direction: harness.Up, Size: 52})
		c.Packets.Packet(harness.Packet{At: 0, Client: i, Flow: 1, Direction: harness.Down, Size: 52})
	}
	return e.bench, nil
}

func (b *bench) SetLinkProfile(link string, p harness.Profile) error {
	b.note("link %s", strings.TrimSpace(p.Name+" "+link))
	return nil
}

func (b *bench) Inject(f harness.Fault) (func() int64, error) {
	what := strings.TrimSpace(f.Action.String() + " " + f.Link)
	if _, phone := harness.ClientIndex(string(f.Side)); phone {
		what += string(f.Side)
	}
	b.note("%s", what)
	return func() int64 { b.note("end %s", what); return 1 }, nil
}

// The subject.

type subject struct{ *bench }

func (s subject) Start(_ context.Context, env harness.Env) error {
	s.observer = env.Observer
	return nil
}
func (s subject) Payer(int) harness.Payer { return s }
func (s subject) Close() error            { return nil }
func (s subject) Ledger(context.Context) (harness.Ledger, error) {
	s.mu.Lock()
	taken := s.ledger
	s.mu.Unlock()
	spent := map[string]int64{}
	for _, p := range taken.Postings {
		spent[p.Payer] += p.Amount
		spent[p.Payee] -= p.Amount
	}
	for account, sum := range spent {
		taken.Balances = append(taken.Balances, harness.Balance{Account: account, Currency: "KES", Opening: 1e6, Closing: 1e6 - sum})
	}
	if s.reading != nil {
		s.reading(s.bench)
	}
	return taken, s.ledgerErr
}

func (s subject) Abilities() harness.Abilities {
	return harness.CrashClient | harness.CrashServer | harness.CrashWallet | harness.FreezeServer | harness.SlowServer | harness.ReportCommits
}

func (s subject) Crash(side harness.Side) error { s.note("crash %s", side); return nil }
func (s subject) Restart(_ context.Context, side harness.Side) error {
	s.note("restart %s", side)
	return s.restartErr
}

func (s subject) Freeze(side harness.Side) error { s.note("freeze %s", side); return nil }
func (s subject) Thaw(side harness.Side) error   { s.note("thaw %s", side); return nil }

func (s subject) SlowAnswers(by time.Duration) func() int64 {
	s.note("slow %v", by)
	return func() int64 { return 1 }
}

func (s subject) Pay(ctx context.Context, p harness.Payment) error {
	s.observer.Attempt(harness.Attempt{Payment: p.ID, N: 1})
	if p.ID == s.hangs {
		s.post(p)
		<-ctx.Done()
		return ctx.Err()
	}
	if s.book != nil {
		s.book(s.bench, p)
		return nil
	}
	s.post(p)
	s.observer.Committed(p.ID)
	s.observer.Told(harness.Told{Payment: p.ID, Outcome: harness.Confirmed})
	return nil
}

func (b *bench) post(p harness.Payment) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ledger.Postings = append(b.ledger.Postings, harness.Posting{
		ID: fmt.Sprintf("t%d", len(b.ledger.Postings)+1), Payment: p.ID, Order: p.Order,
		Payer: p.Payer, Payee: p.Payee, Amount: p.Amount, Currency: p.Currency,
	})
}

func scenario() harness.Scenario {
	return harness.Scenario{
		Name: "bench", Link: harness.Profile{Name: "edge"}, Settle: 10 * time.Second,
		Workload: harness.Workload{
			Wallets: 2, Merchants: 1, Payments: 20, Rate: 2, AmountMin: 100, AmountMax: 900,
			Currency: "KES", Deadline: time.Minute, Attempts: 5,
		},
	}
}

func options(t *testing.T, b *bench) run.Options {
	t.Helper()
	return run.Options{Engine: engine{bench: b}, Subject: subject{b}, Seed: 7, Dir: t.TempDir(), Version: "test"}
}

func TestRunPlaysTheTimeline(t *testing.T) {
	one := 1
	slow, umts := harness.Profile{Name: "gprs"}, harness.Profile{Name: "umts"}
	for name, tc := range map[string]struct {
		timeline []harness.Event
		want     []string
	}{
		"nothing": {want: []string{"10s link edge"}},
		"a tunnel": {
			timeline: []harness.Event{{At: 2 * time.Second, For: 3 * time.Second, Action: harness.Blackhole}},
			want:     []string{"2s blackhole", "5s end blackhole", "10s link edge"},
		},
		"a change of link, and back": {
			timeline: []harness.Event{{At: 2 * time.Second, For: time.Second, Action: harness.SetLink, Link: &slow}},
			want:     []string{"2s link gprs", "3s link edge", "10s link edge"},
		},
		"a change of link within another, and back to that": {
			timeline: []harness.Event{
				{At: time.Second, Action: harness.SetLink, Link: &umts},
				{At: 2 * time.Second, For: 4 * time.Second, Action: harness.SetLink, Link: &slow},
				{At: 3 * time.Second, For: time.Second, Action: harness.SetLink, Link: &umts},
			},
			want: []string{"1s link umts", "2s link gprs", "3s link umts", "4s link gprs", "6s link umts", "10s link edge"},
		},
		"a change of link for good outlasts one that was to end": {
			timeline: []harness.Event{
				{At: 2 * time.Second, For: 4 * time.Second, Action: harness.SetLink, Link: &slow},
				{At: 3 * time.Second, Action: harness.SetLink, Link: &umts},
				{At: 7 * time.Second, Action: harness.Heal},
			},
			want: []string{"2s link gprs", "3s link umts", "7s link edge", "10s link edge"},
		},
		"a periodic reset ends with the script": {
			timeline: []harness.Event{{At: 4 * time.Second, Every: 4 * time.Second, Action: harness.Reset}},
			want:     []string{"4s reset", "4s end reset", "8s reset", "8s end reset", "10s link edge"},
		},
		"the end heals what has no end": {
			timeline: []harness.Event{{At: time.Second, Action: harness.Refuse}},
			want:     []string{"1s refuse", "10s end refuse", "10s link edge"},
		},
		"a heal ends all, last first": {
			timeline: []harness.Event{
				{At: time.Second, Action: harness.Refuse},
				{At: 2 * time.Second, Action: harness.Blackhole, Direction: harness.Down},
				{At: 3 * time.Second, Action: harness.Heal},
			},
			want: []string{"1s refuse", "2s blackhole", "3s end blackhole", "3s end refuse", "3s link edge", "10s link edge"},
		},
		"a crash with its restart": {
			timeline: []harness.Event{{At: time.Second, Action: harness.Crash, Side: harness.Server, Restart: 2 * time.Second}},
			want:     []string{"1s crash server", "3s restart server", "10s link edge"},
		},
		"crashes that overlap": {
			timeline: []harness.Event{
				{At: time.Second, Action: harness.Crash, Side: harness.Server, Restart: 3 * time.Second},
				{At: 2 * time.Second, Action: harness.Crash, Side: harness.Client, Restart: time.Second},
				{At: 2 * time.Second, Action: harness.Crash, Side: harness.Server, Restart: 3 * time.Second},
			},
			want: []string{"1s crash server", "2s crash client", "3s restart client", "5s restart server", "10s link edge"},
		},
		"slow answers that overlap": {
			timeline: []harness.Event{
				{At: time.Second, For: 3 * time.Second, Action: harness.Slow, By: 9 * time.Second},
				{At: 2 * time.Second, For: time.Second, Action: harness.Slow, By: 5 * time.Second},
			},
			want: []string{"1s slow 9s", "2s slow 5s", "3s slow 9s", "4s slow 0s", "10s link edge"},
		},
		"slow answers": {
			timeline: []harness.Event{{At: time.Second, For: time.Second, Action: harness.Slow, By: 9 * time.Second}},
			want:     []string{"1s slow 9s", "2s slow 0s", "10s link edge"},
		},
		"one wallet": {
			timeline: []harness.Event{
				{At: time.Second, For: 2 * time.Second, Action: harness.Blackhole, Wallet: &one},
				{At: 5 * time.Second, For: time.Second, Action: harness.SetLink, Link: &harness.Profile{Name: "gprs"}, Wallet: &one},
			},
			want: []string{"1s blackhole client1", "3s end blackhole client1", "5s link edge", "5s link gprs client1", "6s link edge", "10s link edge"},
		},
		"crashes of wallets that overlap": {
			timeline: []harness.Event{
				{At: time.Second, Action: harness.Crash, Side: harness.Client, Wallet: &one, Restart: 3 * time.Second},
				{At: 2 * time.Second, Action: harness.Crash, Side: harness.Client, Restart: time.Second},
				{At: 3500 * time.Millisecond, Action: harness.Crash, Side: harness.Client, Restart: time.Second},
			},
			want: []string{
				"1s crash client1", "2s crash client0", "3s restart client0", "3.5s crash client0", "4.5s restart client", "10s link edge",
			},
		},
		"some wallets, and all again": {
			timeline: []harness.Event{
				{At: time.Second, Action: harness.SetLink, Link: &harness.Profile{Name: "gprs"}, Wallets: 0.5},
				{At: 2 * time.Second, Action: harness.SetLink, Link: &harness.Profile{Name: "lte"}},
			},
			want: []string{"1s link edge", "1s link gprs client0", "2s link lte", "10s link edge"},
		},
		"freezes that overlap": {
			timeline: []harness.Event{
				{At: time.Second, For: 3 * time.Second, Action: harness.Freeze, Side: harness.Server},
				{At: 2 * time.Second, For: time.Second, Action: harness.Freeze, Side: harness.Server},
			},
			want: []string{"1s freeze server", "2s freeze server", "4s thaw server", "10s link edge"},
		},
		"a fault that lasts longer than the workload": {
			timeline: []harness.Event{{At: 9 * time.Second, For: 5 * time.Second, Action: harness.Blackhole}},
			want:     []string{"9s blackhole", "14s end blackhole", "14s link edge"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &bench{}
				sc := scenario()
				sc.Timeline = tc.timeline
				_, err := run.Run(t.Context(), sc, options(t, b))
				require.NoError(t, err)
				require.Equal(t, append(tc.want, b.notes[len(tc.want):]...), b.notes)
				require.Len(t, b.notes, len(tc.want))
			})
		})
	}
}

// An outage during which nobody waits for an answer hits nothing, whatever it loses.
func TestOutageThatHidesNoAnswer(t *testing.T) {
	for name, tc := range map[string]struct {
		wallet *int
		at     time.Duration
		hits   bool
	}{
		"payments come":                     {nil, time.Second, true},
		"after the last payment":            {nil, 12 * time.Second, false},
		"on a phone that pays":              {new(int), time.Second, true},
		"on a phone after its last payment": {new(int), 12 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sc := scenario()
				sc.Length = 20 * time.Second
				sc.Timeline = []harness.Event{{At: tc.at, For: 5 * time.Second, Action: harness.Blackhole, Wallet: tc.wallet}}
				res, err := run.Run(t.Context(), sc, options(t, &bench{}))
				require.NoError(t, err)
				v := res.Verdict("impairment")
				require.Equal(t, tc.hits, !strings.Contains(fmt.Sprint(v.Findings), "hit nothing"), "%v", v.Findings)
			})
		})
	}
}

// The jitter of periodic events is drawn by the seed, and stays within itself.
func TestJitterOfEvents(t *testing.T) {
	sc := scenario()
	sc.Timeline = []harness.Event{{At: 3 * time.Second, Every: 3 * time.Second, Jitter: time.Second, Action: harness.Reset}}
	notes := func(seed uint64) (got []string) {
		synctest.Test(t, func(t *testing.T) {
			b := &bench{}
			o := options(t, b)
			o.Seed = seed
			_, err := run.Run(t.Context(), sc, o)
			require.NoError(t, err)
			got = b.notes
		})
		return got
	}
	require.Equal(t, notes(1), notes(1))
	require.NotEqual(t, notes(1), notes(2))
}

func TestRunJudges(t *testing.T) {
	confirm := func(b *bench, p harness.Payment) {
		b.observer.Committed(p.ID)
		b.observer.Told(harness.Told{Payment: p.ID, Outcome: harness.Confirmed})
	}
	tunnel := []harness.Event{{At: time.Second, For: 7 * time.Second, Action: harness.Blackhole}}
	for name, tc := range map[string]struct {
		book     func(*bench, harness.Payment)
		hangs    string
		reading  func(*bench)
		timeline []harness.Event
		want     result.Status
		fails    []string
	}{
		"an honest bank passes": {want: result.Pass},
		"a bank that forgets": {
			book: func(b *bench, p harness.Payment) {
				if p.ID != "p7" {
					b.post(p)
				}
				confirm(b, p)
			},
			want: result.Fail, fails: []string{"lost"},
		},
		"a bank that books twice": {
			book: func(b *bench, p harness.Payment) {
				b.post(p)
				if p.ID == "p7" {
					b.post(p)
				}
				confirm(b, p)
			},
			want: result.Fail, fails: []string{"duplicated"},
		},
		"an app that never says": {
			book: func(b *bench, p harness.Payment) { b.post(p) },
			want: result.Fail, fails: []string{"unresolved"},
		},
		"an app that has not answered at the end": {hangs: "p7", want: result.Fail, fails: []string{"unresolved"}},
		"a bank that confirms while its ledger is read": {
			book: func(b *bench, p harness.Payment) {
				if p.ID != "p7" {
					b.post(p)
					confirm(b, p)
				}
			},
			reading: func(b *bench) { confirm(b, harness.Payment{ID: "p7"}) },
			want:    result.Fail, fails: []string{"unresolved"},
		},
		"a second booking by what an outage held up": {
			book: func(b *bench, p harness.Payment) {
				b.post(p)
				confirm(b, p)
				if p.ID == "p7" {
					time.Sleep(time.Until(b.begin.Add(14 * time.Second)))
					b.post(p)
				}
			},
			timeline: tunnel,
			want:     result.Fail, fails: []string{"duplicated"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &bench{book: tc.book, hangs: tc.hangs, reading: tc.reading}
				o := options(t, b)
				sc := scenario()
				sc.Timeline = tc.timeline
				res, err := run.Run(t.Context(), sc, o)
				require.NoError(t, err)
				var fails []string
				for _, v := range res.Verdicts {
					if v.Status == result.Fail {
						fails = append(fails, v.Check)
					}
				}
				require.Equal(t, tc.fails, fails)
				require.Equal(t, tc.want, res.Status)
				again, err := judge.File(filepath.Join(o.Dir, run.HistoryFile))
				require.NoError(t, err)
				require.Equal(t, res, again, "a saved history says what the run said")
				data, err := os.ReadFile(res.HistoryFile)
				require.NoError(t, err)
				require.Equal(t, fmt.Sprintf("%x", sha256.Sum256(data)), res.Hash)
			})
		})
	}
}

// What could not be carried to its end is an error of the result, not a verdict.
func TestRunBreaks(t *testing.T) {
	crash := scenario()
	crash.Timeline = []harness.Event{{At: time.Second, Action: harness.Crash, Side: harness.Server, Restart: time.Second}}
	for name, tc := range map[string]struct {
		bench  *bench
		want   string
		within time.Duration
	}{
		"the server does not come back": {&bench{restartErr: errors.New("port taken")}, "restart the server: port taken", 3 * time.Second},
		"the ledger cannot be read":     {&bench{ledgerErr: errors.New("locked")}, "read the ledger: locked", 12 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				res, err := run.Run(t.Context(), crash, options(t, tc.bench))
				require.NoError(t, err)
				require.Less(t, time.Since(begin), tc.within, "nobody goes on paying")
				require.Contains(t, res.Error, tc.want)
				require.NotEqual(t, result.Pass, res.Status)
				require.Equal(t, result.ExitBroken, res.Exit())
			})
		})
	}
}

func TestRunRefuses(t *testing.T) {
	b := &bench{}
	o := options(t, b)
	o.Engine = engine{bench: b, lacks: harness.CarryPackets}
	sc := scenario()
	sc.Link.Up.Loss.P = 0.05
	sc.Expect = []harness.Expectation{{Text: "p95(confrm) < 8s", Line: 12}}
	sc.Timeline = []harness.Event{{Action: harness.Freeze, Side: harness.Client, Line: 9}}
	_, err := run.Run(t.Context(), sc, o)
	require.ErrorContains(t, err, "the scenario's link: loss of 5% up cannot be done by the bench engine")
	require.ErrorContains(t, err, "line 12")
	require.ErrorContains(t, err, "line 9: the subject has no way to freeze the client: remove the event")
	require.Empty(t, b.notes, "nothing was started")
	require.NoFileExists(t, filepath.Join(o.Dir, run.HistoryFile))
}

// An interrupted run keeps what there is, and says nothing of what it did not
// see.
func TestRunInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(4*time.Second, cancel)
		begin := time.Now()
		res, err := run.Run(ctx, scenario(), options(t, &bench{}))
		require.ErrorIs(t, err, context.Canceled)
		require.Less(t, time.Since(begin), 6*time.Second)
		require.Equal(t, result.StatusUnknown, res.Status)
		require.Equal(t, result.StatusUnknown, res.Verdict("lost").Status)
		payments, ok := res.Figures.Get("payments")
		require.True(t, ok)
		require.Positive(t, payments.Value)
	})
}

// limited is a disk with room for some bytes.
type limited struct {
	io.Writer
	room int
}

func (l *limited) Write(p []byte) (int, error) {
	n, err := l.Writer.Write(p[:min(len(p), l.room)])
	if l.room -= n; err == nil && n < len(p) {
		err = syscall.ENOSPC
	}
	return n, err
}

// A disk that is full when the run begins is an error of the experiment. If it becomes
// full, the run ends at once and is judged up to there.
func TestRunOnAFullDisk(t *testing.T) {
	on := func(t *testing.T, room int) (result.Result, string, error) {
		t.Helper()
		o := options(t, &bench{})
		o.Tap(func(w io.Writer) io.Writer { return &limited{w, room} })
		begin := time.Now()
		res, err := run.Run(t.Context(), scenario(), o)
		require.Less(t, time.Since(begin), 6*time.Second, "it did not end at once")
		return res, filepath.Join(o.Dir, run.HistoryFile), err
	}
	synctest.Test(t, func(t *testing.T) {
		res, _, err := on(t, 0)
		require.ErrorContains(t, err, "no space left on device")
		require.Zero(t, res.Status)
	})
	for _, room := range []int{2000, 2050, 3000} {
		synctest.Test(t, func(t *testing.T) {
			res, file, err := on(t, room)
			require.NoError(t, err)
			require.Contains(t, res.Error, "no space left on device")
			require.Equal(t, result.StatusUnknown, res.Status)
			payments, ok := res.Figures.Get("payments")
			require.True(t, ok)
			require.Positive(t, payments.Value)
			again, err := judge.File(file)
			require.NoError(t, err)
			require.Equal(t, res.Verdicts, again.Verdicts)
			require.Equal(t, result.StatusUnknown, again.Status)
			require.NotEmpty(t, again.Notes)
		})
	}
}

// A run removes links that others have put into its folder, and follows none.
func TestRunFollowsNoLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs the right to make links")
	}
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("mine"), 0o600))
	for name, tc := range map[string]struct {
		links []string
		want  string // the error; empty is none
	}{
		"the files":  {[]string{run.HistoryFile, "run.log", "state"}, ""},
		"hard links": {nil, ""},
		"the marker": {[]string{".onebar"}, "no regular file"},
		"the folder": {[]string{""}, "symbolic link"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, &bench{})
			marker := filepath.Join(o.Dir, ".onebar")
			require.NoError(t, os.WriteFile(marker, nil, 0o600))
			if tc.links == nil {
				require.NoError(t, os.Link(secret, filepath.Join(o.Dir, run.HistoryFile)))
			}
			for _, l := range tc.links {
				path := filepath.Join(o.Dir, l)
				to := secret
				if l == "" {
					o.Dir = filepath.Join(t.TempDir(), "link")
					path, to = o.Dir, filepath.Dir(secret)
				}
				_ = os.Remove(path)
				require.NoError(t, os.Symlink(to, path))
			}
			synctest.Test(t, func(t *testing.T) {
				_, err := run.Run(t.Context(), scenario(), o)
				if tc.want == "" {
					require.NoError(t, err)
				} else {
					require.ErrorContains(t, err, tc.want)
				}
			})
			got, err := os.ReadFile(secret)
			require.NoError(t, err)
			require.Equal(t, "mine", string(got))
		})
	}
}

// A run never touches what onebar has not written, nor what another run is
// writing.
func TestRunRefusesAForeignFolder(t *testing.T) {
	b := &bench{}
	o := options(t, b)
	keep := filepath.Join(o.Dir, "state")
	require.NoError(t, os.Mkdir(keep, 0o700))
	_, err := run.Run(t.Context(), scenario(), o)
	require.ErrorContains(t, err, "choose another --out")
	require.DirExists(t, keep)
}

func TestRunRefusesAFolderInUse(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs flock")
	}
	synctest.Test(t, func(t *testing.T) {
		o := options(t, &bench{})
		first := make(chan error, 1)
		go func() {
			_, err := run.Run(t.Context(), scenario(), o)
			first <- err
		}()
		time.Sleep(time.Second)
		second := options(t, &bench{})
		second.Dir = o.Dir
		_, err := run.Run(t.Context(), scenario(), second)
		require.ErrorContains(t, err, "another run is writing to")
		require.NoError(t, <-first, "and the first is not disturbed")
	})
}

func TestJudgeFileNamesWhatIsWrong(t *testing.T) {
	header := `{"at":0,"header":{"version":1,"onebar":"test","started":"2026-11-23T00:00:00Z","seed":1,"engine":"packet","scenario":{"name":"x","workload":{},"link":{"up":{},"down":{}},"settle":0}}}`
	for name, tc := range map[string]struct{ file, want string }{
		"an empty file":            {"", "the file is empty"},
		"no header":                {`{"at":0,"held":"p1"}` + "\n", "line 1: not the header of a history"},
		"a later version":          {`{"at":0,"header":{"version":99,"onebar":"9.9","started":"2026-11-23T00:00:00Z"}}` + "\n", "use onebar 9.9"},
		"two runs":                 {header + "\n" + `{"at":1,"end":{"settled":true,"ledger_read":true}}` + "\n" + header + "\n", "line 3: a second header"},
		"after the end":            {header + "\n" + `{"at":1,"end":{"settled":true,"ledger_read":true}}` + "\n" + `{"at":2,"held":"p1"}` + "\n", "line 3: a record after the end"},
		"a killed run and another": {header + "\n" + header + "\n", "line 2: a second header"},
		"a header that is cut":     {header[:50], "line 1: the record is truncated"},
		"cut after the end":        {header + "\n" + `{"at":1,"end":{"settled":true,"ledger_read":true}}` + "\n" + `{"at":5,"to`, "line 3: the record is truncated"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "history.jsonl")
			require.NoError(t, os.WriteFile(path, []byte(tc.file), 0o600))
			_, err := judge.File(path)
			require.ErrorContains(t, err, tc.want)
			require.ErrorContains(t, err, path)
		})
	}
	t.Run("a history is judged up to a line that is cut", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "history.jsonl")
		require.NoError(t, os.WriteFile(path, []byte(header+"\n"+`{"at":5,"to`), 0o600))
		res, err := judge.File(path)
		require.NoError(t, err)
		require.Equal(t, result.StatusUnknown, res.Status)
		require.Contains(t, res.Notes[0], "line 2: the record is truncated")
	})
	t.Run("a history without its end is at best unknown", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "history.jsonl")
		require.NoError(t, os.WriteFile(path, []byte(header+"\n"), 0o600))
		res, err := judge.File(path)
		require.NoError(t, err)
		require.Equal(t, result.StatusUnknown, res.Status)
	})
}

// A subject without a ledger can pass: what needs one is n/a, and says why.
func TestNoLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		res, err := run.Run(t.Context(), scenario(), options(t, &bench{ledgerErr: harness.ErrNoLedger}))
		require.NoError(t, err)
		require.Empty(t, res.Error)
		for _, check := range []string{"lost", "duplicated", "contradicted", "altered", "phantom", "unbalanced"} {
			v := res.Verdict(check)
			require.Equal(t, result.NotApplicable, v.Status, check)
			require.Equal(t, "the subject has no ledger to read: nobody knows what was booked", v.Summary)
			_, measured := res.Figures.Get(check)
			require.False(t, measured, "a check that was not made has no findings to count")
		}
		require.Equal(t, result.Pass, res.Verdict("unresolved").Status)
	})
}
