package main

import (
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/harness/packet"
	"github.com/onebar/onebar/harness/proxy"
	"github.com/onebar/onebar/harness/proxy/console"
	"github.com/onebar/onebar/harness/quantity"
	"github.com/onebar/onebar/harness/toxi/control"
)

// manual is the command line of onebar proxy.
type manual struct {
	listen, upstream, profile, api string
	seed                           uint64
	every                          time.Duration
}

func newProxy() *cobra.Command {
	var m manual
	cmd := &cobra.Command{
		Use:   "proxy --upstream HOST:PORT",
		Short: "Run an impaired link alone, for manual tests with a phone or an emulator",
		Long: `Listen for connections, and forward each over an impaired link to an upstream
server. Nothing is judged. Once a second onebar prints what the link does. On a
terminal, keys change the link.

With --api, onebar runs toxiproxy with its HTTP API in front of the link. Clients of
toxiproxy find one proxy, named onebar, and can add toxics to it as usual. A toxic of
type link with the attribute profile changes the profile of the link.`,
		Example: `  onebar proxy --upstream api.example.com:443 --profile edge
  onebar proxy --listen 0.0.0.0:8443 --upstream 127.0.0.1:443 --profile 2g-rural
  onebar proxy --upstream 127.0.0.1:8080 --api 127.0.0.1:8474`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return m.run(cmd) },
	}
	f := cmd.Flags()
	f.StringVar(&m.listen, "listen", ":8443", "HOST:PORT to listen on; :PORT accepts connections from this machine only")
	f.StringVar(&m.upstream, "upstream", "", "HOST:PORT of the real server")
	f.StringVar(&m.profile, "profile", "edge", "first profile of the link, see onebar profiles")
	f.StringVar(&m.api, "api", "", "HOST:PORT for toxiproxy's HTTP API (default: no API)")
	f.Uint64Var(&m.seed, "seed", 1, "seed of every random decision")
	f.DurationVar(&m.every, "every", time.Second, "how often to print the figures")
	must(cmd.MarkFlagRequired("upstream"))
	return cmd
}

func (m *manual) run(cmd *cobra.Command) error {
	lib := library()
	profile, err := console.Find(lib, m.profile)
	if err != nil {
		return fmt.Errorf("--profile: %w", err)
	}
	if _, _, err := net.SplitHostPort(m.upstream); err != nil {
		return fmt.Errorf("--upstream %q: expected HOST:PORT, such as api.example.com:443", m.upstream)
	}
	if m.every < 100*time.Millisecond {
		return fmt.Errorf("--every %v: expected at least 100ms", m.every)
	}
	config := proxy.Config{
		Engine: packet.Engine{}, Listen: local(m.listen), Upstream: m.upstream, Profile: profile, Seed: m.seed,
	}
	if m.api != "" {
		config.Listen = "127.0.0.1:0" // toxiproxy has the address of --listen
	}
	p, err := proxy.Start(cmd.Context(), config)
	if err != nil {
		return fmt.Errorf("%w: give another --listen if the port is taken", err)
	}
	defer func() { _ = p.Close() }() // it ends by resetting connections
	c := console.New(p, lib, m.profile, cmd.OutOrStdout())
	listens := p.Addr()
	if m.api != "" {
		api, err := control.New(cmd.Context(), control.Config{
			API: local(m.api), Name: "onebar", Listen: local(m.listen), Upstream: m.upstream, Dial: p.Addr(), Profile: c.Choose,
		})
		if err != nil {
			return err
		}
		defer func() { _ = api.Close() }()
		listens = api.Addr()
		c.Say("toxiproxy's API on %s, proxy onebar", api.API())
	}
	c.Say("listens on %s, upstream %s, profile %s (%s up, %s down)",
		listens, m.upstream, m.profile, quantity.FormatPath(profile.Up), quantity.FormatPath(profile.Down))
	return c.Watch(cmd.Context(), cmd.InOrStdin(), m.every)
}

// local puts this machine's loopback address before a bare port.
func local(address string) string {
	if strings.HasPrefix(address, ":") {
		return "127.0.0.1" + address
	}
	return address
}
