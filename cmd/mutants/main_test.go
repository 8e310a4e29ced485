package main

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// Names of mutants are arguments, and not commands.
func TestNames(t *testing.T) {
	t.Chdir("../..")
	for arg, want := range map[string]string{
		"nothing":       `harness/mutants/corpus holds no mutant "nothing"`,
		"--shard=3/2":   `--shard "3/2": expected i/n`,
		"--shard=a-few": `--shard "a-few": expected i/n`,
	} {
		code := 0
		cmd := gate{}.command(&code)
		cmd.AddCommand(newHunt(), newWorker())
		cmd.SetArgs([]string{arg})
		cmd.SetOut(io.Discard)
		require.ErrorContains(t, cmd.Execute(), want)
	}
}
