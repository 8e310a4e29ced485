package spec

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/yamltext"
)

// inFolder writes files to a folder of the test's own and loads scenario.yaml.
func inFolder(t *testing.T, files map[string]string) (harness.Scenario, string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	s, err := Load(filepath.Join(dir, "scenario.yaml"), bundled(t))
	return s, dir, err
}

const smallest = "onebar: 1\nname: files\nworkload: {payments: 1, amount: 1 EUR}\n"

func TestMistakesOfFilesThatAreNamed(t *testing.T) {
	s, dir, err := inFolder(t, map[string]string{
		"scenario.yaml": smallest + "link: {up: {trace: my/bus.up}, down: {trace: my/bus.up, loss: 101%}}\nradio: ./own.yaml\n",
		"my/bus.up":     "5\n-1\n7\n6\n",
		"own.yaml":      "radio: 1\nname: own\n",
	})
	require.Zero(t, s)
	var mistakes yamltext.Mistakes
	require.ErrorAs(t, err, &mistakes)
	require.Equal(t, filepath.Join(dir, "scenario.yaml"), mistakes[0].File, "its own mistakes come first")
	require.Contains(t, mistakes[0].Text, "loss 101% is out of range")
	require.Equal(t, []yamltext.Mistake{
		{File: filepath.Join(dir, "my/bus.up"), Line: 2, Column: 1, Text: "the time -1 is negative: expected milliseconds from the start"},
		{File: filepath.Join(dir, "my/bus.up"), Line: 4, Column: 1, Text: "the time 6 goes back: the line above has 7, expected that or more"},
	}, []yamltext.Mistake(mistakes[1:3]), "each once, though it is named twice")
	require.Greater(t, len(mistakes), 3)
	for _, m := range mistakes[3:] {
		require.Equal(t, filepath.Join(dir, "own.yaml"), m.File)
		require.NotEmpty(t, m.Excerpt())
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	for want, line := range map[string]string{
		"4:20: trace: there is no file":             "link: {up: {trace: none.trace}}",
		"4:20: trace: ":                             "link: {up: {trace: ../}}",
		"4:8: radio: there is no file":              "radio: none.yaml",
		"4:8: radio: / is no regular file":          "radio: /",
		`4:8: there is no radio model "nokia"; `:    "radio: nokia",
		"4:20: trace: /dev/null is no regular file": "link: {up: {trace: /dev/null}}",
	} {
		_, _, err := inFolder(t, map[string]string{"scenario.yaml": smallest + line + "\n"})
		require.ErrorContains(t, err, "scenario.yaml:"+want)
		require.Len(t, err, 1)
	}
}

func TestFilesThatAreNamed(t *testing.T) {
	own, err := os.ReadFile("testdata/radio.yaml")
	require.NoError(t, err)
	s, dir, err := inFolder(t, map[string]string{
		"scenario.yaml": smallest + "radio: own.yaml\nprofiles: {bus: {both: {trace: ./t.txt}}}\nlink: bus\ntimeline:\n" +
			"  - {at: 1s, link: {profile: bus, up: {loss: 1%}}}\n  - {at: 2s, link: {both: {trace: bus-up}}}\n  - {at: 3s, link: {up: {trace: bus-up}}}\n",
		"t.txt":    "0 1\n2 3\n3 0",
		"own.yaml": string(own),
	})
	require.NoError(t, err)
	require.Equal(t, &harness.Radio{Name: "own.yaml", Model: string(own)}, s.Radio)
	require.Equal(t, "./t.txt", s.Link.Up.Trace.Name)
	require.Equal(t, 3*time.Second, s.Link.Up.Trace.Period())
	require.Same(t, s.Link.Up.Trace, s.Timeline[0].Link.Down.Trace, "it goes on where it was")
	require.Same(t, s.Timeline[1].Link.Down.Trace, s.Timeline[2].Link.Up.Trace)

	file := filepath.Join(dir, "t.txt")
	s, _, err = inFolder(t, map[string]string{"scenario.yaml": smallest + "link: {up: {trace: " + file + "}}\n"})
	require.NoError(t, err)
	require.Equal(t, file, s.Link.Up.Trace.Name, "an absolute path")
}

// A trace takes the place of a rate and the other way round, and so do the two
// forms of a limit.
func TestOneTakesThePlaceOfTheOther(t *testing.T) {
	s, err := Parse("f", []byte(smallest+`
profiles:
  a: {both: {rate: 1mbit, limit: 20KB}}
  b: {profile: a, both: {trace: bus-up, limit: 500ms}}
  c: {profile: b, both: {rate: 64kbit, limit: 30KB}}
link: {profile: b, down: {rate: 2mbit}}
timeline: [{at: 1s, link: c}]
`), bundled(t))
	require.NoError(t, err)
	require.Zero(t, s.Link.Up.Rate)
	require.Equal(t, "bus-up", s.Link.Up.Trace.Name)
	require.Zero(t, s.Link.Up.Limit)
	require.Equal(t, 500*time.Millisecond, s.Link.Up.LimitTime)
	require.Equal(t, harness.Path{Rate: 2_000_000, LimitTime: 500 * time.Millisecond}, s.Link.Down)
	require.Equal(t, harness.Path{Rate: 64_000, Limit: 30_000}, s.Timeline[0].Link.Up)
}
