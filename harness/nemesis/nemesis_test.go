package nemesis_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/nemesis"
)

func TestExpandLeavesAScriptAlone(t *testing.T) {
	sc := harness.Scenario{Length: time.Minute, Timeline: []harness.Event{{At: time.Second, Action: harness.Reset}}}
	require.Equal(t, sc, nemesis.Expand(sc, 7))
}

func entry(a harness.Action, rate float64, least, most time.Duration) harness.Nemesis {
	n := harness.Nemesis{Rate: rate, Event: harness.Event{Action: a, Line: int(a)}}
	switch a {
	case harness.Crash:
		n.Event.Side, n.Restart = harness.Server, harness.Durations{Min: least, Max: most}
	case harness.Reset, harness.Rebind:
	case harness.Slow:
		n.By = harness.Durations{Min: least, Max: most}
		fallthrough
	default:
		n.For = harness.Durations{Min: least, Max: most}
	}
	return n
}

func TestExpandKeepsItsWord(t *testing.T) {
	actions := []harness.Action{harness.Blackhole, harness.Reset, harness.Crash, harness.Slow, harness.SetLink, harness.Crash}
	rapid.Check(t, func(t *rapid.T) {
		script := harness.Event{At: time.Second, Action: harness.Reset, Line: 100}
		sc := harness.Scenario{
			Length:   time.Duration(rapid.IntRange(2, 600).Draw(t, "seconds")) * time.Second,
			Timeline: []harness.Event{script},
		}
		for i := range rapid.IntRange(1, len(actions)).Draw(t, "entries") {
			least := time.Duration(rapid.IntRange(1, 5000).Draw(t, "least")) * time.Millisecond
			n := entry(actions[i], rapid.Float64Range(0.001, 1).Draw(t, "rate"), least, least*time.Duration(rapid.IntRange(1, 20).Draw(t, "factor")))
			n.Event.Line = i + 1
			sc.Nemesis = append(sc.Nemesis, n)
		}
		seed := rapid.Uint64().Draw(t, "seed")
		got := nemesis.Expand(sc, seed)
		require.Equal(t, got, nemesis.Expand(sc, seed), "the same seed")
		require.Equal(t, got, nemesis.Expand(got, seed+1), "nothing is left to draw")
		require.Equal(t, sc.Duration(), got.Duration())
		require.Equal(t, script, got.Timeline[0])
		require.Len(t, sc.Timeline, 1)
		requireSound(t, sc, got.Timeline[1:])
	})
}

func requireSound(t *rapid.T, sc harness.Scenario, drawn []harness.Event) {
	var last time.Duration
	free := map[int]time.Duration{}        // by entry
	up := map[harness.Side]time.Duration{} // by side
	within := func(got time.Duration, d harness.Durations) bool { return got <= d.Max && (got >= d.Min || got > 0) }
	for _, e := range drawn {
		n := sc.Nemesis[e.Line-1]
		require.Equal(t, n.Event.Action, e.Action)
		require.True(t, e.MayMiss)
		require.GreaterOrEqual(t, e.At, last)
		require.LessOrEqual(t, e.At+e.For+e.Restart, sc.Duration())
		require.GreaterOrEqual(t, e.At, free[e.Line])
		if e.At+e.For+e.Restart < sc.Duration() {
			require.GreaterOrEqual(t, e.For, n.For.Min)
			require.GreaterOrEqual(t, e.Restart, n.Restart.Min)
		}
		require.True(t, n.For.Max == 0 || within(e.For, n.For))
		require.True(t, n.Restart.Max == 0 || within(e.Restart, n.Restart))
		require.GreaterOrEqual(t, e.By, n.By.Min)
		require.LessOrEqual(t, e.By, n.By.Max)
		if e.Action == harness.Crash {
			require.GreaterOrEqual(t, e.At, up[e.Side])
			up[e.Side] = e.At + e.Restart
		}
		free[e.Line] = e.At + e.For + e.Restart
		last = e.At
	}
}

func TestSwarm(t *testing.T) {
	sc := harness.Scenario{Length: 10 * time.Minute, Nemesis: []harness.Nemesis{
		entry(harness.Blackhole, 0.05, time.Second, 10*time.Second), entry(harness.Reset, 0.05, 0, 0), entry(harness.Slow, 0.05, time.Second, 2*time.Second),
	}}
	const seeds = 2000
	subsets, events, short := map[[3]bool]int{}, 0, 0
	for seed := range uint64(seeds) {
		var seen [3]bool
		for _, e := range nemesis.Expand(sc, seed).Timeline {
			switch e.Action {
			case harness.Blackhole:
				seen[0] = true
				if e.For < time.Duration(math.Sqrt(10)*float64(time.Second)) {
					short++
				}
				events++
			case harness.Reset:
				seen[1] = true
			default:
				seen[2] = true
			}
		}
		subsets[seen]++
	}
	require.Len(t, subsets, 7, "every subset but the empty one: %v", subsets)
	for s, n := range subsets {
		require.Greater(t, n, seeds/16, "%v", s)
	}
	require.InDelta(t, 0.5, float64(short)/float64(events), 0.05, "log-uniform: half of them are below the geometric mean")
}

