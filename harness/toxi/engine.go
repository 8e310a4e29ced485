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

// Supports returns an error that names, with its line, everything the scenario
// asks for that needs packets, and every toxic that is none. A queue limit is
// allowed and has no effect: a stream that is sent too fast waits with its
// sender.
func (Engine) Supports(sc harness.Scenario) error {
	errs := []error{streamable("the scenario's link", sc.Link)}
	for i, e := range sc.Timeline {
		switch {
		case e.Action == harness.SetLink && e.Link != nil:
			errs = append(errs, streamable(where(i, e), *e.Link))
		case e.Action == harness.Rebind || e.Action == harness.CrossTraffic:
			errs = append(errs, fmt.Errorf("%s: %s cannot be done by the toxiproxy engine, which has no network between its sockets; use --engine packet", where(i, e), e.Action))
		case e.When != nil && e.When.Packet > 0:
			errs = append(errs, fmt.Errorf("%s: the toxiproxy engine has no packets to begin an event at; use --engine sim", where(i, e)))
		case e.Vanish:
			errs = append(errs, fmt.Errorf("%s: a side cannot vanish without a word in the toxiproxy engine: the kernel ends its sockets; use --engine packet", where(i, e)))
		}
	}
	return errors.Join(append(errs, sc.CheckToxics())...)
}

// where names event i for a message.
func where(i int, e harness.Event) string {
	if e.Line > 0 {
		return fmt.Sprintf("line %d", e.Line)
	}
	return fmt.Sprintf("event %d of the timeline", i+1)
}

// streamable returns an error if p does something to single packets.
func streamable(place string, p harness.Profile) error {
	var words []string
	for _, d := range []harness.Direction{harness.Up, harness.Down} {
		path := p.Path(d)
		for _, w := range []struct {
			name  string
			share float64
		}{{"loss", path.Loss.Mean()}, {"reorder", path.Reorder}, {"duplicate", path.Duplicate}, {"corrupt", path.Corrupt}} {
			if w.share != 0 {
				words = append(words, fmt.Sprintf("%s of %.3g%% %s", w.name, 100*w.share, d))
			}
		}
		if path.MTU != 0 {
			words = append(words, fmt.Sprintf("an MTU of %d %s", path.MTU, d))
		}
	}
	if len(words) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %s cannot be done by the toxiproxy engine: a byte stream has no packets to lose, "+
		"and bytes dropped from it would be a hole that TCP never leaves; use --engine packet", place, strings.Join(words, " and "))
}

// Open builds a network of loopback sockets. It refuses a topology of more than a server
// and clients: a loopback address does not say which host it is of. The server's listeners are real:
// anything on this machine can dial them, past the link.
func (Engine) Open(ctx context.Context, cfg harness.NetworkConfig) (harness.Network, error) {
	if err := streamable("the profile", cfg.Profile); err != nil {
		return nil, err
	}
	if len(cfg.Hosts)+len(cfg.Links) > 0 {
		return nil, errors.New("the toxiproxy engine has no hosts but the server and the clients, and no links but theirs: " +
			"all its sockets are on the loopback address of this machine, which does not say whose they are; use --engine packet or sim")
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
