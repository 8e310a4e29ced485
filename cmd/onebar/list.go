package main

import (
	"fmt"
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
