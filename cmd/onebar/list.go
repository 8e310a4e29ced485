package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/reports/format"
)

func newList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the bundled scenarios",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			lib := library()
			var all []format.Entry
			for _, f := range bundled() {
				sc, err := loadBundled(strings.TrimSuffix(f, ".yaml"), lib)
				if err != nil {
					return err
				}
				all = append(all, format.Entry{Name: sc.Name, Words: sc.Tags, Lines: []string{sc.Summary}})
			}
			return format.List(cmd.OutOrStdout(), all)
		},
	}
}
