package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/selection"
	"github.com/onebar/onebar/harness/spec"
	"github.com/onebar/onebar/harness/yamltext"
	"github.com/onebar/onebar/scenarios"
)

// library returns the bundled profiles.
func library() spec.Library {
	lib, err := spec.ReadProfiles(scenarios.FS, scenarios.ProfilesFile)
	must(err)
	return lib
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
		return harness.Scenario{}, fmt.Errorf("%s is neither a file nor a bundled scenario: %s", name, meant(name, scenarioNames(), "list"))
	}
	sc, err := spec.Parse(name+".yaml", data, lib)
	sc.File = name
	return sc, err
}

// loadScenarios reads the scenarios that args name: files, folders of them, or
// bundled ones, and returns those that the filter chooses. All mistakes of all files are in
// the error.
func loadScenarios(args []string, filter selection.Filter) ([]harness.Scenario, error) {
	lib := library()
	var list []harness.Scenario
	var bad unread
	for _, arg := range args {
		paths, err := scenarioFiles(arg)
		if err != nil {
			bad = append(bad, fileError{arg, err})
		}
		for _, path := range paths {
			sc, err := load(path, lib)
			if err != nil {
				bad = append(bad, fileError{path, err})
			}
			list = append(list, sc)
		}
	}
	if len(bad) > 0 {
		return nil, bad
	}
	list, err := filter.Apply(list)
	if err != nil {
		return nil, err
	}
	return list, unique(list)
}

// unread are files that could not be read, as one error.
type unread []fileError

type fileError struct {
	path string
	err  error
}

// Error returns the errors, a line each.
func (u unread) Error() string { return errors.Join(u.Unwrap()...).Error() }

// Unwrap returns the errors of the files.
func (u unread) Unwrap() []error {
	all := make([]error, len(u))
	for i, f := range u {
		all[i] = f.err
	}
	return all
}

// expanded returns args with the files of a folder in its place.
func expanded(args []string) (all []string) {
	for _, arg := range args {
		paths, err := scenarioFiles(arg)
		if err != nil {
			paths = []string{arg}
		}
		all = append(all, paths...)
	}
	return all
}

// loadOne reads the one scenario that arg names.
func loadOne(arg string) (harness.Scenario, error) {
	list, err := loadScenarios([]string{arg}, selection.Filter{})
	if err != nil {
		return harness.Scenario{}, err
	}
	if len(list) != 1 {
		return harness.Scenario{}, fmt.Errorf("%s holds %d scenarios: expected one", arg, len(list))
	}
	return list[0], nil
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

// scenarioFiles returns the files that arg names. A word that is not a file is returned
// unchanged.
func scenarioFiles(arg string) ([]string, error) {
	info, err := os.Stat(arg)
	if err != nil || !info.IsDir() {
		return []string{arg}, nil //nolint:nilerr // load reports the error
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

// load reads a file, standard input if path is -, or a bundled scenario if path is a plain
// word and no file has that name.
func load(path string, lib spec.Library) (harness.Scenario, error) {
	if path == "-" {
		data, err := io.ReadAll(io.LimitReader(os.Stdin, yamltext.MaxFile+1))
		if err != nil {
			return harness.Scenario{}, fmt.Errorf("read scenario from standard input: %w", err)
		}
		return spec.Parse(path, data, lib)
	}
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(path, `./\`) {
		return loadBundled(path, lib)
	}
	return spec.Load(path, lib)
}

// completeScenarios completes the names of bundled scenarios and of files.
func completeScenarios(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return scenarioNames(), cobra.ShellCompDirectiveDefault
}
