package trace_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/delivery"
	"github.com/onebar/onebar/harness/trace"
)

const ms = time.Millisecond

func TestParse(t *testing.T) {
	steps := []delivery.Rate{{At: 0, Rate: 1_500_000}, {At: 500 * ms, Rate: 0}, {At: 2 * time.Second, Rate: 20_000}}
	rates := trace.Series{Rates: steps, Period: 3 * time.Second}
	for name, tc := range map[string]struct {
		file string
		want trace.Series
	}{
		"mahimahi":                {"0\n1\n1\n1\n7\n", trace.Series{Opportunities: []time.Duration{0, ms, ms, ms, 7 * ms}}},
		"mahimahi of 12 Mbit/s":   {"1", trace.Series{Opportunities: []time.Duration{ms}}},
		"mahimahi from Windows":   {"3\r\n3\r\n\r\n", trace.Series{Opportunities: []time.Duration{3 * ms, 3 * ms}}},
		"mahimahi, commented":     {"# a bus\n1 # first\n\n2\n", trace.Series{Opportunities: []time.Duration{ms, 2 * ms}}},
		"seconds and Mbit/s":      {"0 1.5\n0.5 0\n2 0.02\n3 0\n", rates},
		"with tabs":               {"0\t1.5\n0.5\t0\n2.0\t0.02\n3\t9", rates},
		"with commas":             {"0,1.5\n.5, 0.0\n2, 2e-2\n3,0", rates},
		"as lists":                {"[0, 1.5]\n[0.5, 0]\n[2, 0.02]\n[3, 0]\n", rates},
		"as a list of lists":      {"[0, 1.5],\n[0.5, 0],\n[2, 0.02],\n[3, 0],\n", rates},
		"with a clock of its own": {"1300000000 1.5\n1300000000.5 0\n1300000002 0.02\n1300000003 7\n", rates},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := trace.Parse([]byte(tc.file))
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
			_, err = got.Trace(name)
			require.NoError(t, err)
		})
	}
}

