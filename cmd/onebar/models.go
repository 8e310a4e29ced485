package main

import (
	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness/radio"
	"github.com/onebar/onebar/reports/format"
)

func newModels() *cobra.Command {
	return &cobra.Command{
		Use:   "models [NAME]",
		Short: "List the bundled radio models, or print the file of one",
		Long: `List the bundled radio models: what each describes, the source of its numbers, and
whether the numbers were confirmed in that source: yes, recalled (from memory of the
source) or weak (derived from it). With a NAME, print the file of that model, as a
start for your own.`,
		Example: `  onebar models
  onebar models energybox-3g > mine.yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				if _, err := radio.Lookup(args[0]); err != nil {
					return err
				}
				_, err := cmd.OutOrStdout().Write(radio.Source(args[0]))
				return err
			}
			var all []format.Entry
			for _, m := range radio.Bundled() {
				all = append(all, format.Entry{Name: m.Name, Words: []string{m.Kind, "confirmed: " + m.Confirmed.String()}, Lines: []string{m.Title, m.Source}})
			}
			return format.List(cmd.OutOrStdout(), all)
		},
	}
}
