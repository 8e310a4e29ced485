package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/onebar/onebar/harness/keys"
	"github.com/onebar/onebar/harness/nearest"
	"github.com/onebar/onebar/harness/quantity"
)

// itself returns what a user types to call this program again.
func itself() string { return called(os.Args[0]) }

// called returns the program as it was called: bin/onebar, ./onebar, or onebar if the shell has
// found it in PATH. What go run or go test has built is gone afterwards.
func called(path string) string {
	if strings.Contains(filepath.ToSlash(path), "/go-build") {
		return "onebar"
	}
	return quote(path)
}

// sayUsage makes every command with the wrong number of arguments print its usage.
func sayUsage(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		sayUsage(c)
		want := c.Args
		if want == nil || c.HasSubCommands() {
			continue
		}
		c.Args = func(c *cobra.Command, args []string) error {
			if err := want(c, args); err != nil {
				return usageError{fmt.Errorf("too few or too many arguments: the command is %s, see %s --help", strings.TrimSuffix(c.UseLine(), " [flags]"), c.CommandPath())}
			}
			return nil
		}
	}
}

// wrongFlag says what is wrong with a flag, and what was meant.
func wrongFlag(cmd *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := nearest.Word(unknown.GetSpecifiedName(), names); near != "" {
			return fmt.Errorf("there is no flag --%s: did you mean --%s?", unknown.GetSpecifiedName(), near)
		}
		return fmt.Errorf("%w: see %s --help", err, cmd.CommandPath())
	}
	wrong, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return err
	}
	flag := wrong.GetFlag()
	for _, text := range quantity.Meant(wrong.GetValue()) {
		if flag.Value.Set(text) == nil {
			return fmt.Errorf("--%s %q: write --%s %s", flag.Name, wrong.GetValue(), flag.Name, text)
		}
	}
	expected := map[string]string{
		"uint64": "a whole number, 0 or more", "int": "a whole number", "duration": "a duration such as 300ms, 15s or 1m30s", "bool": "true or false",
	}[flag.Value.Type()]
	if expected == "" {
		return err
	}
	return fmt.Errorf("--%s %q: expected %s", flag.Name, wrong.GetValue(), expected)
}

// meant ends a message about a name that is none of those that a command lists: it suggests the
// nearest.
func meant(name string, names []string, list string) string {
	if near := nearest.Word(name, names); near != "" {
		return fmt.Sprintf("did you mean %s? onebar %s shows all", near, list)
	}
	return "onebar " + list + " shows them"
}

// checkCheck refuses what is no name of a check. A threshold has a comparison.
func checkCheck(name string) error {
	if all := checks(); name != "" && !strings.ContainsAny(name, "<>= ") && nearest.Word(name, all) != name {
		return fmt.Errorf("--check %q: %s", name, keys.Suggest(name, all))
	}
	return nil
}
