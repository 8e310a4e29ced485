package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/run"
	"github.com/onebar/onebar/harness/spec"
	"github.com/onebar/onebar/scenarios"
)

// library returns the bundled profiles.
func library() (spec.Library, error) {
	lib, err := spec.ReadProfiles(scenarios.FS, scenarios.ProfilesFile)
	if err != nil {
		return lib, fmt.Errorf("read the bundled profiles: %w", err)
	}
	return lib, nil
}

// bundled returns the file names of the bundled scenarios.
func bundled() []string {
	names, err := fs.Glob(scenarios.FS, "*.yaml")
	must(err)
	return names
}

// loadBundled reads a bundled scenario by its name.
func loadBundled(name string, lib spec.Library) (harness.Scenario, error) {
	data, err := fs.ReadFile(scenarios.FS, name+".yaml")
	if err != nil {
		return harness.Scenario{}, fmt.Errorf("%s is neither a file nor a bundled scenario: onebar list shows those", name)
	}
	sc, err := spec.Parse(name+".yaml", data, lib)
	sc.File = name
	return sc, err
}

// loadScenarios reads the scenarios that args name: files, folders of them, or
// bundled ones. With tags, only those with one of them are kept. All mistakes
// of all files are in the error.
func loadScenarios(args, tags []string) ([]harness.Scenario, error) {
	lib, err := library()
	if err != nil {
		return nil, err
	}
	var list []harness.Scenario
	var errs []error
	for _, arg := range args {
		paths, err := scenarioFiles(arg)
		errs = append(errs, err)
		for _, path := range paths {
			sc, err := load(path, lib)
			errs = append(errs, err)
			if len(tags) == 0 || slices.ContainsFunc(sc.Tags, func(t string) bool { return slices.Contains(tags, t) }) {
				list = append(list, sc)
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("no scenario has one of the tags %s: onebar list shows the tags", strings.Join(tags, ", "))
	}
	return list, unique(list)
}

// unique refuses two scenarios of one name: they would write the same files.
func unique(list []harness.Scenario) error {
	seen := map[string]string{}
	for _, sc := range list {
		if other, ok := seen[sc.Name]; ok {
			return fmt.Errorf("%s and %s are both named %q: rename one, or run them apart", other, sc.File, sc.Name)
		}
		seen[sc.Name] = sc.File
	}
	return nil
}

// scenarioFiles returns the files arg stands for; a word that is no file is
// left as it is.
func scenarioFiles(arg string) ([]string, error) {
	info, err := os.Stat(arg)
	if err != nil || !info.IsDir() {
		return []string{arg}, nil //nolint:nilerr // load says what is wrong with it
	}
	var paths []string
	for _, pattern := range []string{"*.yaml", "*.yml"} {
		found, err := filepath.Glob(filepath.Join(arg, pattern))
		if err != nil {
			return nil, fmt.Errorf("read folder %s: %w", arg, err)
		}
		paths = append(paths, found...)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("folder %s holds no scenario: expected files that end in .yaml or .yml", arg)
	}
	slices.Sort(paths)
	return paths, nil
}

// load reads a file, or a bundled scenario if path is a plain word and no file
// has that name.
func load(path string, lib spec.Library) (harness.Scenario, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(path, `./\`) {
		return loadBundled(path, lib)
	}
	return spec.Load(path, lib)
}

// completeScenarios completes the names of bundled scenarios, beside files.
func completeScenarios(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, f := range bundled() {
		names = append(names, strings.TrimSuffix(f, ".yaml"))
	}
	return names, cobra.ShellCompDirectiveDefault
}

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
			lib, err := library()
			if err != nil {
				return err
			}
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

// validate reads a scenario and asks the engine and the subject it would run on, as
// onebar run does before it begins.
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

// printMistakes prints err, and for mistakes in a file the lines they are in.
func printMistakes(cmd *cobra.Command, err error) {
	w := cmd.ErrOrStderr()
	mistakes, ok := errors.AsType[spec.Mistakes](err)
	if !ok {
		fmt.Fprintln(w, err)
		return
	}
	for _, m := range mistakes {
		fmt.Fprintf(w, "%s\n%s", m, m.Excerpt())
	}
}

func newList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the bundled scenarios",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			lib, err := library()
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, f := range bundled() {
				sc, err := loadBundled(strings.TrimSuffix(f, ".yaml"), lib)
				if err != nil {
					return err
				}
				fmt.Fprintf(w, "%s\t%s\t%s\n", sc.Name, strings.Join(sc.Tags, ","), sc.Summary)
			}
			return w.Flush()
		},
	}
}

func newShow() *cobra.Command {
	return &cobra.Command{
		Use:               "show NAME",
		Short:             "Print a bundled scenario, as a start for your own",
		Example:           `  onebar show tunnel > my-tunnel.yaml`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeScenarios,
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := fs.ReadFile(scenarios.FS, args[0]+".yaml")
			if err != nil {
				return fmt.Errorf("no bundled scenario is named %q: onebar list shows them", args[0])
			}
			_, err = cmd.OutOrStdout().Write(data)
			return err
		},
	}
}

func newProfiles() *cobra.Command {
	return &cobra.Command{
		Use:   "profiles",
		Short: "List the bundled network profiles and their sources",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			lib, err := library()
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "PROFILE\tUP\tDOWN\tSOURCE")
			for _, p := range lib.All() {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", p.Name, spec.FormatPath(p.Up), spec.FormatPath(p.Down), p.Source)
			}
			return w.Flush()
		},
	}
}

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of scenario files, for editors",
		Example: `  onebar schema > onebar.schema.json`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			data, err := fs.ReadFile(scenarios.FS, scenarios.SchemaFile)
			if err != nil {
				return fmt.Errorf("read the schema: %w", err)
			}
			_, err = cmd.OutOrStdout().Write(data)
			return err
		},
	}
}
