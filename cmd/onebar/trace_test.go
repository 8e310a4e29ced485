package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/trace"
	"github.com/onebar/onebar/scenarios"
)

// onebarTrace runs onebar trace with args and returns what it prints.
func onebarTrace(args ...string) (stdout, stderr string, err error) {
	var out, bad bytes.Buffer
	cmd := newTrace()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&bad)
	err = cmd.Execute()
	return out.String(), bad.String(), err
}

// The first line of each bundled trace is the command that makes it.
func TestBundledTracesAreTheirCommands(t *testing.T) {
	files, err := fs.Glob(scenarios.FS, "traces/*.trace")
	require.NoError(t, err)
	require.Len(t, files, 2*len(trace.Kinds()))
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			want, err := fs.ReadFile(scenarios.FS, file)
			require.NoError(t, err)
			require.Less(t, len(want), 20_000)
			first, _, _ := strings.Cut(string(want), "\n")
			args, ok := strings.CutPrefix(first, "# onebar trace ")
			require.True(t, ok, first)
			got, _, err := onebarTrace(strings.Fields(args)...)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
		})
	}
}

// Each bundled trace has the statistics of the measurements its kind follows.
func TestBundledTracesAreAsMeasured(t *testing.T) {
	type between struct{ least, most float64 }
	for name, want := range map[string]struct {
		kbit               float64
		perMinute, share   between // of stalls over 1 s, and of the time in those over 0.5 s
		median, longestSec between // of those over 1 s
	}{
		"bus-up":         {943, between{1.2, 2}, between{0.07, 0.11}, between{1.5, 2.5}, between{5, 12}},
		"bus-down":       {2020, between{1.2, 2}, between{0.07, 0.11}, between{1.5, 2.5}, between{5, 12}},
		"metro-up":       {1910, between{3, 4.2}, between{0.2, 0.23}, between{1, 1.5}, between{30, 30}}, // 0.1 is the tunnel
		"metro-down":     {4560, between{3, 4.2}, between{0.2, 0.23}, between{1, 1.5}, between{30, 30}},
		"rural-up":       {843, between{1.2, 2.7}, between{0.07, 0.16}, between{1, 1.9}, between{5, 12}},
		"rural-down":     {521, between{1.2, 2.7}, between{0.07, 0.16}, between{1, 1.9}, between{5, 12}},
		"satellite-up":   {10_000, between{0, 0}, between{0, 0}, between{0, 0}, between{0.030, 0.050}},
		"satellite-down": {100_000, between{0, 0}, between{0, 0}, between{0, 0}, between{0.030, 0.050}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := openTrace(name)
			require.NoError(t, err)
			tr, err := s.Trace(name)
			require.NoError(t, err)
			within := func(b between, got float64) {
				t.Helper()
				require.GreaterOrEqual(t, got, b.least)
				require.LessOrEqual(t, got, b.most)
			}
			require.InEpsilon(t, want.kbit, float64(tr.Rate())/1e3, 0.01)
			long := s.Stalls(time.Second)
			within(want.perMinute, float64(long.Count)/tr.Period().Minutes())
			within(want.median, long.Median.Seconds())
			within(want.share, s.Stalls(500*time.Millisecond).Total.Seconds()/tr.Period().Seconds())
			within(want.longestSec, s.Stalls(0).Longest.Seconds())
		})
	}
}

func TestTraceShow(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.txt")
	require.NoError(t, os.WriteFile(file, []byte("0 1\n10 0\n12 3\n20 0\n"), 0o600))
	out, _, err := onebarTrace("show", file)
	require.NoError(t, err)
	require.Equal(t, `form               seconds and Mbit/s, 3 steps
period             20s
mean rate          1700 kbit/s
longest stall      2s
stalls over 500ms  1, 3.00 a minute, median 2s, longest 2s, 10.0% of the time
stalls over 1s     1, 3.00 a minute, median 2s, longest 2s, 10.0% of the time
`, out)
	out, _, err = onebarTrace("show", "metro-up")
	require.NoError(t, err)
	require.Contains(t, out, "longest 30s")
}

func TestTraceSaysWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bad.txt")
	require.NoError(t, os.WriteFile(file, []byte("5\n-1\n3\n"), 0o600))
	_, stderr, err := onebarTrace("show", file)
	require.Equal(t, exitError{2}, err)
	require.Equal(t, file+":2: the time -1 is negative: expected milliseconds from the start\n"+
		file+":3: the time 3 goes back: the line above has 5, expected that or more\n", stderr)
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"show", "boat"}, `no bundled trace is named "boat"`},
		{[]string{"show", "./boat.txt"}, "there is no file ./boat.txt"},
		{[]string{"generate", "boat", "--direction", "up"}, `"boat"; expected one of the kinds bus, metro`},
		{[]string{"generate", "bus", "--direction", "sideways"}, `"sideways": expected up or down`},
		{[]string{"generate", "bus"}, `"direction" not set`},
		{[]string{"generate", "bus", "--direction", "up", "--length", "3s"}, "length 3s: expected whole seconds from 5m0s to 24h0m0s"},
	} {
		_, _, err := onebarTrace(tc.args...)
		require.ErrorContains(t, err, tc.want)
	}
}