func TestRateIsPoisson(t *testing.T) {
	sc := harness.Scenario{Length: time.Hour, Nemesis: []harness.Nemesis{entry(harness.Reset, 0.1, 0, 0)}}
	var n, squares float64
	const seeds = 500
	for seed := range uint64(seeds) {
		k := float64(len(nemesis.Expand(sc, seed).Timeline))
		n += k
		squares += k * k
	}
	// The rate of a seed is log-uniform from half to twice that of the entry: its
	// mean is 1.5/ln 4 of it.
	want := 360 * 1.5 / math.Log(4)
	require.InDelta(t, want, n/seeds, want/10)
	require.Greater(t, squares/seeds-(n/seeds)*(n/seeds), want, "seeds differ by more than one Poisson process")
}

// Entries at commits and packets draw what they begin at: it comes first after a time, and
// every kind of it is drawn.
func TestMoments(t *testing.T) {
	commit := entry(harness.Crash, 0.05, time.Second, 2*time.Second)
	commit.Event.When = &harness.Trigger{Commit: 1, Side: harness.Server}
	packet := entry(harness.Reset, 0.05, 0, 0)
	packet.Event.When = &harness.Trigger{Packet: 1}
	sc := harness.Scenario{Length: 10 * time.Minute, Nemesis: []harness.Nemesis{commit, packet}}
	sc.Workload.Wallets = 3
	seen := map[harness.Trigger]int{}
	for seed := range uint64(50) {
		for _, e := range nemesis.Expand(sc, seed).Timeline {
			require.NotNil(t, e.When)
			require.Positive(t, e.At)
			require.True(t, e.MayMiss)
			seen[*e.When]++
		}
	}
	want := []harness.Trigger{{Commit: 1, Side: harness.Server}, {Commit: 1, Side: harness.Server, After: true}}
	for client := range 3 {
		for _, d := range []harness.Direction{harness.Up, harness.Down} {
			want = append(want, harness.Trigger{Packet: 1, Client: client, Direction: d})
		}
	}
	require.Len(t, seen, len(want))
	for _, w := range want {
		require.Greater(t, seen[w], 20, "%+v", w)
	}
	require.Equal(t, 1, int(sc.Nemesis[0].Event.When.Commit), "the scenario is left as it was")
}

// Where commits or packets are not counted, events begin at their times.
func TestFit(t *testing.T) {
	commit, packet := entry(harness.Crash, 0.1, time.Second, 2*time.Second), entry(harness.Reset, 0.1, 0, 0)
	commit.Event.When, packet.Event.When = &harness.Trigger{Commit: 1, Side: harness.Server}, &harness.Trigger{Packet: 1}
	sc := harness.Scenario{Length: 10 * time.Minute, Nemesis: []harness.Nemesis{commit, packet}}
	for can, want := range map[harness.Abilities][2]bool{
		0:                          {false, false},
		harness.CountClientCommits: {false, false},
		harness.CountServerCommits: {true, false},
		harness.CountPackets:       {false, true},
	} {
		got := nemesis.Fit(sc, can)
		for i, entry := range got.Nemesis {
			require.Equal(t, want[i], entry.Event.When != nil, "%v", can)
		}
		for _, e := range nemesis.Expand(got, 1).Timeline {
			require.Equal(t, e.Action == harness.Crash && want[0] || e.Action == harness.Reset && want[1], e.When != nil)
		}
	}
	require.NotNil(t, sc.Nemesis[0].Event.When)
	some := sc
	some.Nemesis = slices.Clone(sc.Nemesis)
	some.Nemesis[0].Event.Wallets = 0.2
	require.Nil(t, nemesis.Fit(some, harness.CountServerCommits).Nemesis[0].Event.When, "the power of all wallets fails at a commit")
	for _, e := range nemesis.Whole(sc).Timeline {
		require.Nil(t, e.When, "nothing is needed to count them")
	}
}

// Where no single wallet can be crashed or lose its link, such an entry is about all of them.
func TestFitWallets(t *testing.T) {
	zero := 0
	crash, outage := entry(harness.Crash, 0.1, time.Second, 2*time.Second), entry(harness.Blackhole, 0.1, time.Second, 2*time.Second)
	crash.Event.Side, crash.Event.Wallets, outage.Event.Wallet = harness.Client, 0.1, &zero
	sc := harness.Scenario{Length: time.Minute, Nemesis: []harness.Nemesis{crash, outage}}
	for can, want := range map[harness.Abilities][2]bool{
		harness.CrashClient:   {false, false},
		harness.CrashWallet:   {true, false},
		harness.ChooseClients: {false, true},
	} {
		for i, entry := range nemesis.Fit(sc, can).Nemesis {
			require.Equal(t, want[i], entry.Event.Some(), "%v", can)
		}
	}
	require.True(t, sc.Nemesis[0].Event.Some())
}

func TestWhole(t *testing.T) {
	sc := harness.Scenario{Length: time.Minute, Nemesis: []harness.Nemesis{entry(harness.Slow, 0.001, time.Second, time.Minute), entry(harness.Crash, 0.001, time.Second, 3*time.Second)}}
	got := nemesis.Whole(sc).Timeline
	require.Len(t, got, 2)
	require.Equal(t, time.Minute, got[0].By)
	require.Equal(t, 3*time.Second, got[1].Restart)
	require.Len(t, sc.Nemesis, 2)
}
