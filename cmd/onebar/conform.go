package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/scratch"
	"github.com/onebar/onebar/harness/subject/httpapi/conform"
	"github.com/onebar/onebar/reports"
	"github.com/onebar/onebar/reports/outcome"
)

func newConform() *cobra.Command {
	var late time.Duration
	var allowed hosts
	var out reportFiles
	cmd := &cobra.Command{
		Use:   "conform SCENARIO",
		Short: "Test how a payment API handles idempotency keys",
		Long: `Make payments at the HTTP endpoint of a scenario, without impairment, and test its
idempotency keys: the same request again, at once and much later, another request with
the same key, several requests at once, a request after an error of the server, and a
request after its connection was cut inside the request, after the request, or before
the answer. A server that a test kills is started again, if onebar can start it; what
was seen until then counts.

onebar compares the answers with the documented behaviour of the preset that the
scenario's client names. Whatever the preset, no payer may be charged twice or not at
all.`,
		Example:           `  STRIPE_KEY=sk_test_... onebar conform stripe.yaml`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeScenarios,
		RunE: func(cmd *cobra.Command, args []string) error {
			return out.guard(cmd, args, func() error {
				if late < 0 {
					return fmt.Errorf("--late %v: expected no negative duration", late)
				}
				c, err := runConform(cmd.Context(), args[0], late, allowed)
				if err != nil {
					return err
				}
				if err := out.write(cmd, reports.Conform(c), outcome.Conformed(c)); err != nil {
					return err
				}
				return exit(c.Exit())
			})
		},
	}
	cmd.Flags().DurationVar(&late, "late", lateRepeat, "repeat one request at least this long after it was sent first")
	allowed.flag(cmd)
	out.flags(cmd)
	return cmd
}

// lateRepeat is the default of --late. Keys are to be kept for as long as a client may
// attempt the payment again, which is often longer: give --late for that.
const lateRepeat = 10 * time.Second

func runConform(ctx context.Context, scenario string, late time.Duration, allowed hosts) (result.Conformance, error) {
	sc, err := loadOne(scenario)
	if err != nil {
		return result.Conformance{}, err
	}
	if !isExternal(sc) {
		return result.Conformance{}, fmt.Errorf("%s: expected a scenario with an external system: client http, a server and a ledger", scenario)
	}
	if err := allowed.check(sc); err != nil {
		return result.Conformance{}, err
	}
	parts, err := partsOf(sc)
	if err != nil {
		return result.Conformance{}, err
	}
	folder, err := scratch.Make("")
	if err != nil {
		return result.Conformance{}, err
	}
	probes, err := conform.Run(ctx, parts, sc, conform.Options{Dir: folder.Path, Late: late})
	if err = errors.Join(err, folder.Remove()); err != nil {
		return result.Conformance{}, fmt.Errorf("%s: %w", scenario, err)
	}
	return result.Conformance{Version: result.ConformanceVersion, Onebar: version, Scenario: sc.Name, File: sc.File, Probes: probes}, nil
}
