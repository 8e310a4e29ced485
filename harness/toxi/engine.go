package toxi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/onebar/onebar/harness"
)

// Engine is the toxiproxy engine. The zero Engine is ready for use.
type Engine struct{}

// Name returns "toxiproxy".
func (Engine) Name() string { return "toxiproxy" }

// Payload returns true: the engine sees byte streams, not packets.
func (Engine) Payload() bool { return true }

// Supports returns an error that names, with its line, every loss the scenario
// asks for and every toxic that is none. A queue limit is allowed and has no
// effect: a stream that is sent too fast waits with its sender.
func (Engine) Supports(sc harness.Scenario) error {
	errs := []error{lossless("the scenario's link", sc.Link)}
	for i, e := range sc.Timeline {
		if e.Action == harness.SetLink && e.Link != nil {
			errs = append(errs, lossless(where(i, e), *e.Link))
		}
	}
	return errors.Join(append(errs, checkToxics(sc))...)
}

// lossless returns an error if p loses packets.
func lossless(place string, p harness.Profile) error {
	var words []string
	for _, d := range []harness.Direction{harness.Up, harness.Down} {
		if l := p.Path(d).Loss; l.P != 0 || l.GE != nil {
			words = append(words, fmt.Sprintf("%.3g%% %s", 100*l.Mean(), d))
		}
	}
	if len(words) == 0 {
		return nil
	}
	return fmt.Errorf("%s: loss of %s cannot be done by the toxiproxy engine: a byte stream has no packets to lose, "+
		"and bytes dropped from it would be a hole that TCP never leaves; use --engine packet", place, strings.Join(words, " and "))
}

// Open builds a network of loopback sockets. The server's listeners are real:
// anything on this machine can dial them, past the link.
func (Engine) Open(ctx context.Context, cfg harness.NetworkConfig) (harness.Network, error) {
	if err := lossless("the profile", cfg.Profile); err != nil {
		return nil, err
	}
	if cfg.Start.IsZero() {
		cfg.Start = time.Now()
	}
	b, err := newBoard(ctx)
	if err != nil {
		return nil, err
	}
	n := &network{cfg: cfg, board: b, profile: cfg.Profile}
	n.ctx, n.cancel = context.WithCancel(context.WithoutCancel(ctx))
	n.publish()
	n.clients = make([]*client, cfg.Clients)
	for i := range n.clients {
		n.clients[i] = newClient(n, i)
	}
	return n, nil
}
