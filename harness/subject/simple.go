package subject

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/onebar/onebar/harness"
)

// AddressServer is a server that already runs, at its host:port. Its bytes pass
// unchanged, TLS included. Onebar cannot crash it.
type AddressServer string

// addressWithin is how long the server has to accept a connection.
const addressWithin = 5 * time.Second

// Start implements Server: it checks that the server accepts a connection.
func (s AddressServer) Start(ctx context.Context, _ *Env) (string, error) {
	address, err := Expand(string(s), nil)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, addressWithin)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return "", fmt.Errorf("nobody answers at %s: %w; start the server, or give its address", address, err)
	}
	return address, c.Close()
}

// Close implements Server: it does not stop the server.
func (AddressServer) Close() error { return nil }

// NoLedger is the ledger of a system whose bookings cannot be read. Checks that need
// bookings are not judged.
type NoLedger struct{}

// Read implements Ledger. It returns harness.ErrNoLedger.
func (NoLedger) Read(context.Context, *Env) (harness.Ledger, error) {
	return harness.Ledger{}, harness.ErrNoLedger
}

// Close implements Ledger.
func (NoLedger) Close() error { return nil }
