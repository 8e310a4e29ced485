package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/delivery"
	"github.com/onebar/onebar/harness/quantity"
	"github.com/onebar/onebar/harness/result"
	"github.com/onebar/onebar/harness/trace"
	"github.com/onebar/onebar/reports/format"
	"github.com/onebar/onebar/scenarios"
)

func newTrace() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trace",
		Short: "Inspect delivery traces",
		Long: `A delivery trace records how much data a radio link could carry at each moment. A
scenario file can use a trace instead of a rate:

  link: {profile: umts, up: {trace: bus-up}, down: {trace: my/recording.txt}}`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTraceGenerate(), newTraceShow())
	return cmd
}

func newTraceGenerate() *cobra.Command {
	r := trace.Recipe{Seed: 1, Length: trace.MinLength}
	var direction string
	cmd := &cobra.Command{
		Use:    "generate KIND --direction up|down",
		Short:  "Generate a synthetic trace from published statistics",
		Hidden: true, // the bundled traces were made with it: see docs/scenarios.md
		Long: `Generate a synthetic trace. With the same seed, the traces up and down stall at the
same moments. docs/scenarios.md lists the measurements that each kind follows.

Kinds:
` + kindsOfTraces(),
		Example:   `  onebar trace generate bus --seed 7 --direction up > bus-7-up.trace`,
		Args:      cobra.ExactArgs(1),
		ValidArgs: kindNames(),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.Kind = args[0]
			if err := r.Direction.UnmarshalText([]byte(direction)); err != nil || r.Direction == harness.DirectionUnknown {
				return fmt.Errorf("--direction %q: expected up or down", direction)
			}
			s, err := trace.Generate(r)
			if err != nil {
				return fmt.Errorf("generate a trace: %w; expected one of the kinds %s, and a length of whole seconds", err, strings.Join(kindNames(), ", "))
			}
			w := cmd.OutOrStdout()
			fmt.Fprintf(w, "# onebar trace generate %s --seed %d --direction %v --length %v\n# seconds Mbit/s\n", r.Kind, r.Seed, r.Direction, quantity.FormatDuration(r.Length))
			_, err = w.Write(s.Text())
			return err
		},
	}
	f := cmd.Flags()
	f.Uint64Var(&r.Seed, "seed", r.Seed, "seed of every random decision")
	f.StringVar(&direction, "direction", "", "up (client to server) or down")
	f.DurationVar(&r.Length, "length", r.Length, "length of the trace; it then repeats")
	must(cmd.MarkFlagRequired("direction"))
	must(cmd.RegisterFlagCompletionFunc("direction", cobra.FixedCompletions([]string{"up", "down"}, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

func kindNames() []string {
	var names []string
	for _, k := range trace.Kinds() {
		names = append(names, k[0])
	}
	return names
}

func kindsOfTraces() string {
	var b strings.Builder
	for _, k := range trace.Kinds() {
		fmt.Fprintf(&b, "  %-10s %s\n", k[0], k[1])
	}
	return strings.TrimRight(b.String(), "\n")
}

func newTraceShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show FILE",
		Short: "Print the rate and the stalls of a trace",
		Long: `Print the form, the period, the mean rate and the stalls of a trace. A stall is a
gap between two delivery opportunities, or a time with rate 0. FILE is a trace file
or the name of a bundled trace.`,
		Example: `  onebar trace show bus-up`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := openTrace(args[0])
			if mistakes, ok := errors.AsType[trace.Mistakes](err); ok {
				for _, m := range mistakes {
					fmt.Fprintf(cmd.ErrOrStderr(), "%s:%d: %s\n", args[0], m.Line, m.Text)
				}
				return exitError{result.ExitBroken}
			}
			if err != nil {
				return fmt.Errorf("read trace: %w", err)
			}
			return showTrace(cmd.OutOrStdout(), args[0], s)
		},
	}
}

// openTrace reads a file, or a bundled trace if name is a plain word.
func openTrace(name string) (trace.Series, error) {
	if strings.ContainsAny(name, `./\`) {
		return trace.Load(name)
	}
	data, err := scenarios.FS.ReadFile("traces/" + name + ".trace")
	if err != nil {
		return trace.Series{}, fmt.Errorf("no bundled trace is named %q; a file is written with its dot or folder, such as ./%s", name, name)
	}
	return trace.Parse(data)
}

func showTrace(out io.Writer, name string, s trace.Series) error {
	t, err := s.Trace(name)
	if err != nil {
		return fmt.Errorf("read trace %s: %w", name, err)
	}
	form := fmt.Sprintf("seconds and Mbit/s, %d steps", len(s.Rates))
	if s.Rates == nil {
		form = fmt.Sprintf("mahimahi, %d opportunities of %d bytes", len(s.Opportunities), delivery.OpportunitySize)
	}
	row := func(name, text string) format.Entry { return format.Entry{Name: name, Words: []string{text}} }
	rows := []format.Entry{
		row("form", form),
		row("period", quantity.FormatDuration(t.Period())),
		row("mean rate", fmt.Sprintf("%.0f kbit/s", float64(t.Rate())/1e3)),
		row("longest stall", quantity.FormatDuration(s.Stalls(0).Longest)),
	}
	for _, over := range []time.Duration{500 * time.Millisecond, time.Second} {
		st := s.Stalls(over)
		rows = append(rows, row("stalls over "+quantity.FormatDuration(over), fmt.Sprintf("%d, %.2f a minute, median %s, longest %s, %.1f%% of the time", st.Count,
			float64(st.Count)/t.Period().Minutes(), quantity.FormatDuration(st.Median), quantity.FormatDuration(st.Longest), 100*st.Total.Seconds()/t.Period().Seconds())))
	}
	return format.List(out, rows)
}
