package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

// A step is one step of a job of GitHub Actions.
type step struct {
	Uses, Run, Shell string
	Env              map[string]string
}

// recipe is one folder in which the steps of a recipe run, as a CI system would run them.
type recipe struct {
	t              *testing.T
	root, dir, bin string
	env            []string
}

// newRecipe returns a project with one good scenario and one that fails, beside an onebar that is
// built already: this test's own program.
func newRecipe(t *testing.T) *recipe {
	t.Helper()
	if testing.Short() {
		t.Skip("starts shells and programs")
	}
	t.Parallel()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	bin, err := exec.LookPath("onebar") // testscript puts this test's program into PATH
	require.NoError(t, err)
	r := &recipe{t: t, root: root, dir: t.TempDir(), bin: bin, env: os.Environ()}
	r.write("scenarios/good.yaml", goodScenario)
	r.write("bad/twice.yaml", strings.Replace(goodScenario, "name: good", "name: twice\nsubject: {broken: [new-key-per-attempt]}", 1))
	return r
}

const goodScenario = `onebar: 1
name: good
summary: Payments during an outage.
workload: {wallets: 2, payments: 8, rate: 2/s, amount: 10..900 KES}
link: edge
timeline:
  - {at: 1s, disconnect: blackhole, direction: down, for: 20s}
settle: 120s
`

func (r *recipe) write(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	require.NoError(r.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(r.t, os.WriteFile(path, []byte(text), 0o600))
}

func (r *recipe) read(name string) string {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, name))
	require.NoError(r.t, err)
	return string(text)
}

// shell runs one script with bash, as CI systems do, and returns its output and exit code.
func (r *recipe) shell(script string, env ...string) (out string, code int) {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "bash", "-eo", "pipefail", "-c", script)
	cmd.Dir, cmd.Env = r.dir, slices.Concat(r.env, env)
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		require.NoError(r.t, err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// The action's steps build nothing that is there, run the scenarios, fail with onebar's exit code
// and append to the job's summary. No input is pasted into a script: a name of a branch could run
// commands there.
func TestGitHubAction(t *testing.T) {
	r := newRecipe(t)
	text, err := os.ReadFile(filepath.Join(r.root, ".github/actions/onebar/action.yml"))
	require.NoError(t, err)
	var action struct {
		Inputs map[string]struct{ Default string }
		Runs   struct{ Steps []step }
	}
	require.NoError(t, yaml.Unmarshal(text, &action))
	for _, c := range []struct {
		name, scenarios string
		code            int
		summary         string
	}{
		{"good", "scenarios/", 0, "good"},
		{"bad", "bad/twice.yaml", 1, "twice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.write("summary", "before\n")
			values := map[string]string{
				"github.action_path": filepath.Join(r.root, ".github/actions/onebar"),
				"runner.temp/onebar": r.bin,
				"inputs.scenarios":   c.scenarios, "inputs.command": action.Inputs["command"].Default,
				"inputs.args": "--engine sim", "inputs.out": "out-" + c.name,
			}
			ran, worst := 0, 0
			for _, s := range action.Runs.Steps {
				if s.Run == "" {
					require.Contains(t, s.Uses, "@", "an action without a version")
					continue
				}
				require.NotContains(t, s.Run, "${{", "an input in a script runs as a command")
				require.Equal(t, "bash", s.Shell)
				env := []string{"GITHUB_OUTPUT=" + filepath.Join(r.dir, "output"), "GITHUB_STEP_SUMMARY=" + filepath.Join(r.dir, "summary")}
				for name, value := range s.Env {
					env = append(env, name+"="+expression(t, value, values))
				}
				out, code := r.shell(s.Run, env...)
				t.Logf("%s\n%s", s.Run, out)
				ran, worst = ran+1, max(worst, code)
			}
			require.Equal(t, 3, ran)
			require.Equal(t, c.code, worst)
			require.Regexp(t, `^key=[0-9a-f]{32}\n`, r.read("output"))
			require.True(t, strings.HasPrefix(r.read("summary"), "before\n"), "the summary was overwritten")
			require.Contains(t, r.read("summary"), c.summary)
			require.Contains(t, r.read("out-"+c.name+"/junit.xml"), c.summary)
			require.Contains(t, r.read("out-"+c.name+"/result.json"), c.summary)
		})
	}
}

