package subject

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/onebar/onebar/harness"
)

// AddressServer is a server that is there already, at its host:port. Whatever it
// speaks passes through untouched, TLS included. It cannot crash.
type AddressServer string

// addressWithin is how long a server that should be there has to take a connection.
const addressWithin = 5 * time.Second

// Start implements Server: it makes sure that somebody is there.
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

// Close implements Server: the server is left alone.
func (AddressServer) Close() error { return nil }

// NoLedger is the ledger of a system whose bookings are out of reach. What needs
// them is not judged.
type NoLedger struct{}

// Read implements Ledger. It returns harness.ErrNoLedger.
func (NoLedger) Read(context.Context, *Env) (harness.Ledger, error) {
	return harness.Ledger{}, harness.ErrNoLedger
}

// Close implements Ledger.
func (NoLedger) Close() error { return nil }
