package subject

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/onebar/onebar/harness/sut"
)

// Probe waits until a server that has just been started answers.
type Probe struct {
	Ready   sut.Ready
	Address string                 // host:port
	Open    time.Duration          // how long a connection must stay open to count; 0 is 50 ms
	Printed func(text string) bool // whether it has printed a line with this text
	Died    func() error           // how it ended; nil while it runs
	Said    func() string          // what it printed last, for messages
}

// The times of a probe.
const (
	probeWithin = 30 * time.Second      // unless the scenario says otherwise
	probeEvery  = 10 * time.Millisecond // pause between two attempts
	probeLimit  = 2 * time.Second       // time limit of an attempt
	probeOpen   = 50 * time.Millisecond // see Probe.Open
)

// Await returns when the server answers, or an error that says why it does not.
func (p Probe) Await(ctx context.Context) error {
	within := cmp.Or(p.Ready.Within, probeWithin)
	end := time.Now().Add(within)
	bounded, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	var last error // of the last attempt that was not interrupted
	for {
		err := p.attempt(bounded)
		if err == nil && p.Died() == nil { // otherwise another process has answered
			return nil
		}
		if last == nil || time.Now().Before(end) {
			last = err
		}
		if err := p.Died(); err != nil {
			return fmt.Errorf("not ready: %w", err)
		}
		select {
		case <-tick.C:
		case <-bounded.Done():
			if err := ctx.Err(); err != nil {
				return err
			}
			return fmt.Errorf("not ready within %v: %w; %s", within, last, p.Said())
		}
	}
}

func (p Probe) attempt(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	switch {
	case p.Ready.Line != "":
		if !p.Printed(p.Ready.Line) {
			return fmt.Errorf("it has printed no line with %q", p.Ready.Line)
		}
		return nil
	case p.Ready.HTTP != "":
		return p.get(ctx)
	}
	return p.connect(ctx)
}

// get expects the HTTP status that says ready.
func (p Probe) get(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Address+p.Ready.HTTP, http.NoBody)
	if err != nil {
		return err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16)) // an incomplete body does not matter
	good := res.StatusCode == p.Ready.Status
	if p.Ready.Status == 0 {
		good = res.StatusCode >= 200 && res.StatusCode < 300
	}
	if !good {
		return fmt.Errorf("GET %s answered %s", p.Ready.HTTP, res.Status)
	}
	return nil
}

// connect expects a connection that stays open: Docker's proxy of a port accepts a
// connection before the server listens, and closes it again.
func (p Probe) connect(ctx context.Context) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", p.Address)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetReadDeadline(time.Now().Add(cmp.Or(p.Open, probeOpen))); err != nil {
		return err
	}
	if _, err := c.Read(make([]byte, 1)); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("it accepts connections at %s and closes them at once", p.Address)
	}
	return nil
}

// Ports of servers are above the ports of common services, and below the ports that
// systems use for outgoing connections (from 32768 in Linux, see ip_local_port_range in
// ip(7), and from 49152 in other systems, RFC 6335).
const firstPort, endPort = 10_000, 32_768

// ports counts the ports that this process has used.
//
//nolint:gochecknoglobals // all runs of a process share the ports of the machine
var ports atomic.Uint32

// FreePort returns a TCP port of loopback that was free a moment ago. No outgoing
// connection will use it, not even while its server is down. FreePort does not return
// it again for thousands of calls.
func FreePort(ctx context.Context) (int, error) {
	const apart = 997 // between the first ports of two processes with consecutive ids
	for range endPort - firstPort {
		n := ports.Add(1) + apart*uint32(os.Getpid())
		port := firstPort + int(n%(endPort-firstPort))
		if ctx.Err() != nil || !Taken(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(port))) {
			return port, context.Cause(ctx)
		}
	}
	return 0, fmt.Errorf("find a free port: all from %d to %d are taken", firstPort, endPort-1)
}

// Taken reports whether a process listens at an address. It dials the address. To listen
// there instead could block the address for a while: a program that is started at that
// moment inherits the socket until it is executed.
func Taken(ctx context.Context, address string) bool {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}
