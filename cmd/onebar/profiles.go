package main

import (
	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness/quantity"
)

func newProfiles() *cobra.Command {
	return &cobra.Command{
		Use:   "profiles",
		Short: "List the bundled network profiles and their sources",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			lib := library()
			rows := [][]any{{"PROFILE", "UP", "DOWN", "SOURCE"}}
			for _, p := range lib.All() {
				rows = append(rows, []any{p.Name, quantity.FormatPath(p.Up), quantity.FormatPath(p.Down), p.Source})
			}
			return printTable(cmd.OutOrStdout(), rows)
		},
	}
}
