package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/onebar/onebar/harness/check"
	"github.com/onebar/onebar/harness/radio"
)

// completeFlags has a shell complete the flags whose values are known, of a command and those
// below it. The command completion, which cobra adds, prints the script for a shell.
func completeFlags(cmd *cobra.Command) {
	values := map[string]func() []string{
		"engine": func() []string { return []string{"packet", "toxiproxy", simulated} },
		"tag":    tags, "exclude-tag": tags, "profile": profiles, "model": models, "check": checks,
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if names := values[f.Name]; names != nil {
			must(cmd.RegisterFlagCompletionFunc(f.Name, complete(names, cobra.ShellCompDirectiveNoFileComp)))
		}
	})
	for _, c := range cmd.Commands() {
		completeFlags(c)
	}
}

// complete completes one of some names. With cobra.ShellCompDirectiveDefault files are
// completed, too.
func complete(names func() []string, also cobra.ShellCompDirective) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) { return names(), also }
}

// tags returns the tags of the bundled scenarios.
func tags() (all []string) {
	seen := map[string]bool{}
	lib := library()
	for _, name := range scenarioNames() {
		sc, err := loadBundled(name, lib)
		must(err)
		for _, tag := range sc.Tags {
			if !seen[tag] {
				all, seen[tag] = append(all, tag), true
			}
		}
	}
	return all
}

// scenarioNames returns the names of the bundled scenarios.
func scenarioNames() (all []string) {
	for _, f := range bundled() {
		all = append(all, strings.TrimSuffix(f, ".yaml"))
	}
	return all
}

func profiles() (all []string) {
	for _, p := range library().All() {
		all = append(all, p.Name)
	}
	return all
}

func traces() (all []string) {
	for _, t := range library().Traces() {
		all = append(all, t.Name)
	}
	return all
}

func models() (all []string) {
	for _, m := range radio.Bundled() {
		all = append(all, m.Name)
	}
	return all
}

func checks() (all []string) {
	for _, c := range check.Checks() {
		all = append(all, c.Name)
	}
	return all
}
