package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/doctor"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/scratch"
	"github.com/onebar/onebar/harness/subject"
	"github.com/onebar/onebar/reports"
	"github.com/onebar/onebar/reports/format"
)

func newDoctor() *cobra.Command {
	var out reportFiles
	cmd := &cobra.Command{
		Use:   "doctor SCENARIO",
		Short: "Make one payment without impairment, show each step, and list what the scenario lacks",
		Long: `Make one payment of a scenario over a perfect link. Show each request and answer,
the outcome rule that matched, the outcome that the payer was told, and the posting in
the ledger. Before it, onebar says what it sends. Then list what the scenario lacks, and what to write.

Values from environment variables, such as ${NAME}, are not printed; their names are.`,
		Example: `  onebar doctor shop.yaml
  STRIPE_KEY=sk_test_... onebar doctor stripe.yaml`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeScenarios,
		RunE: func(cmd *cobra.Command, args []string) error {
			return out.guard(cmd, args, func() error {
				c, err := examine(cmd.Context(), cmd.OutOrStdout(), args[0])
				if err != nil {
					return err
				}
				if err := out.write(cmd, reports.Doctor(c), reports.Examined(c)); err != nil {
					return err
				}
				return exit(c.Exit())
			})
		},
	}
	out.flags(cmd)
	return cmd
}

func examine(ctx context.Context, w io.Writer, scenario string) (result.Checkup, error) {
	sc, err := loadOne(scenario)
	if err != nil {
		return result.Checkup{}, err
	}
	if isExternal(sc) {
		one := sc
		one.Workload.Wallets, one.Workload.Merchants = 1, 1
		fmt.Fprintf(w, "doctor %s\n", format.Clean(sends(one, 1)))
		if host := foreignHost(sc); host != "" {
			fmt.Fprintf(w, "onebar run, sweep and conform send more, and need --allow-host %s\n", format.Clean(quote(host)))
		}
		fmt.Fprintln(w)
	}
	folder, err := scratch.Make("")
	if err != nil {
		return result.Checkup{}, err
	}
	b := batch{}
	c, err := doctor.Examine(ctx, sc, doctor.Options{
		Engine: engines()[defaultEngine], Meant: engines()[b.engineOf(sc)], Dir: folder.Path, Version: version,
		Subject: func(trace func(harness.Step)) (harness.Subject, error) { return traced(sc, trace) },
	})
	c.Result.Rerun = itself() + " run " + quote(sc.File)
	return c, errors.Join(err, folder.Remove())
}

// traced returns the subject of a scenario. The parts of an external system report their
// steps to trace.
func traced(sc harness.Scenario, trace func(harness.Step)) (harness.Subject, error) {
	if !isExternal(sc) {
		return newSubject(sc)
	}
	p, err := partsOf(sc)
	if err != nil {
		return nil, err
	}
	p.Trace = trace
	return subject.New(p), nil
}
