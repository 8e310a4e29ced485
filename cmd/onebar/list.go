package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness/selection"
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
			var rows [][]any
			for _, sc := range list {
				all = append(all, listed{sc.Name, sc.Tags, cmp.Or(sc.Engine, defaultEngine), sc.Summary})
				rows = append(rows, []any{sc.Name, strings.Join(sc.Tags, ","), sc.Summary})
			}
			if asJSON {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				e.SetEscapeHTML(false)
				return e.Encode(all)
			}
			return printTable(cmd.OutOrStdout(), rows)
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

// printTable prints rows of fields in columns.
func printTable(w io.Writer, rows [][]any) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, fields := range rows {
		for i, f := range fields {
			if i > 0 {
				fmt.Fprint(t, "\t")
			}
			fmt.Fprint(t, f)
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}
