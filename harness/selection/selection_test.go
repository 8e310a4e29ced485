package selection

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
)

func TestShardIsRead(t *testing.T) {
	for text, want := range map[string]Shard{"1/1": {1, 1}, "2/3": {2, 3}, "100000/100000": {100_000, 100_000}} {
		var got Shard
		require.NoError(t, got.Set(text))
		require.Equal(t, want, got)
		require.Equal(t, text, got.String())
	}
	for _, text := range []string{"", "1", "0/3", "4/3", "-1/3", "1/0", "1/", "/2", "a/b", "1/2/3", "1.5/2", "1/100001", " 1/2"} {
		got := Shard{9, 9}
		require.ErrorContains(t, got.Set(text), "expected i/n", text)
		require.Equal(t, Shard{9, 9}, got, text)
	}
	require.Empty(t, Shard{}.String())
}

// Each run is made by exactly one shard, and no shard has two runs more than another.
func TestShardsHaveEachRunOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total, runs := rapid.IntRange(1, 12).Draw(t, "shards"), rapid.IntRange(0, 50).Draw(t, "runs")
		least, most, sum := runs, 0, 0
		for i := range runs {
			makers := 0
			for n := range total {
				if (Shard{n + 1, total}).Has(i) {
					makers++
				}
			}
			require.Equal(t, 1, makers, "run %d", i)
		}
		for n := range total {
			share := Shard{n + 1, total}.Share(0, runs)
			least, most, sum = min(least, share), max(most, share), sum+share
		}
		require.Equal(t, runs, sum)
		require.LessOrEqual(t, most-least, 1)
		require.Equal(t, runs, Shard{}.Share(0, runs))
	})
}

func TestFilter(t *testing.T) {
	list := []harness.Scenario{
		{Name: "tunnel", Tags: []string{"smoke", "rail"}},
		{Name: "lift", Tags: []string{"smoke"}},
		{Name: "metro", Tags: []string{"rail", "slow"}},
		{Name: "plain"},
	}
	for _, c := range []struct {
		name string
		f    Filter
		want []string
		err  string
	}{
		{"all", Filter{}, []string{"tunnel", "lift", "metro", "plain"}, ""},
		{"tags are alternatives", Filter{Tags: []string{"slow", "smoke"}}, []string{"tunnel", "lift", "metro"}, ""},
		{"exclude", Filter{Exclude: []string{"slow", "nowhere"}}, []string{"tunnel", "lift", "plain"}, ""},
		{"tag and exclude", Filter{Tags: []string{"rail"}, Exclude: []string{"slow"}}, []string{"tunnel"}, ""},
		{"grep is not anchored", Filter{Grep: "t"}, []string{"tunnel", "lift", "metro"}, ""},
		{"grep with anchors", Filter{Grep: "^(lift|met)$"}, []string{"lift"}, ""},
		{"all three", Filter{Tags: []string{"smoke"}, Exclude: []string{"rail"}, Grep: "f"}, []string{"lift"}, ""},
		{"none", Filter{Tags: []string{"rail"}, Exclude: []string{"rail"}, Grep: "x"}, nil, `no scenario of 4 has one of the tags rail and lacks the tags rail and has a name that matches "x": onebar list shows names and tags`},
		{"no expression", Filter{Grep: "("}, nil, "expected a regular expression such as"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.f.Apply(list)
			var names []string
			for _, sc := range got {
				names = append(names, sc.Name)
			}
			require.Equal(t, c.want, names)
			if c.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.err)
		})
	}
}

// parts are the files of three shards of one selection.
func parts() []Part {
	var list []Part
	for i := 1; i <= 3; i++ {
		list = append(list, Part{
			File: string(rune('a'-1+i)) + ".json",
			Stamp: Stamp{&Shard{i, 3}, &Identity{
				Build:     "b01d",
				Scenarios: []Chosen{{Name: "tunnel", Hash: "1111", Engine: "sim", Seed: 1}, {Name: "lift", Hash: "2222", Engine: "sim", Seed: 1}},
				Options:   []string{"--seeds 10"},
			}},
		})
	}
	return list
}

