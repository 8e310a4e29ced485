package main

import (
	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness/quantity"
	"github.com/onebar/onebar/reports/format"
)

func newProfiles() *cobra.Command {
	return &cobra.Command{
		Use:   "profiles",
		Short: "List the bundled network profiles and their sources",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var all []format.Entry
			for _, p := range library().All() {
				path, down := quantity.FormatPath(p.Up), quantity.FormatPath(p.Down)
				if path != down {
					path = "up " + path + "; down " + down
				}
				all = append(all, format.Entry{Name: p.Name, Words: []string{path}, Lines: []string{p.Source}})
			}
			return format.List(cmd.OutOrStdout(), all)
		},
	}
}
