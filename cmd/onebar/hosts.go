package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/exchange"
	"github.com/onebar/onebar/harness/quantity"
	"github.com/onebar/onebar/harness/subject"
	"github.com/onebar/onebar/reports/format"
)

// hosts are the servers outside this machine that a command may send load to.
type hosts []string

// flag gives cmd the flag --allow-host.
func (h *hosts) flag(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar((*[]string)(h), "allow-host", nil,
		"HOST that is not this machine, and whose server you may put under load; repeat it for each")
}

// check returns an error for each scenario that sends load to another host without leave.
func (h hosts) check(list ...harness.Scenario) error {
	var errs []error
	for _, sc := range list {
		if host := foreignHost(sc); host != "" && !slices.Contains(h, host) {
			errs = append(errs, fmt.Errorf("%s: %s; %s is not this machine: if you may test it, add --allow-host %s",
				sc.Name, sends(sc, sc.Workload.Payments), host, quote(host)))
		}
	}
	return errors.Join(errs...)
}

// announce says on w what each scenario is about to send to another host.
func (h hosts) announce(w io.Writer, list ...harness.Scenario) {
	for _, sc := range list {
		if foreignHost(sc) != "" {
			fmt.Fprintf(w, "%s: %s\n", sc.Name, format.Clean(sends(sc, sc.Workload.Payments)))
		}
	}
}

// serverOfOthers returns the host:port of the server of a scenario that onebar does not
// choose, or nothing. A container, a program that is told its port, and the network
// namespaces of clients are on this machine.
func serverOfOthers(sc harness.Scenario) string {
	s := sc.Subject.Server
	if s == nil {
		return ""
	}
	address := s.Address
	if s.Exec != nil {
		address = s.Exec.Address
	}
	address, err := subject.Expand(address, nil)
	if err != nil {
		return "" // the run says which variable is missing
	}
	return address
}

// foreignHost returns the host of the server of a scenario if it is not this machine's
// loopback address, or nothing. A name counts as another host, except for localhost: what
// it stands for can change before a connection is opened.
func foreignHost(sc harness.Scenario) string {
	host, _, err := net.SplitHostPort(serverOfOthers(sc))
	if err != nil || host == "" || strings.EqualFold(host, "localhost") {
		return ""
	}
	if a, err := netip.ParseAddr(host); err == nil && a.Unmap().IsLoopback() {
		return ""
	}
	return host
}

// sends says what a run of a scenario sends to its server.
func sends(sc harness.Scenario, payments int) string {
	w := sc.Workload
	text := "sends " + harness.Plural(payments, "payment")
	if payments > 1 && w.Rate > 0 {
		text += " at " + quantity.FormatFrequency(w.Rate)
	}
	text += " of " + quantity.FormatAmounts(w.AmountMin, w.AmountMax, w.Currency)
	if n := setupRequests(sc); n > 0 {
		text += " and " + harness.Plural(n, "set-up request")
	}
	if c := sc.Subject.Client; c != nil && c.HTTP != nil && c.HTTP.Retry.Attempts != 1 {
		text += ", with further attempts as client.http.retry says,"
	}
	return text + " to " + cmp.Or(serverOfOthers(sc), "the server that it starts")
}

// setupRequests returns how many set-up requests a run of a scenario sends.
func setupRequests(sc harness.Scenario) (n int) {
	c := sc.Subject.Client
	if c == nil || c.HTTP == nil {
		return 0
	}
	for _, s := range c.HTTP.Setup {
		switch s.For {
		case exchange.PerWallet:
			n += sc.Workload.Wallets
		case exchange.PerMerchant:
			n += sc.Workload.Merchants
		default:
			n++
		}
	}
	return n
}
