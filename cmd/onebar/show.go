package main

import (
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/scenarios"
)

func newShow() *cobra.Command {
	return &cobra.Command{
		Use:               "show NAME",
		Short:             "Print a bundled scenario, as a start for your own",
		Example:           `  onebar show tunnel > my-tunnel.yaml`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete(scenarioNames, cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := fs.ReadFile(scenarios.FS, args[0]+".yaml")
			if err != nil {
				return fmt.Errorf("no bundled scenario is named %q: %s", args[0], meant(args[0], scenarioNames(), "list"))
			}
			_, err = cmd.OutOrStdout().Write(data)
			return err
		},
	}
}
