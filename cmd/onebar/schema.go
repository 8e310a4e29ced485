package main

import (
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/scenarios"
)

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of scenario files, for editors",
		Example: `  onebar schema > onebar.schema.json`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			data, err := fs.ReadFile(scenarios.FS, scenarios.SchemaFile)
			if err != nil {
				return fmt.Errorf("read the schema: %w", err)
			}
			_, err = cmd.OutOrStdout().Write(data)
			return err
		},
	}
}