func TestWhole(t *testing.T) {
	require.NoError(t, Whole(parts()))
	for _, c := range []struct {
		name    string
		mistake func([]Part) []Part
		want    string
	}{
		{"none", func([]Part) []Part { return nil }, "no file was given"},
		{"a shard is missing", func(p []Part) []Part { return p[:2] }, "shard 3/3 is missing: give the files of all shards"},
		{"two are missing", func(p []Part) []Part { return p[1:2] }, "shard 1/3 is missing: give the files of all shards\nshard 3/3 is missing"},
		{"the same twice", func(p []Part) []Part { p[2] = p[1]; p[2].File = "copy.json"; return p }, "b.json and copy.json are both shard 2/3: give each shard once\nshard 3/3 is missing"},
		{"one too many", func(p []Part) []Part { return append(p, p[0]) }, "a.json and a.json are both shard 1/3"},
		{"other number of shards", func(p []Part) []Part { p[1].Shard = &Shard{2, 4}; return p }, "a.json is shard 1/3 and b.json is shard 2/4"},
		{"not a shard", func(p []Part) []Part { p[1].Shard = nil; return p }, "b.json is not of a shard: expected the JSON report of a command with --shard"},
		{"no identity", func(p []Part) []Part { p[1].Of = nil; return p }, "b.json: shard 2/3 was interrupted: make it again"},
		{"another build", func(p []Part) []Part { p[1].Of.Build = "0ther"; return p }, "b.json is not of the same runs as a.json: it was made by another build of onebar (0ther, and not b01d)"},
		{"another seed", func(p []Part) []Part { p[1].Of.Scenarios[0].Seed = 7; return p }, "its seed for tunnel was 7, and not 1"},
		{"more seeds", func(p []Part) []Part { p[1].Of.Scenarios[0].Seeds = 5; return p }, "tunnel had 5 seeds there, and not 1"},
		{"another scenario file", func(p []Part) []Part { p[2].Of.Scenarios[1].Hash = "3333"; return p }, "c.json is not of the same runs as a.json: its scenario lift is another one (3333, and not 2222)"},
		{"another engine", func(p []Part) []Part { p[2].Of.Scenarios[1].Engine = "packet"; return p }, "its engine for lift was packet, and not sim"},
		{"a scenario more", func(p []Part) []Part {
			p[2].Of.Scenarios = append(p[2].Of.Scenarios, Chosen{Name: "metro", Hash: "4444", Engine: "sim", Seed: 1})
			return p
		}, "it has the scenario metro too"},
		{"a scenario less", func(p []Part) []Part { p[2].Of.Scenarios = p[2].Of.Scenarios[:1]; return p }, "it lacks the scenario lift"},
		{"other flags", func(p []Part) []Part { p[2].Of.Options = nil; return p }, "its flags were none, and not --seeds 10"},
		{"the order of scenarios does not count", func(p []Part) []Part {
			of := p[2].Of
			of.Scenarios[0], of.Scenarios[1] = of.Scenarios[1], of.Scenarios[0]
			return p
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Whole(c.mistake(parts()))
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestBuild(t *testing.T) {
	one, err := Build()
	require.NoError(t, err)
	two, err := Build()
	require.NoError(t, err)
	require.Equal(t, one, two)
	require.Len(t, one, 64)
}

// Which shard makes a run does not depend on the order of the command line.
func TestPick(t *testing.T) {
	runs := Identity{Scenarios: []Chosen{{Name: "tunnel", Seed: 7, Seeds: 3}, {Name: "lift", Seed: 1}, {Name: "metro", Seed: 1}}}.Runs()
	require.Equal(t, []Run{{"tunnel", 7}, {"tunnel", 8}, {"tunnel", 9}, {"lift", 1}, {"metro", 1}}, runs)
	pick := func(i int, list []Run) []Run { return Pick(Shard{i, 2}, list, Run.Compare) }
	require.Equal(t, []Run{{"tunnel", 7}, {"tunnel", 9}, {"lift", 1}}, pick(1, runs))
	require.Equal(t, []Run{{"tunnel", 8}, {"metro", 1}}, pick(2, runs))
	slices.Reverse(runs)
	require.Equal(t, []Run{{"lift", 1}, {"tunnel", 9}, {"tunnel", 7}}, pick(1, runs))
	require.Equal(t, runs, Pick(Shard{}, runs, Run.Compare))
	require.Empty(t, Pick(Shard{9, 9}, runs, Run.Compare))
}

func TestSeedsAreRead(t *testing.T) {
	for text, count := range map[string]int{"1..1": 1, "0..9": 10, "18446744073709551614..18446744073709551615": 2} {
		var s Seeds
		require.NoError(t, s.Set(text))
		require.Equal(t, count, s.Count())
		require.Equal(t, text, s.String())
	}
	for _, text := range []string{"", "5", "2..1", "1..", "..2", "-1..3", "1..1000000001", "1...3", "a..b"} {
		var s Seeds
		require.ErrorContains(t, s.Set(text), "expected A..B", text)
		require.Zero(t, s)
	}
	require.Zero(t, Seeds{}.Count())
	require.Empty(t, Seeds{}.String())
}

func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := Gate{Began: time.Now()}
		open.Fail("tunnel")
		time.Sleep(time.Hour)
		require.Empty(t, open.Closed())

		fast := Gate{Began: time.Now(), FailFast: true}
		require.Empty(t, fast.Closed())
		fast.Fail("tunnel")
		fast.Fail("lift")
		require.Equal(t, "not run, because tunnel failed before (--fail-fast)", fast.Closed())

		timed := Gate{Began: time.Now(), Budget: time.Minute}
		time.Sleep(time.Minute - 1)
		require.Empty(t, timed.Closed())
		time.Sleep(time.Nanosecond)
		require.Equal(t, "not run, because the time was over (--time-budget 1m0s)", timed.Closed())
	})
}
