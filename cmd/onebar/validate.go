package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/plan"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/run"
	"github.com/onebar/onebar/harness/spec"
	"github.com/onebar/onebar/harness/yamltext"
	"github.com/onebar/onebar/reports"
)

func newValidate() *cobra.Command {
	var v validation
	cmd := &cobra.Command{
		Use:   "validate SCENARIO...",
		Short: "Report every mistake in scenario files",
		Long: `Report every mistake in scenarios, with its line. A SCENARIO is a file, a folder of
files, or the name of a bundled scenario. What the engine or the system under test
cannot do is a mistake, too. Exit code 2 says that there are mistakes.

With --plan it also says what a run of each scenario will do: how long it takes, the
load, the timeline in words, what will be judged, and what cannot be.`,
		Example: `  onebar validate mine.yaml
  onebar validate tunnel --plan
  onebar validate scenarios/ --engine sim`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeScenarios,
		RunE:              func(cmd *cobra.Command, args []string) error { return v.run(cmd, args) },
	}
	cmd.Flags().BoolVar(&v.plan, "plan", false, "say in words what a run will do")
	cmd.Flags().StringVar(&v.engine, "engine", "", "also report what this engine cannot do: packet, toxiproxy or sim (default: the scenario's, else packet)")
	return cmd
}

// validation is the command line of onebar validate.
type validation struct {
	engine string
	plan   bool
}

// run validates the scenarios of the command line, and says of each what is wrong.
func (v *validation) run(cmd *cobra.Command, args []string) error {
	if err := checkEngine(v.engine); err != nil {
		return err
	}
	lib := library()
	var paths []string
	for _, arg := range args {
		files, err := scenarioFiles(arg)
		if err != nil {
			return err
		}
		paths = append(paths, files...)
	}
	wrong := false
	for _, path := range paths {
		p, err := validate(path, v.engine, lib)
		if err != nil {
			wrong = true
			printMistakes(cmd, err)
			continue
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: ok\n", path)
		if v.plan {
			if err := reports.Plan(p)(cmd.OutOrStdout()); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout())
		}
	}
	if wrong {
		return exit(result.ExitBroken)
	}
	return nil
}

// validate reads a scenario and checks that its engine and its subject support it, as onebar
// run does before it begins. It returns the plan of a run. An empty engine is the one that
// run would take.
func validate(path, engine string, lib spec.Library) (plan.Plan, error) {
	sc, err := load(path, lib)
	if err != nil {
		return plan.Plan{}, err
	}
	p, err := planned(sc, (&batch{engine: engine}).engineOf(sc))
	if err != nil {
		return p, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// refusal returns what a run of a scenario on an engine would refuse; nil is nothing.
func refusal(sc harness.Scenario, engine string) error {
	_, err := planned(sc, engine)
	return err
}

// planned returns the plan of a run of a scenario on an engine. The error is what the run
// would refuse.
func planned(sc harness.Scenario, engine string) (p plan.Plan, err error) {
	subject, free := harness.Subject(nil), func() error { return nil }
	if virtual(engine) {
		subject, free, err = newSimulated(sc)
	} else {
		subject, err = newSubject(sc)
	}
	if err != nil {
		return p, err
	}
	e := engines()[engine]
	if err = run.Check(sc, run.Options{Engine: e, Subject: subject}); err == nil {
		p = plan.Of(sc, plan.Options{Engine: e, Subject: subject.Abilities()})
	}
	return p, errors.Join(err, free())
}

// printMistakes prints err, with the lines of mistakes in a file.
func printMistakes(cmd *cobra.Command, err error) {
	w := cmd.ErrOrStderr()
	mistakes, ok := errors.AsType[yamltext.Mistakes](err)
	if !ok {
		fmt.Fprintln(w, printable(err))
		return
	}
	for _, m := range mistakes {
		fmt.Fprintf(w, "%s\n%s", printable(m), cleaned(m.Excerpt()))
	}
}
