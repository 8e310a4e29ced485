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
	return &cobra.Command{
		Use:   "validate SCENARIO...",
		Short: "Report every mistake in scenario files",
		Long: `Report every mistake in scenarios, with its line. A SCENARIO is a file, a folder of
files, or the name of a bundled scenario. Exit code 2 says that there are mistakes.`,
		Example: `  onebar validate mine.yaml
  onebar validate scenarios/`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			lib := library()
			wrong := false
			var paths []string
			for _, arg := range args {
				files, err := scenarioFiles(arg)
				if err != nil {
					return err
				}
				paths = append(paths, files...)
			}
			for _, path := range paths {
				if err := validate(path, lib); err != nil {
					wrong = true
					printMistakes(cmd, err)
					continue
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: ok\n", path)
			}
			if wrong {
				return exitError{result.ExitBroken}
			}
			return nil
		},
	}
}

// validate reads a scenario and checks that its engine and its subject support it, as onebar
// run does before it begins.
func validate(path string, lib spec.Library) (err error) {
	sc, err := load(path, lib)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
	}()
	engine := (&batch{}).engineOf(sc)
	subject, free := harness.Subject(nil), func() error { return nil }
	if engine == simulated {
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
		fmt.Fprintln(w, err)
		return
	}
	for _, m := range mistakes {
		fmt.Fprintf(w, "%s\n%s", m, m.Excerpt())
	}
}
