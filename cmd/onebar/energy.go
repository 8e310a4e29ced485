package main

import (
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness/radio"
)

func newEnergy() *cobra.Command {
	var name, uplink string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "energy FILE.pcap[ng]",
		Short: "Compute radio states and joules of a packet capture from a phone",
		Long: `Apply a model of a phone's radio to a packet capture, and report in which states the
radio was, how often it woke up, and how many joules that took. The capture is a pcap
or pcapng file, made on the phone or beside it: Ethernet, raw IP, Linux cooked or BSD
loopback.

Linux cooked frames say which packets the phone sent. In other captures the phone is
the host that opens the TCP connections, or sends UDP to a port below 1024. If this
does not identify the phone, give its address with --uplink.

The models describe handsets of 2008 to 2013. Use their joules to compare captures,
not to predict the battery of a new phone.`,
		Example: `  onebar energy payment.pcap --model energybox-3g
  onebar energy payment.pcapng --model mine.yaml --uplink 10.64.3.17
  onebar models`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := loadModel(name)
			if err != nil {
				return err
			}
			k := radio.NewMachine(m, nil)
			t, err := readCapture(args[0], uplink, k.Packet)
			if err != nil {
				return err
			}
			e := energy{file: args[0], model: m, trip: t, usage: k.Finish()}
			if asJSON {
				return e.json(cmd.OutOrStdout())
			}
			return e.table(cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVarP(&name, "model", "m", "videooptimizer-lte", "a bundled model (see onebar models), or a file such as mine.yaml")
	cmd.Flags().StringVar(&uplink, "uplink", "", "address or prefix of the phone; packets from it are uplink")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

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
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "MODEL\tKIND\tCONFIRMED\tOF\tSOURCE")
			for _, m := range radio.Bundled() {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", m.Name, m.Kind, m.Confirmed, m.Title, m.Source)
			}
			return w.Flush()
		},
	}
}

// loadModel reads a model file if the name looks like one, and a bundled model
// otherwise.
func loadModel(name string) (*radio.Model, error) {
	if ext := filepath.Ext(name); ext != ".yaml" && ext != ".yml" {
		return radio.Lookup(name)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read radio model: %w", err)
	}
	return radio.ReadModel(name, data)
}
