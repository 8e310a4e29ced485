package main

import (
	"cmp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness/selection"
	"github.com/onebar/onebar/reports/format"
	"github.com/onebar/onebar/reports/outcome"
)

func newList() *cobra.Command {
	var asJSON bool
	var filter selection.Filter
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the bundled scenarios",
		Long: `List the bundled scenarios. With --json the list is a JSON array on standard output, with
name, tags, engine and summary of each scenario, for example to make the matrix of a
pipeline from it.`,
		Example: `  onebar list --tag smoke
  onebar list --exclude-tag slow --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var names []string
			for _, f := range bundled() {
				names = append(names, strings.TrimSuffix(f, ".yaml"))
			}
			list, err := loadScenarios(names, filter)
			if err != nil {
				return err
			}
			var all []listed
			var rows []format.Entry
			for _, sc := range list {
				all = append(all, listed{sc.Name, sc.Tags, cmp.Or(sc.Engine, defaultEngine), sc.Summary})
				rows = append(rows, format.Entry{Name: sc.Name, Words: sc.Tags, Lines: []string{sc.Summary}})
			}
			if asJSON {
				return outcome.AsJSON(all)(cmd.OutOrStdout())
			}
			return format.List(cmd.OutOrStdout(), rows)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	filterFlags(cmd, &filter)
	return cmd
}

// listed is an entry of the list in JSON.
type listed struct {
	Name    string   `json:"name"`
	Tags    []string `json:"tags"`
	Engine  string   `json:"engine"` // that onebar run takes unless told otherwise
	Summary string   `json:"summary"`
}
