package spec

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/delivery"
	"github.com/onebar/onebar/harness/quantity"
	"github.com/onebar/onebar/scenarios"
)

// TestWrittenFilesReadBack writes every scenario there is and reads it again.
func TestWrittenFilesReadBack(t *testing.T) {
	lib := bundled(t)
	var all []harness.Scenario
	names, err := fs.Glob(scenarios.FS, "*.yaml")
	require.NoError(t, err)
	for _, name := range names {
		data, err := fs.ReadFile(scenarios.FS, name)
		require.NoError(t, err)
		sc, err := Parse(name, data, lib)
		require.NoError(t, err)
		all = append(all, sc)
	}
	files, err := filepath.Glob("testdata/*.good.yml")
	require.NoError(t, err)
	examples, err := filepath.Glob("../../docs/examples/*/*.yaml")
	require.NoError(t, err)
	files = append(files, examples...)
	for _, file := range files {
		sc, err := Load(file, lib)
		require.NoError(t, err)
		all = append(all, sc)
	}
	for _, sc := range all {
		t.Run(sc.Name, func(t *testing.T) {
			var b bytes.Buffer
			require.NoError(t, Write(&b, sc, lib, "one", "two\nthree"))
			require.True(t, strings.HasPrefix(b.String(), "# one\n# two\n# three\nonebar: 1\nname: "+sc.Name+"\n"))
			back, err := Parse(sc.File, b.Bytes(), lib)
			require.NoError(t, err)
			require.Equal(t, plain(sc), plain(back))
			var again bytes.Buffer
			require.NoError(t, Write(&again, back, lib, "one", "two", "three"))
			require.Equal(t, b.String(), again.String(), "what is read back is written the same")
		})
	}
}

func TestWrittenForms(t *testing.T) {
	lib := bundled(t)
	tests := map[string]string{
		"defaults are left out": "onebar: 1\nname: t\nworkload: {payments: 1, amount: 1 EUR}\n",
		"a link by name":        "onebar: 1\nname: t\nworkload: {payments: 9, rate: 90/min, amount: 0.250..4.500 KWD}\nlink: edge\n",
		"a link with changes":   "onebar: 1\nname: t\nworkload: {payments: 1, amount: 1 EUR}\nlink: {profile: edge-lossy, both: {loss: 0%}, up: {delay: 90ms}}\n",
		"a link of one's own":   "onebar: 1\nname: t\nworkload: {payments: 1, amount: 1 EUR}\nlink: {both: {delay: 1.5ms}, up: {rate: 9.6kbit, loss: {gemodel: {p: 1%, r: 25%}}}}\n",
		"events": "onebar: 1\nname: t\nduration: 1m\nworkload: {wallets: 2, payments: 1, amount: 1 EUR}\ntimeline:\n" +
			"  - {when: {packet: 7, wallet: 1, direction: down}, drop: true}\n" +
			"  - {when: {commit: 2, after: true}, crash: server, restart: 0s}\n" +
			"  - {at: 1s, link: {}}\n" +
			"  - {at: 9s, every: 10s, jitter: 1s, disconnect: blackhole, direction: down, for: 2s, phase: deaf}\n" +
			"  - {at: 20s, toxic: {type: slicer, average_size: 64B, delay: 250µs}}\n" +
			"  - {at: 25s, toxic: {type: limit_data, stream: upstream, bytes: 0B, connections: 1}}\n" +
			"  - {at: 26s, freeze: client, for: 2s}\n" +
			"  - {at: 30s, heal: true}\n" +
			"expect:\n  - p95(confirm) < 8s\n  - 'p95(confirm, phase: deaf) < 20s'\n",
		"a planted fault": "onebar: 1\nname: t\nsummary: It's broken, and 'tis known.\nengine: sim\nsubject: {broken: [forget-keys]}\nworkload: {payments: 1, amount: 1 EUR}\nsettle: 0s\n",
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			sc, err := Parse("t.yaml", []byte(text), lib)
			require.NoError(t, err)
			var b bytes.Buffer
			require.NoError(t, Write(&b, sc, lib))
			require.Equal(t, text, b.String())
		})
	}
}