func TestMistakes(t *testing.T) {
	for name, tc := range map[string]struct{ file, want string }{
		"empty":                {"", "line 1: the trace is empty: expected whole milliseconds (mahimahi's form), or seconds and Mbit/s"},
		"only comments":        {"# soon\n\n", "line 2: the trace is empty: expected whole milliseconds (mahimahi's form), or seconds and Mbit/s"},
		"three columns":        {"1 2 3\n", `line 1: "1 2 3" is no line of a trace: expected a whole number of milliseconds (mahimahi's form), or seconds and Mbit/s`},
		"garbage":              {"1\nbus\n", `line 2: "bus" is not a whole number of milliseconds`},
		"garbage, two words":   {"0 5\na bus\n", `line 2: "a" is not a number of seconds`},
		"negative":             {"-1\n5\n", "line 1: the time -1 is negative: expected milliseconds from the start"},
		"back":                 {"5\n4\n", "line 2: the time 4 goes back: the line above has 5, expected that or more"},
		"not whole":            {"5\n5.5\n", `line 2: "5.5" is not a whole number of milliseconds`},
		"too late":             {"1\n86400001\n", "line 2: the time 86400001 ms is out of range: a trace lasts at most 24 h"},
		"beyond an integer":    {"99999999999999999999\n", `line 1: "99999999999999999999" is not a whole number of milliseconds`},
		"two columns of one":   {"1\n2 3\n", `line 2: "2 3": expected one whole number of milliseconds, as in the lines above`},
		"one column of two":    {"1 3\n2\n", `line 2: "2": expected two numbers, seconds and Mbit/s, as in the lines above`},
		"no opportunity":       {"0\n0\n", "line 2: the trace has no opportunity after its start: expected at least one at 1 ms or later"},
		"one step":             {"0 5\n", "line 1: the trace has one line: expected another, at the time it ends"},
		"negative seconds":     {"-0.5 5\n1 5\n", "line 1: the time -0.5 is negative: expected seconds from the start"},
		"the same time":        {"0 5\n1 5\n1 6\n", "line 3: the time 1 does not go on: the line above has 1, expected more"},
		"seconds back":         {"0 5\n1.25 5\n0.5 6\n", "line 3: the time 0.5 does not go on: the line above has 1.25, expected more"},
		"more than a day":      {"0 5\n86401 5\n", "line 2: the time 86401 is more than 24 h after the first: a trace lasts at most that"},
		"seconds out of mind":  {"5e9 5\n", "line 1: the time 5e9 is out of range: expected at most 4000000000 seconds"},
		"negative rate":        {"0 -5\n1 5\n", "line 1: the rate -5 is negative: expected 0 or more Mbit/s"},
		"high rate":            {"0 10001\n1 5\n", "line 1: the rate 10001 is out of range: expected at most 10000 Mbit/s"},
		"infinite":             {"0 5\n1 inf\n", `line 2: "inf" is not a number of Mbit/s`},
		"huge exponent":        {"0 1e999\n", `line 1: "1e999" is not a number of Mbit/s`},
		"never anything":       {"0 0\n5 0\n", "line 2: the trace never carries anything: expected a rate above 0"},
		"somebody's keys":      {"root:SECRET:1\n", "line 1: the text there is not a whole number of milliseconds"},
		"somebody's passwords": {"user SECRET\n", "line 1: the text there is not a number of seconds"},
		"somebody's letter":    {"my SECRET is out\n", "line 1: the text there is no line of a trace: expected a whole number of milliseconds (mahimahi's form), or seconds and Mbit/s"},
		"several":              {"5\n-4\nx\n", "line 2: the time -4 is negative: expected milliseconds from the start\nline 3: \"x\" is not a whole number of milliseconds"},
		"long line":            {"1\n" + strings.Repeat("ä", 500), "line 2: \"" + strings.Repeat("ä", 20) + "…\" is not a whole number of milliseconds"},
		"not text":             {"1\n\xff\xfe1\x00", `line 2: "\xff\xfe1\x00" is not a whole number of milliseconds`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := trace.Parse([]byte(tc.file))
			var mistakes trace.Mistakes
			require.ErrorAs(t, err, &mistakes)
			require.EqualError(t, err, tc.want)
			require.Zero(t, got)
		})
	}
	_, err := trace.Parse(bytes.Repeat([]byte("x\n"), 1000))
	require.Len(t, err, 10)
	_, err = trace.Parse(make([]byte, trace.MaxFile+1))
	require.ErrorContains(t, err, "larger than 64 MiB")
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "t.up")
	require.NoError(t, os.WriteFile(file, []byte("4\n"), 0o600))
	got, err := trace.Load(file)
	require.NoError(t, err)
	require.Equal(t, trace.Series{Opportunities: []time.Duration{4 * ms}}, got)
	_, err = trace.Load(filepath.Join(dir, "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = trace.Load(dir)
	require.ErrorContains(t, err, "is no regular file")
}

func TestStalls(t *testing.T) {
	for name, tc := range map[string]struct {
		file string
		want trace.Stalls
	}{
		"none":                    {"1\n2\n3\n", trace.Stalls{}},
		"over one second only":    {"1000\n2001\n2002\n", trace.Stalls{Count: 1, Total: 1001 * ms, Median: 1001 * ms, Longest: 1001 * ms}},
		"from the start":          {"1500\n1501\n", trace.Stalls{Count: 1, Total: 1500 * ms, Median: 1500 * ms, Longest: 1500 * ms}},
		"two":                     {"0 1\n1 0\n3 1\n4 0\n10 1\n11 1\n", trace.Stalls{Count: 2, Total: 8 * time.Second, Median: 4 * time.Second, Longest: 6 * time.Second}},
		"in two steps":            {"0 1\n1 0\n2 0\n3 1\n4 1\n", trace.Stalls{Count: 1, Total: 2 * time.Second, Median: 2 * time.Second, Longest: 2 * time.Second}},
		"over the end":            {"0 0\n1 1\n2 0\n3 0\n", trace.Stalls{Count: 1, Total: 2 * time.Second, Median: 2 * time.Second, Longest: 2 * time.Second}},
		"at the end":              {"0 1\n1 0\n3 0\n", trace.Stalls{Count: 1, Total: 2 * time.Second, Median: 2 * time.Second, Longest: 2 * time.Second}},
		"one of them over, three": {"0 1\n1 0\n2 1\n3 0\n4.5 1\n5 0\n8 1\n9 1", trace.Stalls{Count: 2, Total: 4500 * ms, Median: 2250 * ms, Longest: 3 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := trace.Parse([]byte(tc.file))
			require.NoError(t, err)
			require.Equal(t, tc.want, s.Stalls(time.Second))
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"0\n1\n1\n7\n", "0 1.5\n0.5 0\n2 0.02\n3 0\n", "[0, 1.5],\n[1, 2]", "1e9\t1e-3\n1e9 2", "# x\n-1", "\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := trace.Parse(data)
		if err != nil {
			var mistakes trace.Mistakes
			require.ErrorAs(t, err, &mistakes)
			require.NotEmpty(t, mistakes)
			for _, m := range mistakes {
				require.Positive(t, m.Line)
				require.NotEmpty(t, m.Text)
			}
			require.Zero(t, s)
			return
		}
		made, err := s.Trace("fuzz")
		require.NoError(t, err)
		require.Positive(t, made.Period())
		require.LessOrEqual(t, made.Period(), trace.MaxPeriod)
		again, err := trace.Parse(s.Text())
		require.NoError(t, err)
		require.Equal(t, s, again)
		stalls := s.Stalls(0)
		require.LessOrEqual(t, stalls.Total, made.Period())
		require.LessOrEqual(t, stalls.Median, stalls.Longest)
	})
}

func BenchmarkParse(b *testing.B) {
	for name, line := range map[string]string{"mahimahi": "123456\n", "rates": ""} {
		data := bytes.Repeat([]byte(line), 100_000)
		if line == "" {
			s, err := trace.Generate(trace.Recipe{Kind: "bus", Direction: harness.Up, Length: 24 * time.Hour})
			require.NoError(b, err)
			data = s.Text()
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := trace.Parse(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
