package ci_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reports/ci"
)

// failing is a suite of a file with one case of each kind.
func failing(file string) ci.Suite {
	return ci.Suite{
		Title: "tunnel", File: file,
		Cases: []ci.Case{
			{Name: "run", Status: result.Pass},
			{Name: "storm", Status: result.StatusUnknown, Message: "not judged"},
			{Name: "p95(confirm) < 8s, phase: edge", Status: result.Fail, Message: "100 % of 2:\r\nlost", Line: 14},
			{Name: "early", Status: result.NotApplicable, Message: "no commits"},
			{Name: "start", Broken: true, Message: "the port is in use"},
		},
	}
}

func junit(t *testing.T, suites ...ci.Suite) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, ci.JUnit(&b, suites))
	return b.String()
}

// dorny returns what dorny/test-reporter finds in the text of a failure: it looks for the
// line with the pattern, for a file of the repository with this name, and compares the
// package, without the part that begins with a capital, with its last folders.
func dorny(text string, tracked ...string) (file string, line int) {
	m := regexp.MustCompile(`(?m)^at (.*)\((.*):(\d+)\)$`).FindStringSubmatch(text)
	if m == nil {
		return "", 0
	}
	line, _ = strconv.Atoi(m[3])
	var parts []string
	for p := range strings.SplitSeq(m[1], ".") {
		if p == "" || p[0] <= 'Z' {
			break
		}
		parts = append(parts, p)
	}
	for _, f := range tracked {
		folder := "/" + filepath.ToSlash(filepath.Dir(f))
		if len(parts) > 0 && filepath.Base(f) == m[2] && strings.HasSuffix(folder, "/"+strings.Join(parts, "/")) {
			return f, line
		}
	}
	return "", 0
}

func TestReadersFindTheLine(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"scenarios/tunnel.yaml", "pay/net-tests/tunnel.yaml", "a/2g/scenarios/tunnel.yaml"} {
		text := junit(t, failing(file))
		// mikepenz/action-junit-report and GitLab
		require.Contains(t, text, `file="`+file+`" line="14">`)
		require.Contains(t, text, `name="storm" time="0.000" file="`+file+`" line="1">`)
		failure := strings.ReplaceAll(regexp.MustCompile(`(?s)<failure [^>]*>(.*?)</failure>`).FindStringSubmatch(text)[1], "&#xA;", "\n")
		got, line := dorny(failure, "other/tunnel.yaml", file)
		require.Equal(t, file, got)
		require.Equal(t, 14, line)
	}
	// Of a file whose folder is no name of a package dorny finds nothing, and nothing wrong.
	for _, file := range []string{"tunnel.yaml", "./tunnel.yaml", "Net/tunnel.yaml", "v1.2/tunnel.yaml", "../tunnel.yaml"} {
		require.NotContains(t, junit(t, failing(file)), "Scenario(", file)
	}
	require.NotContains(t, junit(t, failing("")), "file=")
	require.NotContains(t, junit(t, failing("")), "line=")
}

func TestSource(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"tunnel": "", "scenarios/": "", "tunnel.yaml": "tunnel.yaml", "./x": "./x", "scenarios/tunnel.yml": "scenarios/tunnel.yml", "": "",
	} {
		require.Equal(t, want, ci.Source(given), given)
	}
}

// GitLab drops the second of two cases of one name.
func TestNamesDiffer(t *testing.T) {
	t.Parallel()
	s := ci.Suite{Title: "x", Cases: []ci.Case{{Name: "lost < 1", Status: result.Pass}, {Name: "lost < 1", Status: result.Fail}}}
	require.Contains(t, junit(t, s), `name="lost &lt; 1 (2)"`)
}

func TestAnnotations(t *testing.T) {
	require.Equal(t, ""+
		"::error file=scenarios/tunnel.yaml,line=1,title=BROKEN tunnel%3A start::the port is in use\n"+
		"::error file=scenarios/tunnel.yaml,line=14,title=FAIL tunnel%3A p95(confirm) < 8s%2C phase%3A edge::100 %25 of 2:%0D%0Alost\n"+
		"::error file=scenarios/tunnel.yaml,line=1,title=UNKNOWN tunnel%3A storm::not judged\n",
		ci.Annotations([]ci.Suite{failing("scenarios/tunnel.yaml")}))
	require.Contains(t, ci.Annotations([]ci.Suite{failing("")}), "::error title=BROKEN tunnel%3A start::")
	require.Contains(t, ci.Annotations([]ci.Suite{failing("odd,name:1%.yaml")}), "file=odd%2Cname%3A1%25.yaml,line=1,title=")
	here, err := filepath.Abs(".")
	require.NoError(t, err)
	t.Setenv("GITHUB_WORKSPACE", filepath.Dir(here)) // a step with working-directory
	require.Contains(t, ci.Annotations([]ci.Suite{failing("s/tunnel.yaml")}), "file="+filepath.Base(here)+"/s/tunnel.yaml,")
	require.Contains(t, ci.Annotations([]ci.Suite{failing("../../elsewhere.yaml")}), "file=../../elsewhere.yaml,")
}

// GitHub shows ten errors of a step and drops the others without a word.
func TestAnnotationsSayHowManyMore(t *testing.T) {
	t.Parallel()
	var all []ci.Suite
	for i := range 11 {
		all = append(all, ci.Suite{Title: fmt.Sprint(i), Cases: []ci.Case{{Name: "lost", Status: result.Fail}}})
	}
	require.NotContains(t, ci.Annotations(all[:10]), "more")
	text := ci.Annotations(all)
	require.Equal(t, ci.MaxAnnotations, strings.Count(text, "\n"))
	require.Contains(t, text, "::error title=onebar::and 2 more that did not pass\n")
}

// A text of a server cannot add a command of its own.
func TestAnnotationsHoldNoOtherCommand(t *testing.T) {
	t.Parallel()
	s := ci.Suite{Title: "x\n::stop-commands::y", Cases: []ci.Case{{Name: "a\r\n::warning::b", Status: result.Fail, Message: "\n::add-mask::c\x1b[2J"}}}
	text := ci.Annotations([]ci.Suite{s})
	require.Equal(t, 1, strings.Count(text, "\n"), text)
	require.NotContains(t, text, "\x1b")
	require.NotContains(t, text, "\r")
}
