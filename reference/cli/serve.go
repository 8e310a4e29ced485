package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/onebar/onebar/reference/bank"
	"github.com/onebar/onebar/reference/channel/noise"
	"github.com/onebar/onebar/reference/channel/server"
)

// closing bounds how long an interrupted bank answers the requests that it has already read.
const closing = 1500 * time.Millisecond

// limits bound the resources of wallets and unknown peers at a bank that serves.
//
// Three bounds are not flags, because they depend on this program and not on the
// wallets it serves. Every request fits noise.ServerConfig.MaxRequest until the
// protocol changes. LedgerConfig.Queue bounds the memory of requests that wait, and
// LedgerConfig.MaxBatch the length of one transaction.
type limits struct {
	conns  server.Config      // its limits only
	stream noise.ServerConfig // its time-outs only
	ledger bank.LedgerConfig  // its MaxRefused only
}

type bound[T int | time.Duration] struct {
	value *T
	name  string
	def   T
	usage string
}

func (l *limits) counts() []bound[int] {
	c := &l.conns
	return []bound[int]{
		{&c.MaxConns, "max-connections", server.DefaultMaxConns, "connections at the same time; one more closes the connection that has been silent longest"},
		{&c.MaxPerAddress, "max-per-address", server.DefaultMaxPerAddress, "connections from one IPv4 address or one IPv6 /64 network; many phones of a carrier can share one"},
		{&c.MaxPerWallet, "max-per-wallet", server.DefaultMaxPerWallet, "connections of one wallet; one more closes its oldest"},
		{&c.Outstanding, "max-outstanding", server.DefaultOutstanding, "requests of one connection that wait for their answers at the same time; the bank reads further requests later"},
		{&l.ledger.MaxRefused, "max-refused", bank.DefaultMaxRefused, "refused payments that the bank remembers for one wallet; beyond that it answers \"busy\" instead of refusing"},
	}
}

func (l *limits) durations() []bound[time.Duration] {
	c := &l.stream
	return []bound[time.Duration]{
		{&c.HandshakeTimeout, "handshake-timeout", noise.DefaultHandshakeTimeout, "maximum time from the connection to the end of its first request"},
		{&c.IdleTimeout, "idle-timeout", noise.DefaultIdleTimeout, "maximum time between two requests of a connection"},
		{&c.FrameTimeout, "frame-timeout", noise.DefaultFrameTimeout, "maximum time from the first to the last byte of a request, after the first request"},
		{&c.WriteTimeout, "write-timeout", noise.DefaultWriteTimeout, "maximum time to write an answer, and so how long a wallet can stop reading"},
	}
}

func (l *limits) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	for _, c := range l.counts() {
		f.IntVar(c.value, c.name, c.def, c.usage)
	}
	for _, d := range l.durations() {
		f.DurationVar(d.value, d.name, d.def, d.usage)
	}
}

// check returns every mistake in the flags.
func (l *limits) check() error {
	var errs []error
	for _, c := range l.counts() {
		if *c.value < 1 {
			errs = append(errs, fmt.Errorf("--%s %d: it must be 1 or more", c.name, *c.value))
		}
	}
	for _, d := range l.durations() {
		if *d.value <= 0 {
			errs = append(errs, fmt.Errorf("--%s %v: it must be more than 0, such as %v", d.name, *d.value, d.def))
		}
	}
	return errors.Join(errs...)
}

func bankServe() *cobra.Command {
	var dir, listen string
	var l limits
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve wallets until interrupted",
		Long: `Serve wallets until interrupted. When a limit on connections is reached, the bank
accepts a new connection and closes an old one: the longest silent connection that has
never sent a valid request, else the longest silent one that waits for no answer. It
refuses the new connection only if there is no such old one.`,
		Example: `  onebar reference bank serve --dir bank
  onebar reference bank serve --dir bank --listen 0.0.0.0:7400   # for other machines too
  onebar reference bank serve --dir bank --max-connections 20000 --max-per-address 1000`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if err := l.check(); err != nil {
				return err
			}
			log := logTo(c.ErrOrStderr())
			l.ledger.Log = log
			b, err := open(dir, l.ledger)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, b.Close()) }()
			if err := audited(dir, verify); err != nil {
				return err
			}
			var lc net.ListenConfig
			ln, err := lc.Listen(c.Context(), "tcp", listen)
			if err != nil {
				return fmt.Errorf("%w: choose another address with --listen", err)
			}
			if _, err := fmt.Fprintf(c.OutOrStdout(), "listening on %s, until interrupted\n", ln.Addr()); err != nil {
				return errors.Join(err, ln.Close())
			}
			return serve(c.Context(), b, ln, l, log)
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "folder of the bank")
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:7400", "TCP address to serve on; port 0 picks one")
	l.flags(c)
	return require(c, "dir")
}

// serve serves wallets until ctx ends, which is no error.
func serve(ctx context.Context, b *openBank, ln net.Listener, l limits, log *slog.Logger) error {
	cfg := l.conns
	cfg.Service, cfg.Log = b.Ledger, log
	l.stream.Static, l.stream.Receipts, l.stream.Identify = b.static, b.receipts, b.Identify
	cfg.Wrap = func(c net.Conn) server.Conn { return noise.Server(c, l.stream) }
	sv := server.New(cfg)
	ended := make(chan error, 1)
	go func() { ended <- sv.Serve(context.WithoutCancel(ctx), ln) }()
	select {
	case err := <-ended:
		sv.Kill()
		return err
	case err := <-b.Failed():
		sv.Kill()
		return fmt.Errorf("%w: start the bank again", err)
	case <-ctx.Done():
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	if err := sv.Shutdown(late); err != nil {
		log.Warn("not every answer could be sent; wallets will ask again", "error", err)
	}
	if err := <-ended; !errors.Is(err, server.ErrClosed) {
		return err
	}
	return nil
}
