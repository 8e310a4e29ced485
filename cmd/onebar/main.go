// Command onebar answers one question: does your payment survive on one bar of
// signal? It runs payment systems under scripted network impairment, proves that
// no payment was lost or duplicated, and reports what each payment cost.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/reference/cli"
	"github.com/onebar/onebar/reports/format"
)

// version is set by the build.
var version = "dev"

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, cancel) // a second signal ends the program at once
	code := execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	cancel()
	os.Exit(code) //nolint:forbidigo // this is main
}

// exitError is an exit code without a message: the reports have shown the result.
type exitError struct{ code int }

func (e exitError) Error() string { return fmt.Sprintf("exit %d", e.code) }

// exit returns the error that makes code the exit code of the program; for a pass it is
// nil.
func exit(code int) error {
	if code == result.ExitPass {
		return nil
	}
	return exitError{code}
}

// execute runs the program and returns its exit code.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if e, ok := errors.AsType[exitError](err); ok {
		return e.code
	}
	if err == nil {
		return result.ExitPass
	}
	fmt.Fprintf(stderr, "onebar: %s\n", printable(err))
	if ctx.Err() != nil {
		return result.ExitInterrupted
	}
	if e, ok := errors.AsType[*cli.ExitError](err); ok {
		return e.Code
	}
	return result.ExitBroken
}

// printable returns the text of an error for a terminal. An error may quote what a
// server or a program has sent.
func printable(err error) string { return cleaned(strings.TrimRight(err.Error(), "\n")) }

// cleaned returns a text of several lines without control characters.
func cleaned(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = format.Clean(lines[i])
	}
	return strings.Join(lines, "\n")
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "onebar",
		Short: "Does your payment survive on one bar of signal?",
		Long: `onebar runs a payment client and server under scripted latency, jitter, packet
loss, bandwidth and disconnects, proves that no payment was lost or duplicated,
and reports what each payment cost in bytes on the wire and in joules of the radio.

Exit codes: 0 pass, 1 a check or threshold failed, 2 the experiment could not be
carried out, 3 it could not be judged, 130 interrupted. Of several runs, the worst
result sets the code.`,
		Example: `  onebar run tunnel                       # a bundled scenario, by name
  onebar run my-scenario.yaml --seed 7
  onebar run scenarios/ -j 8 --junit junit.xml
  onebar list`,
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(newRun(), newValidate(), newList(), newShow(), newProfiles(), newSchema(), newCheck(),
		newExplore(), newEnergy(), newModels(), newTrace(), newShrink(), newProxy(), newInit(), newDoctor(), newSweep(), newConform(), newBaseline(), newCompare(), newWorker(), newNetns(), newAgree(), cli.Command())
	sayUsage(root)
	return root
}

// sayUsage makes every command with the wrong number of arguments print its usage.
func sayUsage(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		sayUsage(c)
		want := c.Args
		if want == nil || c.HasSubCommands() {
			continue
		}
		c.Args = func(c *cobra.Command, args []string) error {
			if err := want(c, args); err != nil {
				return fmt.Errorf("too few or too many arguments: the command is %s, see %s --help", strings.TrimSuffix(c.UseLine(), " [flags]"), c.CommandPath())
			}
			return nil
		}
	}
}
