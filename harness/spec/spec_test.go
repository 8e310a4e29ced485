package spec

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/quantity"
	"github.com/onebar/onebar/harness/sut"
	"github.com/onebar/onebar/harness/yamltext"
	"github.com/onebar/onebar/scenarios"
)

var update = flag.Bool("update", false, "write golden files, the schema and the tables of docs/scenarios.md")

func bundled(tb testing.TB) Library {
	tb.Helper()
	lib, err := ReadProfiles(scenarios.FS, scenarios.ProfilesFile)
	require.NoError(tb, err)
	return lib
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "run the test with -update if this is meant")
}

// TestGood compares each *.good.yml with the scenario beside it.
func TestGood(t *testing.T) {
	files, err := filepath.Glob("testdata/*.good.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	lib := bundled(t)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			s, err := Load(file, lib)
			require.NoError(t, err)
			got, err := json.MarshalIndent(s, "", "  ")
			require.NoError(t, err)
			golden(t, strings.TrimSuffix(file, ".yml")+".json", append(got, '\n'))
		})
	}
}

// TestBad compares the mistakes of each *.bad.yml with its first comments. A
// wanted text may end with … where another package words the rest.
func TestBad(t *testing.T) {
	files, err := filepath.Glob("testdata/*.bad.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	lib := bundled(t)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			s, err := Parse("f", data, lib)
			require.Zero(t, s)
			requireMistakes(t, wants(data), err)
		})
	}
}

func wants(data []byte) []string {
	var want []string
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		text, ok := strings.CutPrefix(lines.Text(), "# want ")
		if !ok {
			break
		}
		at, text, _ := strings.Cut(text, " ")
		want = append(want, "f:"+at+": "+text)
	}
	return want
}

func requireMistakes(t *testing.T, want []string, err error) {
	t.Helper()
	var mistakes yamltext.Mistakes
	require.ErrorAs(t, err, &mistakes)
	var got []string
	for i, m := range mistakes {
		text := m.Error()
		if i < len(want) {
			if head, cut := strings.CutSuffix(want[i], "…"); cut && strings.HasPrefix(text, head) {
				text = want[i]
			}
		}
		got = append(got, text)
	}
	require.Equal(t, want, got)
}

func TestTenMistakesShowTenMessages(t *testing.T) {
	_, err := Load("testdata/ten.bad.yml", bundled(t))
	require.Len(t, err, 10)
	require.Len(t, strings.Split(err.Error(), "\n"), 10)
	var first yamltext.Mistake
	require.ErrorAs(t, err, &first)
	require.Equal(t, "   12 | name: Ten Mistakes\n      |       ^\n", first.Excerpt())
}

func TestFilesThatAreNoScenario(t *testing.T) {
	tests := []struct {
		name, data string
		want       []string
	}{
		{"empty", "", []string{"f:1:1: the file is empty; a scenario begins with onebar: 1"}},
		{"only a comment", "# soon\n", []string{"f:1:1: the file is empty; a scenario begins with onebar: 1"}},
		{"a scalar", "tunnel", []string{"f:1:1: this is no file of onebar's: it has no key onebar, as in onebar: 1"}},
		{"a scalar with the key", "'onebar: 1'", []string{`f:1:1: the scenario is "onebar: 1"; expected keys with values`}},
		{"a list", "- onebar: 1\n", []string{"f:1:1: the scenario is a list; expected keys with values"}},
		{"null", "null\n", []string{"f:1:1: this is no file of onebar's: it has no key onebar, as in onebar: 1"}},
		{"not UTF-8", "onebar: 1\nname: caf\xe9\n", []string{"f:2:10: this is not UTF-8; save the file as UTF-8"}},
		{"UTF-16", "\xff\xfeo\x00n\x00", []string{"f:1:1: this is not UTF-8; save the file as UTF-8"}},
		{"control character", "onebar: 1\nname: a\x00b\n", []string{`f:2:8: a control character, "\x00"; delete it`}},
		{"large", strings.Repeat("# fill\n", yamltext.MaxFile/7+1), []string{"f:1:1: the file is larger than 64 KiB"}},
		{"long line", "#" + strings.Repeat("x", yamltext.MaxLine), []string{"f:1:1: the line is longer than 4 KiB"}},
		{"deep", strings.Repeat("[\n", 100), []string{"f:65:1: more than 64 brackets are open"}},
		{"mapping as key", "{onebar: 1}: 2\n", []string{"f:1:12: not YAML: …"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Parse("f", []byte(tt.data), Library{})
			require.Zero(t, s)
			requireMistakes(t, tt.want, err)
		})
	}
}

