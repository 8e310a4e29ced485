package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness/spec"
)

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