// TestWriteFileNamesFilesFromItsFolder: a scenario that names files can be put
// elsewhere.
func TestWriteFileNamesFilesFromItsFolder(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		return file
	}
	model, err := os.ReadFile("testdata/radio.yaml")
	require.NoError(t, err)
	put("in/my.radio.yaml", string(model))
	put("in/my.trace", "0 1\n5 2\n10 2\n")
	file := put("in/a.yaml", "onebar: 1\nname: a\nworkload: {payments: 1, amount: 1 EUR}\nlink: {both: {trace: ./my.trace}}\nradio: my.radio.yaml\n")
	sc, err := Load(file, Library{})
	require.NoError(t, err)
	out := filepath.Join(dir, "out", "b.yaml")
	require.NoError(t, WriteFile(out, sc, Library{}))
	text, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Contains(t, string(text), "link: {both: {trace: ../in/my.trace}}\nradio: ../in/my.radio.yaml\n")
	back, err := Load(out, Library{})
	require.NoError(t, err)
	require.NoError(t, same(sc, back))
	put("in/my.trace", "0 3\n5 2\n10 2\n")
	require.EqualError(t, WriteFile(out, sc, Library{}), "scenario a cannot be written as a file: a trace is not that of its name")
}

// TestFindTraces: what a scenario's JSON form leaves out of its traces is found by
// their names.
func TestFindTraces(t *testing.T) {
	lib := bundled(t)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "my.trace"), []byte("0 1\n5 2\n10 2\n"), 0o600))
	file := filepath.Join(dir, "a.yaml")
	text := "onebar: 1\nname: a\nduration: 9s\nworkload: {payments: 1, amount: 1 EUR}\nlink: bus\n" +
		"timeline:\n  - {at: 1s, link: {up: {trace: ./my.trace}}}\n"
	sc, err := Parse(file, []byte(text), lib)
	require.NoError(t, err)
	data, err := json.Marshal(sc)
	require.NoError(t, err)
	var bare harness.Scenario
	require.NoError(t, json.Unmarshal(data, &bare))
	require.NotEqual(t, traces(sc), traces(bare))
	require.NoError(t, FindTraces(&bare, lib))
	require.Equal(t, traces(sc), traces(bare))
	bare.Link.Up.Trace = &delivery.Trace{Name: "buss"}
	require.ErrorContains(t, FindTraces(&bare, lib), `there is no trace "buss"`)
}

