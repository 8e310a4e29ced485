package reports

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/history"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/outcome"
)

// spoken returns a result in which each text that comes from outside is the given one.
func spoken(text string) result.Result {
	return result.Result{
		Version: 1, Onebar: text, Engine: text, Seed: 1, Status: result.Fail, Error: text, Busy: text, Again: text, Rerun: text, HistoryFile: text,
		Scenario: harness.Scenario{Name: text, Summary: text, File: text, Tags: []string{text}},
		Notes:    []string{text},
		Verdicts: []result.Verdict{
			{Check: "lost", Status: result.Fail, Count: 1, Summary: text, Findings: []result.Finding{{Payment: text, Text: text, Lines: []int{1}}}},
			{Check: "storm", Status: result.NotApplicable, Summary: text},
		},
		Thresholds: []result.Threshold{{Text: text, Status: result.StatusUnknown, Reason: text}},
		Figures:    result.Figures{{Name: "payments", Unit: result.Count, Value: 1}, {Name: "p50(confirm, phase: " + text + ")", Unit: result.Seconds, Value: 1}},
		Phases:     []result.PhaseStat{{Phase: history.Phase{Name: text, Link: text}}},
	}
}

// FuzzHostileText puts any text into each place of a result that comes from outside. The
// console gets no control characters, XML stays XML, JSON reads back, and Markdown has no
// HTML and no more rows.
func FuzzHostileText(f *testing.F) {
	for _, s := range []string{
		"plain", "\x1b]0;owned\a\x1b[2J", "\u009b31m", "a\r\nb\n\n# heading\n", "</testcase></testsuite>", "]]>", "\x00\xff\xfe", "\u202eoverride",
		"<script>alert(1)</script>", "| a | b |\n|---|---|", "```\n</details>", "![x](https://evil.example/x.png)", "&lt;b&gt;", "{{ x }} ${HOME}", "\u2028\u2029", "[x](javascript:alert(1))",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" {
			t.Skip("no text has no place")
		}
		for _, results := range [][]result.Result{{spoken(text)}, {spoken(text), spoken(text)}} {
			write := func(report Report) string {
				var b bytes.Buffer
				require.NoError(t, report(&b))
				return b.String()
			}
			console := write(Console(results))
			require.Negative(t, strings.IndexFunc(console, func(r rune) bool {
				return r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
			}), "%q", console)
			plain := []result.Result{spoken("plain")}
			if len(results) == 2 {
				plain = append(plain, spoken("plain"))
			}
			require.Equal(t, elements(t, write(outcome.JUnit(Runs(plain)))), elements(t, write(outcome.JUnit(Runs(results)))))
			markdown := write(outcome.Markdown(Runs(results)))
			require.Equal(t, rows(unfenced(write(outcome.Markdown(Runs(plain))))), rows(unfenced(markdown)))
			for _, tag := range []string{"<script", "<img", "<a ", "](http", "](javascript"} {
				require.NotContains(t, unfenced(markdown), tag)
			}
			got, err := outcome.ReadJSON(strings.NewReader(write(outcome.JSON(Runs(results)))))
			require.NoError(t, err)
			require.Len(t, got, len(results))
			if utf8.ValidString(text) {
				require.Equal(t, text, got[0].Verdicts[0].Summary)
			}
		}
	})
}

// elements counts the elements of an XML document by name.
func elements(t *testing.T, text string) map[string]int {
	t.Helper()
	n := map[string]int{}
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return n
		}
		require.NoError(t, err)
		if e, ok := token.(xml.StartElement); ok {
			n[e.Name.Local]++
		}
	}
}

// unfenced returns Markdown without its blocks of code.
func unfenced(markdown string) string {
	var b strings.Builder
	fence := ""
	for line := range strings.Lines(markdown) {
		ticks := line[:len(line)-len(strings.TrimLeft(line, "`"))]
		switch {
		case fence == "" && len(ticks) >= 3:
			fence = ticks
		case fence == "":
			b.WriteString(line)
		case strings.TrimSpace(line) == fence:
			fence = ""
		}
	}
	return b.String()
}

// rows counts the rows of tables.
func rows(markdown string) (n int) {
	for line := range strings.Lines(markdown) {
		if strings.HasPrefix(line, "|") {
			n++
		}
	}
	return n
}
