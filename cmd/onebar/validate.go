package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/run"
	"github.com/onebar/onebar/harness/spec"
	"github.com/onebar/onebar/harness/yamltext"
)

func newValidate() *cobra.Command {
	var engine string
	cmd := &cobra.Command{
		Use:   "validate SCENARIO...",
		Short: "Report every mistake in scenario files",
		Long: `Report every mistake in scenarios, with its line. A SCENARIO is a file, a folder of
files, or the name of a bundled scenario. What the engine or the system under test
cannot do is a mistake, too. Exit code 2 says that there are mistakes.`,
		Example: `  onebar validate mine.yaml
  onebar validate scenarios/ --engine sim`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return validateAll(cmd, engine, args) },
	}
	cmd.Flags().StringVar(&engine, "engine", "", "also report what this engine cannot do: packet, toxiproxy or sim (default: the scenario's, else packet)")
	completeEngines(cmd)
	return cmd
}

// validateAll validates the scenarios of the command line, and says of each what is wrong.
func validateAll(cmd *cobra.Command, engine string, args []string) error {
	if err := checkEngine(engine); err != nil {
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
		if err := validate(path, engine, lib); err != nil {
			wrong = true
			printMistakes(cmd, err)
			continue
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: ok\n", path)
	}
	if wrong {
		return exit(result.ExitBroken)
	}
	return nil
}

// validate reads a scenario and checks that its engine and its subject support it, as onebar
// run does before it begins. An empty engine is the one that run would take.
func validate(path, engine string, lib spec.Library) error {
	sc, err := load(path, lib)
	if err != nil {
		return err
	}
	if err := refusal(sc, (&batch{engine: engine}).engineOf(sc)); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// refusal returns what a run of a scenario on an engine would refuse; nil is nothing.
func refusal(sc harness.Scenario, engine string) (err error) {
	subject, free := harness.Subject(nil), func() error { return nil }
	if virtual(engine) {
		subject, free, err = newSimulated(sc)
	} else {
		subject, err = newSubject(sc)
	}
	if err != nil {
		return err
	}
	err = run.Check(sc, run.Options{Engine: engines()[engine], Subject: subject})
	return errors.Join(err, free())
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