func TestWriteRefuses(t *testing.T) {
	lib := bundled(t)
	base := func() harness.Scenario {
		sc, err := Parse("t.yaml", []byte("onebar: 1\nname: t\nworkload: {payments: 4, rate: 1/s, amount: 1 EUR}\n"), lib)
		require.NoError(t, err)
		return sc
	}
	at := func(e harness.Event) func(*harness.Scenario) {
		return func(sc *harness.Scenario) { sc.Timeline = []harness.Event{e} }
	}
	tests := map[string]struct {
		spoil func(*harness.Scenario)
		want  string
	}{
		"no action":             {at(harness.Event{}), `event 1 does "unknown", which no file can say`},
		"a part of a crash":     {at(harness.Event{Action: harness.Vanish}), `event 1 does "vanish", which no file can say`},
		"no link":               {at(harness.Event{Action: harness.SetLink}), "event 1 sets no link"},
		"no toxic":              {at(harness.Event{Action: harness.StreamToxic}), "event 1 names no toxic"},
		"two beginnings":        {at(harness.Event{At: 1, When: &harness.Trigger{Request: 1, Moment: harness.Complete}, Action: harness.Reset}), "event 1 begins at 1ns and at a request"},
		"a time that is unused": {at(harness.Event{Action: harness.Reset, By: time.Second}), "by does not go with reset"},
		"an idle limit":         {func(sc *harness.Scenario) { sc.Link.Up.Limit = 9000 }, "limit has no effect without a rate or trace"},
		"an event after the end": {
			at(harness.Event{At: time.Minute, Action: harness.Reset}), "begins after the end of the script",
		},
		"a crash of nobody": {at(harness.Event{Action: harness.Crash}), `crash "unknown" is not known`},
		"presses of nobody": {func(sc *harness.Scenario) { sc.Workload.Presses = 3 }, "workload.presses is 3, and would be read back as nothing"},
		"a name for no folder": {
			func(sc *harness.Scenario) { sc.Name = "A/B" }, `name "A/B" has 'A' in it`,
		},
		"a text of two lines": {
			func(sc *harness.Scenario) { sc.Summary = "one\ntwo" }, `summary is "one\ntwo", and would be read back as "one two"`,
		},
		"a trace of another name": {
			func(sc *harness.Scenario) { sc.Link.Up.Trace = &delivery.Trace{Name: "bus-up"} }, "a trace is not that of its name",
		},
		"a model from nowhere": {
			func(sc *harness.Scenario) { sc.Radio = &harness.Radio{Name: "none.yaml", Model: "x"} }, "there is no file none.yaml",
		},
		"no merchants": {
			func(sc *harness.Scenario) { sc.Workload.Merchants = 0 }, "merchants 0 is out of range",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			sc := base()
			tt.spoil(&sc)
			var b bytes.Buffer
			err := Write(&b, sc, lib)
			require.ErrorContains(t, err, "scenario "+sc.Name+" cannot be written as a file: ")
			require.ErrorContains(t, err, tt.want)
			require.Empty(t, b.String())
		})
	}
}

// TestPropertyWriteReadsBack generates scenarios that a file can hold.
func TestPropertyWriteReadsBack(t *testing.T) {
	lib := bundled(t)
	rapid.Check(t, func(t *rapid.T) {
		sc := genScenario(t, lib)
		var b bytes.Buffer
		require.NoError(t, Write(&b, sc, lib, rapid.String().Draw(t, "note")))
		back, err := Parse("any.yaml", b.Bytes(), lib)
		require.NoError(t, err)
		require.Equal(t, plain(sc), plain(back))
		require.Equal(t, traces(sc), traces(back))
	})
}

func genScenario(t *rapid.T, lib Library) harness.Scenario {
	currency := rapid.SampledFrom([]string{"KES", "KWD", "JPY"}).Draw(t, "currency")
	least := rapid.Int64Range(1, quantity.MaxMinor).Draw(t, "least")
	sc := harness.Scenario{
		Name:    rapid.StringMatching(`[a-z0-9][a-z0-9-]{0,20}`).Draw(t, "name"),
		Summary: rapid.StringMatching(`([!-~é’]{1,9}( [!-~]{1,9}){0,5})?`).Draw(t, "summary"),
		Seed:    rapid.Uint64Range(0, 1<<53-1).Draw(t, "seed"),
		Engine:  rapid.SampledFrom([]string{"", "sim", "packet"}).Draw(t, "engine"),
		Length:  time.Duration(rapid.IntRange(7200, 86400).Draw(t, "length")) * time.Second,
		Workload: harness.Workload{
			Wallets:   rapid.IntRange(1, 10000).Draw(t, "wallets"),
			Merchants: rapid.IntRange(1, 100).Draw(t, "merchants"),
			Payments:  rapid.IntRange(1, 1000).Draw(t, "payments"),
			Rate:      rapid.Float64Range(0.3, 1e5).Draw(t, "rate"),
			AmountMin: least,
			AmountMax: rapid.Int64Range(least, quantity.MaxMinor).Draw(t, "most"),
			Currency:  currency,
			Balance:   rapid.Int64Range(0, quantity.MaxMinor).Draw(t, "balance"),
			Deadline:  genDuration(t, "deadline", time.Second, 24*time.Hour),
			Attempts:  rapid.IntRange(1, 10000).Draw(t, "attempts"),
		},
		Link:   genLink(t, lib),
		Settle: genDuration(t, "settle", 0, time.Hour),
		Commit: genCommit(t),
	}
	if rapid.Bool().Draw(t, "impatient") {
		sc.Workload.Impatient = genDuration(t, "impatience", 100*time.Millisecond, time.Hour)
		sc.Workload.InTurn = rapid.Bool().Draw(t, "in turn")
		sc.Workload.Presses = rapid.IntRange(2, 100).Draw(t, "presses")
	}
	sc.Timeline = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) harness.Event { return genEvent(t, lib, sc.Workload.Wallets) }), 0, 4).Draw(t, "timeline")
	sc.Nemesis = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) harness.Nemesis { return genNemesis(t, lib) }), 0, 3).Draw(t, "nemesis")
	return sc
}

