package main

import (
	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness/subject/netns"
)

// newNetns returns the hidden command that runs in the network namespace of a client.
func newNetns() *cobra.Command {
	return &cobra.Command{
		Use:                netns.Command,
		Short:              "Execute a program in this network namespace",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE:               func(_ *cobra.Command, args []string) error { return netns.Enter(args) },
	}
}
