package format

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/result"
)

func TestFigure(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		unit  result.Unit
		value float64
		want  string
	}{
		{result.Count, 200, "200"},
		{result.Count, 1.385, "1.39"},
		{result.Count, 123456789, "123456789"},
		{result.UnitUnknown, 0, "0"},
		{result.Bytes, 812.4, "812 B"},
		{result.Bytes, 9999, "9999 B"},
		{result.Bytes, 12345, "12.3 kB"},
		{result.Bytes, 2.5e6, "2.5 MB"},
		{result.Ratio, 0, "0%"},
		{result.Ratio, 0.0194, "1.94%"},
		{result.Ratio, 1, "100%"},
		{result.Ratio, 1e-7, "<0.001%"},
		{result.Seconds, 0.4127, "413ms"},
		{result.Seconds, 8.312, "8.31s"},
		{result.Seconds, 1e12, "1e+12s"},
		{result.Seconds, math.NaN(), "NaNs"},
		{result.BitPerSecond, 118400, "118 kbit/s"},
		{result.BitPerSecond, 2480, "2.48 kbit/s"},
		{result.BitPerSecond, 0, "0 bit/s"},
		{result.Joules, 0.5, "0.5 J"},
	} {
		require.Equal(t, c.want, Figure(result.Figure{Unit: c.unit, Value: c.value}), "%v %v", c.value, c.unit)
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0:                             "0s",
		210 * time.Microsecond:        "210µs",
		1500 * time.Microsecond:       "1.5ms",
		9960 * time.Microsecond:       "10.0ms",
		413 * time.Millisecond:        "413ms",
		999600 * time.Microsecond:     "1.00s",
		8312 * time.Millisecond:       "8.31s",
		9996 * time.Millisecond:       "10.0s",
		61250 * time.Millisecond:      "61.2s",
		99960 * time.Millisecond:      "1m40s",
		3 * time.Hour:                 "3h0m",
		11*time.Hour + 96*time.Second: "11h2m",
		-5 * time.Millisecond:         "-5.0ms",
	} {
		require.Equal(t, want, Duration(d))
	}
}

func TestBrief(t *testing.T) {
	t.Parallel()
	for share, want := range map[float64]string{0: "0", 0.0194: "1.9", 0.02: "2", 0.0001: "<0.1", 0.0006: "0.1", 0.333: "33.3", 1: "100"} {
		require.Equal(t, want, Brief(share))
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a b c\ufffd[31m \ufffd決済 👩‍🔧", Clean("a\nb\tc\x1b[31m\u202e \xff決済\r 👩‍🔧"))
}

func TestItemWrapsUnderItsText(t *testing.T) {
	t.Parallel()
	draw := func(limit int, text string) string {
		var b strings.Builder
		Style{Width: limit}.Item(&b, "  ", []Cell{{Text: "FAIL"}, {Text: "lost"}}, text)
		return b.String()
	}
	const text = "one payment was confirmed and is not booked"
	require.Equal(t, "  FAIL  lost  "+text+"\n", draw(0, text), "no terminal, no wrapping")
	require.Equal(t, "  FAIL  lost  one payment was confirmed\n              and is not booked\n", draw(40, text))
	require.Equal(t, "  FAIL  lost  "+text+"\n", draw(30, text), "too narrow to wrap")
	require.Equal(t, "  FAIL  lost  \n", draw(40, ""))
}

// FORCE_COLOR is for logs that are no terminal, and is stronger than NO_COLOR, see
// force-color.org. An empty variable is as if it were not set.
func TestColoursOfWhatIsNoTerminal(t *testing.T) {
	for _, c := range []struct {
		force, no string
		want      bool
	}{{"", "", false}, {"1", "", true}, {"0", "", true}, {"", "1", false}, {"1", "1", true}} {
		t.Setenv("FORCE_COLOR", c.force)
		t.Setenv("NO_COLOR", c.no)
		require.Equal(t, Style{Colour: c.want}, StyleOf(&strings.Builder{}), "%+v", c)
	}
}

func TestListFitsEightyColumns(t *testing.T) {
	t.Setenv("FORCE_COLOR", "")
	var b strings.Builder
	require.NoError(t, List(&b, []Entry{
		{Name: "edge", Words: []string{"profile", "smoke"}, Lines: []string{"Commuters pay for the matatu over EDGE, the only bar there is, and it is a long way to the next one."}},
		{Name: "answers-lost", Words: []string{"disconnect"}},
	}))
	require.Equal(t, `edge          profile, smoke
    Commuters pay for the matatu over EDGE, the only bar there is, and it is a
    long way to the next one.
answers-lost  disconnect
`, b.String())
}

// A name that does not fit its column is not cut.
func TestGridCutsNoName(t *testing.T) {
	t.Parallel()
	g := Grid{Heads: []Heading{{Text: "name"}, {Text: "n", Right: true}, {Text: "engine", Drop: 1}}, Rows: [][]Cell{
		{{Text: "a-name-that-is-longer-than-the-terminal"}, {Text: "200"}, {Text: "packet"}}, {{Text: "edge"}, {Text: "7"}, {Text: "sim"}},
	}}
	var b strings.Builder
	g.Draw(&b, Style{Width: 18})
	require.Equal(t, `name             n
a-name-that-is-lon
ger-than-the-termi
nal
               200
edge             7
`, b.String())
	require.Equal(t, []string{"engine"}, g.LeftOut(18))
	require.Empty(t, g.LeftOut(0))
}