func genNemesis(t *rapid.T, lib Library) harness.Nemesis {
	spread := func(what string) harness.Durations {
		least := genDuration(t, what, time.Millisecond, 5*time.Minute)
		return harness.Durations{Min: least, Max: genDuration(t, what, least, 10*time.Minute)}
	}
	link := genLink(t, lib)
	n := rapid.SampledFrom([]harness.Nemesis{
		{For: spread("for"), Event: harness.Event{Action: harness.SetLink, Link: &link, Phase: "there"}},
		{For: spread("for"), Event: harness.Event{Action: harness.Blackhole, Direction: harness.Up}},
		{Restart: spread("restart"), Event: harness.Event{Action: harness.Crash, Side: harness.Server, Vanish: true}},
		{For: spread("for"), By: spread("by"), Event: harness.Event{Action: harness.Slow}},
		{Event: harness.Event{Action: harness.Rebind, NewAddress: true}},
		{Event: harness.Event{Action: harness.Reset, When: &harness.Trigger{Packet: 1}}},
		{Restart: spread("restart"), Event: harness.Event{Action: harness.Crash, Side: harness.Client, Lose: true, When: &harness.Trigger{Commit: 1, Side: harness.Client}}},
		{For: spread("for"), By: spread("by"), Event: harness.Event{Action: harness.SlowDisk, Side: harness.Server}},
		{For: spread("for"), Event: harness.Event{Action: harness.DiskError, Side: harness.Client}},
	}).Draw(t, "entry")
	n.Rate = rapid.Float64Range(0.001, 0.01).Draw(t, "rate")
	return n
}

// genDuration draws whole microseconds.
func genDuration(t *rapid.T, what string, low, high time.Duration) time.Duration {
	return time.Duration(rapid.Int64Range(int64(low/time.Microsecond), int64(high/time.Microsecond)).Draw(t, what)) * time.Microsecond
}

func genLink(t *rapid.T, lib Library) harness.Profile {
	if rapid.Bool().Draw(t, "by name") {
		return rapid.SampledFrom(lib.All()).Draw(t, "profile").Profile
	}
	return harness.Profile{Up: genPath(t, lib), Down: genPath(t, lib)}
}

