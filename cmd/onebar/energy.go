package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness/radio"
	"github.com/onebar/onebar/harness/radio/capture"
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
			report, err := capture.Analyse(args[0], uplink, m)
			if err != nil {
				return err
			}
			if asJSON {
				return report.JSON(cmd.OutOrStdout())
			}
			return report.Table(cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVarP(&name, "model", "m", "videooptimizer-lte", "a bundled model (see onebar models), or a file such as mine.yaml")
	cmd.Flags().StringVar(&uplink, "uplink", "", "address or prefix of the phone; packets from it are uplink")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
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
