package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

func newList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the bundled scenarios",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			lib := library()
			var rows [][]any
			for _, f := range bundled() {
				sc, err := loadBundled(strings.TrimSuffix(f, ".yaml"), lib)
				if err != nil {
					return err
				}
				rows = append(rows, []any{sc.Name, strings.Join(sc.Tags, ","), sc.Summary})
			}
			return printTable(cmd.OutOrStdout(), rows)
		},
	}
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