func genPath(t *rapid.T, lib Library) harness.Path {
	share := func(what string) float64 { return rapid.Float64Range(0.0001, 0.99).Draw(t, what) }
	p := harness.Path{Delay: genDuration(t, "delay", 1000, time.Minute), Reorder: share("reorder"), Corrupt: share("corrupt")}
	if rapid.Bool().Draw(t, "jitters") {
		p.Jitter, p.Correlation = genDuration(t, "jitter", 1000, p.Delay), share("correlation")
		p.Distribution = rapid.SampledFrom([]harness.Distribution{harness.Uniform, harness.Normal, harness.Pareto}).Draw(t, "distribution")
	}
	switch rapid.IntRange(0, 3).Draw(t, "capacity") {
	case 1:
		p.Rate, p.Limit = rapid.Int64Range(1000, 1e11).Draw(t, "rate"), rapid.Int64Range(1500, 1e9).Draw(t, "limit")
	case 2:
		p.Rate, p.LimitTime = 64000, genDuration(t, "limit", time.Millisecond, time.Minute)
	case 3:
		p.Trace = rapid.SampledFrom(lib.Traces()).Draw(t, "trace")
	}
	switch rapid.IntRange(0, 2).Draw(t, "loss") {
	case 1:
		p.Loss.P = share("p")
	case 2:
		p.Loss.GE = &harness.GEModel{P: share("p"), R: share("r"), LossBad: share("1-h"), LossGood: share("1-k")}
	}
	if rapid.Bool().Draw(t, "mtu") {
		p.MTU, p.MTUBlackhole = rapid.IntRange(576, 1500).Draw(t, "bytes"), rapid.Bool().Draw(t, "silent")
	}
	return p
}

func genEvent(t *rapid.T, lib Library, wallets int) harness.Event {
	way := rapid.SampledFrom([]harness.Direction{harness.Up, harness.Down})
	lasts := func() time.Duration { return genDuration(t, "for", time.Millisecond, time.Hour) }
	link := genLink(t, lib)
	e := rapid.SampledFrom([]harness.Event{
		{Action: harness.SetLink, Link: &link, Phase: "there"},
		{Action: harness.Blackhole, For: lasts(), Direction: way.Draw(t, "way"), Phase: "deaf"},
		{Action: harness.Blackhole},
		{Action: harness.Reset},
		{Action: harness.Refuse, For: lasts()},
		{Action: harness.Rebind, NewAddress: rapid.Bool().Draw(t, "moves")},
		{Action: harness.CrossTraffic, Direction: way.Draw(t, "way"), For: lasts()},
		{Action: harness.Crash, Side: harness.Client, Restart: genDuration(t, "restart", 0, 10*time.Minute), Vanish: true},
		{Action: harness.Slow, By: genDuration(t, "by", time.Millisecond, 10*time.Minute)},
		{Action: harness.StreamToxic, Toxic: &harness.Toxic{Type: "timeout", Stream: "upstream", Attributes: map[string]int64{"timeout": rapid.Int64Range(0, 600_000).Draw(t, "ms")}}},
		{Action: harness.StreamToxic, Toxic: &harness.Toxic{Type: "limit_data", Stream: "downstream", Attributes: map[string]int64{"bytes": rapid.Int64Range(1, 1e9).Draw(t, "bytes")}}},
		{Action: harness.Heal},
		{Action: harness.Drop},
	}).Draw(t, "event")
	if e.Action != harness.Drop && rapid.Bool().Draw(t, "by the clock") {
		e.At = genDuration(t, "at", 0, 7000*time.Second)
		return e
	}
	e.When = &harness.Trigger{Packet: rapid.Int64Range(1, 1e9).Draw(t, "packet"), Client: rapid.IntRange(0, wallets-1).Draw(t, "wallet"), Direction: way.Draw(t, "way")}
	if e.Action == harness.Crash && rapid.Bool().Draw(t, "at a commit") {
		e.When = &harness.Trigger{Commit: rapid.Int64Range(1, 1e9).Draw(t, "commit"), Side: e.Side, After: rapid.Bool().Draw(t, "after")}
	}
	if rapid.Bool().Draw(t, "counted from a time") {
		e.At = genDuration(t, "at", 0, 7000*time.Second)
	}
	return e
}

// genCommit draws how long a commit takes: no time, or a range.
func genCommit(t *rapid.T) harness.Durations {
	if rapid.Bool().Draw(t, "commits take no time") {
		return harness.Durations{}
	}
	least := genDuration(t, "commit", time.Millisecond, 10*time.Second)
	return harness.Durations{Min: least, Max: genDuration(t, "commit", least, 10*time.Second)}
}