// expression puts the values of GitHub's expressions into the text of a variable.
func expression(t *testing.T, text string, values map[string]string) string {
	t.Helper()
	text = strings.ReplaceAll(text, "${{ runner.temp }}/onebar", "${{ runner.temp/onebar }}")
	for name, value := range values {
		text = strings.ReplaceAll(text, "${{ "+name+" }}", value)
	}
	require.NotContains(t, text, "${{", "an expression that this test does not know")
	return text
}

// The template's script runs the scenarios with the variables' defaults and leaves the reports
// where `artifacts` looks for them.
func TestGitLabTemplate(t *testing.T) {
	r := newRecipe(t)
	text, err := os.ReadFile(filepath.Join(r.root, ".ci/gitlab.yml"))
	require.NoError(t, err)
	var template map[string]struct {
		Variables map[string]string
		Before    []string `yaml:"before_script"`
		Script    []string
		Artifacts struct {
			Paths   []string
			Reports struct{ JUnit string }
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &template))
	job := template[".onebar"]
	require.Len(t, job.Before, 2)
	require.NoError(t, os.Symlink(r.root, filepath.Join(r.dir, ".onebar-source"))) // the first line clones it
	env := []string{"CI_PROJECT_DIR=" + r.dir}
	for name, value := range job.Variables {
		env = append(env, name+"="+strings.ReplaceAll(value, "$CI_PROJECT_DIR", r.dir))
	}
	env = append(env, "ONEBAR_ARGS=--engine sim")
	require.NoError(t, os.MkdirAll(filepath.Join(r.dir, ".onebar"), 0o755))
	script := job.Before[1] + "\nprintf '#!/bin/sh\\nexec \"%s\" \"$@\"\\n' '" + r.bin + "' >\"$ONEBAR_BIN\"; chmod +x \"$ONEBAR_BIN\"\n" + strings.Join(job.Script, "\n") +
		"\ntest -s " + job.Artifacts.Reports.JUnit + "\ntest -d " + strings.Join(job.Artifacts.Paths, " ")
	out, code := r.shell(script, env...)
	require.Zero(t, code, out)
	out, code = r.shell(script, append(env, "ONEBAR_SCENARIOS=bad/twice.yaml")...)
	require.Equal(t, 1, code, out)
}

// The shards of a matrix, joined by the job after it, have the verdict of all runs; without one of
// them there is none.
func TestShardsOfAPipeline(t *testing.T) {
	r := newRecipe(t)
	job := `"` + filepath.Join(r.root, ".ci/job") + `"`
	bin := "ONEBAR_BIN=" + r.bin
	for _, part := range []string{"1", "2"} {
		out, code := r.shell(job, bin, "ONEBAR_COMMAND=explore", "ONEBAR_SCENARIOS=scenarios/",
			"ONEBAR_ARGS=--seeds 1..4 --keep-going --shard "+part+"/2", "ONEBAR_OUT=parts/part-"+part)
		require.Zero(t, code, out)
	}
	out, code := r.shell(job, bin, "ONEBAR_COMMAND=merge", "ONEBAR_SCENARIOS=parts/*/result.json")
	require.Zero(t, code, out)
	require.Contains(t, r.read("onebar-out/summary.md"), "4 runs")
	out, code = r.shell(job, bin, "ONEBAR_COMMAND=merge", "ONEBAR_SCENARIOS=parts/part-1/result.json")
	require.Equal(t, 2, code, out)
}

// Each workflow of this project can be read, and runs targets that the Makefile has.
func TestWorkflowsRunTargetsThatExist(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	require.NoError(t, err)
	files, err := filepath.Glob("../../.github/workflows/*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var workflow struct {
			Jobs map[string]struct{ Steps []step }
		}
		require.NoError(t, yaml.Unmarshal(text, &workflow), file)
		require.NotEmpty(t, workflow.Jobs, file)
		for _, job := range workflow.Jobs {
			for _, s := range job.Steps {
				_, rest, found := strings.Cut(s.Run, "make ")
				if found {
					require.Contains(t, string(makefile), "\n"+strings.Fields(rest)[0]+":", "%s: no such target", file)
				}
			}
		}
	}
}
