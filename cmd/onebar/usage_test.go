package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The command that repeats a run is one that the shell of the user finds.
func TestCalled(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"onebar": "onebar", "./onebar": "./onebar", "bin/onebar": "bin/onebar", "/opt/one bar/onebar": "'/opt/one bar/onebar'",
		"/tmp/go-build1/b001/exe/onebar": "onebar",
	} {
		require.Equal(t, want, called(path))
	}
}

// said runs a command line and returns what it writes.
func said(t *testing.T, line string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	execute(t.Context(), strings.Fields(line), &out, &errs)
	return out.String(), errs.String()
}

func TestWhatWasMeantOnTheCommandLine(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"run tunel":                       "tunel is neither a file nor a bundled scenario: did you mean tunnel? onebar list shows all",
		"run something":                   "something is neither a file nor a bundled scenario: onebar list shows them",
		"show tunel":                      `no bundled scenario is named "tunel": did you mean tunnel? onebar list shows all`,
		"run tunnel --tag smok":           "no scenario of 1 has one of the tags smok: did you mean smoke? onebar list shows names and tags",
		"run tunnel --seed -1":            `--seed "-1": expected a whole number, 0 or more`,
		"run tunnel --sead 1":             "there is no flag --sead: did you mean --seed?",
		"run tunnel --qqqqqqqqqqqqqqqq":   "unknown flag: --qqqqqqqqqqqqqqqq: see onebar run --help",
		"explore tunnel --for 5minutes":   `--for "5minutes": write --for 5m`,
		"explore tunnel --seeds 1,000":    `--seeds "1,000": write --seeds 1000`,
		"explore tunnel --seeds many":     `--seeds: "many": expected A..B with A at most B and at most 1000000000 seeds, such as 1..20 for the twenty seeds from 1; or a number of runs`,
		"shrink tunnel --check duplicate": `--check "duplicate": did you mean "duplicated"?`,
		"models energybox":                `there is no radio model "energybox"; did you mean "energybox-3g"?`,
		"trace show busup":                `read trace: no bundled trace is named "busup" (a file is written with its dot or folder, such as ./busup): did you mean "bus-up"?`,
	} {
		_, got := said(t, line)
		require.Equal(t, "onebar: "+want+"\n", got, line)
	}
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"run tun": "tunnel", "validate tun": "tunnel", "show tun": "tunnel", "models energybox-w": "energybox-wifi", "trace show metro-u": "metro-up",
		"run --tag smo": "smoke", "explore --tag smo": "smoke", "run --engine pa": "packet", "proxy --profile gprs-l": "gprs-lossy",
		"energy --model nb": "nb-iot", "shrink --check dup": "duplicated",
	} {
		got, _ := said(t, "__complete "+line)
		require.Contains(t, strings.Fields(got), want, line)
	}
	script, _ := said(t, "completion bash")
	require.Contains(t, script, "__start_onebar")
}