func TestFormsOfTheSameFile(t *testing.T) {
	const plain = "onebar: 1\nname: same\nworkload:\n  payments: 1\n  amount: 1 EUR\n"
	want, err := Parse("f", []byte(plain), Library{})
	require.NoError(t, err)
	tests := map[string]string{
		"byte order mark": "\ufeff" + plain,
		"CRLF":            strings.ReplaceAll(plain, "\n", "\r\n"),
		"CR":              strings.ReplaceAll(plain, "\n", "\r"),
		"document marker": "---\n" + plain + "...\n",
		"JSON":            `{"onebar": 1, "name": "same", "workload": {"payments": 1, "amount": "1 EUR"}}`,
		"no last newline": strings.TrimSpace(plain),
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Parse("f", []byte(data), Library{})
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

// TestHostileFilesAreCheap feeds what is worst for a recursive parser.
func TestHostileFilesAreCheap(t *testing.T) {
	fill := func(s string) string {
		line := strings.Repeat(s, yamltext.MaxLine/len(s)) + "\n"
		return strings.Repeat(line, yamltext.MaxFile/len(line))
	}
	for _, s := range []string{"- ", "? ", "a: ", "a: 1\n", "!!x ", "&a ", "*a ", "'", "\"", "|", "x", "[] ", "%"} {
		start := time.Now()
		_, err := Parse("f", []byte(fill(s)), Library{})
		require.Error(t, err, "%q", s)
		require.Less(t, time.Since(start), 30*time.Second, "%q", s)
	}
	var nested strings.Builder
	for i := 0; nested.Len() < yamltext.MaxFile/2; i++ {
		fmt.Fprintf(&nested, "%*sa:\n", i, "")
	}
	_, err := Parse("f", []byte(nested.String()), Library{})
	require.Error(t, err)
}

func TestLoadMissingFile(t *testing.T) {
	_, err := Load("testdata/none.yml", Library{})
	require.EqualError(t, err, "read scenario: there is no file testdata/none.yml")
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = Load("testdata/address.good.yaml", Library{})
	require.EqualError(t, err, "read scenario: there is no file testdata/address.good.yaml; did you mean testdata/address.good.yml?")
	_, err = Load("testdata/address.good", Library{})
	require.EqualError(t, err, "read scenario: there is no file testdata/address.good; did you mean testdata/address.good.yml?")
	_, err = Load("testdata", Library{})
	require.ErrorContains(t, err, "testdata: is a directory")
}

func TestRelativeTimesTakeTheScriptLength(t *testing.T) {
	const head = "onebar: 1\nname: relative\ntimeline: [{at: 25%, every: 20%, jitter: 1%, for: 5%, disconnect: blackhole}]\n"
	tests := map[string]struct {
		data string
		want harness.Event
	}{
		"payments divided by rate": {
			"workload: {payments: 80, rate: 2/s, amount: 1 EUR}\n",
			harness.Event{At: 10 * time.Second, Every: 8 * time.Second, Jitter: 400 * time.Millisecond, For: 2 * time.Second},
		},
		"duration": {
			"duration: 100s\nworkload: {payments: 80, rate: 2/s, amount: 1 EUR}\n",
			harness.Event{At: 25 * time.Second, Every: 20 * time.Second, Jitter: time.Second, For: 5 * time.Second},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := Parse("f", []byte(head+tt.data), Library{})
			require.NoError(t, err)
			tt.want.Action, tt.want.Line = harness.Blackhole, 3
			require.Equal(t, []harness.Event{tt.want}, s.Timeline)
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/*.yml", "../../scenarios/*.yaml"} {
		files, err := filepath.Glob(pattern)
		require.NoError(f, err)
		for _, file := range files {
			data, err := os.ReadFile(file)
			require.NoError(f, err)
			f.Add(data)
		}
	}
	f.Add([]byte("subject:\n  client:")) // was a panic
	lib := bundled(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse("f", data, lib)
		if err != nil {
			require.Zero(t, s)
			var mistakes yamltext.Mistakes
			require.ErrorAs(t, err, &mistakes)
			for _, m := range mistakes {
				require.Positive(t, m.Line)
				require.Positive(t, m.Column)
				require.NotEmpty(t, m.Text)
				_ = m.Excerpt()
			}
			return
		}
		requireSound(t, s)
		requireWritable(t, s, lib)
	})
}

// requireWritable: what was read can be written, unless a profile of the file has
// lost what another of its keys had needed, or the subject is one of others.
func requireWritable(t *testing.T, s harness.Scenario, lib Library) {
	t.Helper()
	if err := Write(io.Discard, s, lib); err != nil && reflect.DeepEqual(s.Subject, sut.Config{Broken: s.Subject.Broken}) {
		require.ErrorContains(t, err, "has no effect")
	}
}

// requireSound holds for every scenario Parse gives out.
func requireSound(t *testing.T, s harness.Scenario) {
	t.Helper()
	w := s.Workload
	require.NotEmpty(t, s.Name)
	require.Positive(t, w.Wallets)
	require.Positive(t, w.Merchants)
	require.Positive(t, w.Payments)
	require.Positive(t, w.AmountMin)
	require.GreaterOrEqual(t, w.AmountMax, w.AmountMin)
	require.Positive(t, w.AmountMax*int64(w.Payments), "all payments together fit an int64")
	require.Equal(t, w.Impatient > 0, w.Presses > 0)
	require.GreaterOrEqual(t, s.Duration(), time.Duration(0))
	requirePlausible(t, s.Link)
	requireSoundNemesis(t, s)
	for _, e := range s.Timeline {
		require.NotEqual(t, harness.ActionUnknown, e.Action)
		require.Positive(t, e.Line)
		require.GreaterOrEqual(t, e.At, e.Jitter)
		require.Equal(t, e.Action == harness.SetLink, e.Link != nil)
		require.Equal(t, e.Action == harness.StreamToxic, e.Toxic != nil)
		sided := slices.Contains([]harness.Action{harness.Crash, harness.Freeze, harness.SlowDisk, harness.FullDisk, harness.DiskError}, e.Action)
		require.Equal(t, sided, e.Side != harness.SideUnknown)
		require.Equal(t, e.Action == harness.Slow || e.Action == harness.SlowDisk, e.By > 0)
		require.True(t, e.Action == harness.Crash || !e.Vanish)
		require.True(t, e.Action != harness.CrossTraffic || e.Direction != harness.DirectionUnknown)
		if e.Link != nil {
			requirePlausible(t, *e.Link)
		}
	}
}

func requireSoundNemesis(t *testing.T, s harness.Scenario) {
	t.Helper()
	for _, n := range s.Nemesis {
		require.Positive(t, n.Rate)
		require.Positive(t, n.Event.Line)
		require.Zero(t, n.Event.At+n.Event.For+n.Event.Restart+n.Event.By)
		require.NotContains(t, []harness.Action{harness.ActionUnknown, harness.Heal, harness.Drop}, n.Event.Action)
		require.Equal(t, n.Event.Action == harness.Crash, n.Restart.Max > 0)
		require.Equal(t, n.Event.Action == harness.Slow || n.Event.Action == harness.SlowDisk, n.By.Max > 0)
		for _, d := range []harness.Durations{n.For, n.Restart, n.By} {
			require.GreaterOrEqual(t, d.Max, d.Min)
			require.Equal(t, d.Max > 0, d.Min > 0)
		}
	}
}

func requirePlausible(t *testing.T, p harness.Profile) {
	t.Helper()
	for _, p := range []harness.Path{p.Up, p.Down} {
		require.GreaterOrEqual(t, p.Delay, p.Jitter)
		require.GreaterOrEqual(t, p.Jitter, time.Duration(0))
		require.GreaterOrEqual(t, p.Rate, int64(0))
		require.True(t, p.Rate == 0 || p.Trace == nil)
		require.True(t, p.Limit == 0 || p.LimitTime == 0)
		require.True(t, p.MTU == 0 || p.MTU >= 576)
		require.True(t, p.MTU > 0 || !p.MTUBlackhole)
		require.True(t, p.Correlation >= 0 && p.Correlation < 1)
		require.NotEmpty(t, quantity.FormatPath(p))
		require.True(t, p.Loss.P >= 0 && p.Loss.P <= 1)
		if g := p.Loss.GE; g != nil {
			require.Zero(t, p.Loss.P)
			require.True(t, g.P > 0 && g.R > 0 && g.Mean() >= 0 && g.Mean() <= 1)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	lib := bundled(b)
	data, err := os.ReadFile("testdata/full.good.yml")
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("testdata/full.good.yml", data, lib); err != nil {
			b.Fatal(err)
		}
	}
}
