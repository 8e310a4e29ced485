// Package bench is where tests of a network run: an engine and the network that it has
// opened, with what such tests do over and over. The suite of package enginetest runs on
// it, and so do an engine's own tests.
package bench

import (
	"context"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
)

// B is where a test runs: an engine, and the network it has opened.
type B struct {
	*require.Assertions
	T      testing.TB
	Engine harness.Engine

	Virtual bool // the test runs in a bubble of testing/synctest: times are exact
	Streams bool // the engine carries byte streams only: its connections are the kernel's

	Timeout time.Duration // bounds what must happen; a passing test never waits it out
	Quiet   time.Duration // in which nothing may happen
	Delay   time.Duration // of a link that has one, each way

	Net      harness.Network
	Packets  *Log         // of Net
	Listener net.Listener // of the server
}

// New returns a bench without a network.
func New(tb testing.TB, e harness.Engine) *B {
	tb.Helper()
	b := &B{
		Assertions: require.New(tb), T: tb, Engine: e, Timeout: 30 * time.Second, Quiet: 250 * time.Millisecond, Delay: 10 * time.Millisecond,
		Virtual: e.Abilities().Has(harness.VirtualTime), Streams: !e.Abilities().Has(harness.CarryPackets),
	}
	if b.Virtual {
		b.Timeout, b.Quiet, b.Delay = time.Hour, 15*time.Second, 150*time.Millisecond
	}
	return b
}

// Open opens the network of the test, with a listener of the server. Start, Packets
// and Toxics of c are set, and there is at least one client.
func (b *B) Open(c harness.NetworkConfig) {
	b.T.Helper()
	b.Packets = new(Log)
	c.Start, c.Packets, c.Toxics, c.Clients = time.Now(), b.Packets, b.Engine.Abilities().Has(harness.PutToxics), max(c.Clients, 1)
	var err error
	b.Net, err = b.Engine.Open(b.T.Context(), c)
	b.NoError(err)
	b.T.Cleanup(func() { b.NoError(b.Net.Close()) })
	b.Listener, err = b.Net.Server().Listen(b.T.Context(), "tcp", ":0")
	b.NoError(err)
}

// Addr is where the server listens.
func (b *B) Addr() string { return b.Listener.Addr().String() }

// Link is a profile whose links delay and do nothing else.
func Link(delay time.Duration) harness.Profile { return Both(harness.Path{Delay: delay}) }

// Both is a profile that does the same both ways.
func Both(p harness.Path) harness.Profile { return harness.Profile{Up: p, Down: p} }

// Dial connects a host to an address.
func (b *B) Dial(h harness.Host, address string) net.Conn {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(b.T.Context(), b.Timeout)
	defer cancel()
	c, err := h.DialContext(ctx, "tcp", address)
	b.NoError(err)
	b.Own(c)
	return c
}

// Own gives a connection a deadline, and closes it at the end of the test.
func (b *B) Own(c net.Conn) {
	b.T.Helper()
	b.NoError(c.SetDeadline(time.Now().Add(b.Timeout)))
	b.T.Cleanup(func() { c.Close() })
}

// Connect connects client i to the server and returns both ends.
func (b *B) Connect(i int) (client, server net.Conn) {
	b.T.Helper()
	client = b.Dial(b.Net.Client(i), b.Addr())
	server, err := b.Listener.Accept()
	b.NoError(err)
	b.Own(server)
	return client, server
}

// Echo has the server answer every connection with what it gets, until the network is
// closed.
func (b *B) Echo() { b.EchoAt(b.Listener) }

// EchoAt is Echo for a listener of any host.
func (b *B) EchoAt(l net.Listener) { Echo(b.T, b.Net, l) }

// Exchange sends bytes to an echo and reads them back. It returns how long that took.
func (b *B) Exchange(c net.Conn, size int) time.Duration {
	b.T.Helper()
	return Exchange(b.T, c, size)
}

// Silent requires that c has nothing to read for a while.
func (b *B) Silent(c net.Conn) {
	b.T.Helper()
	b.NoError(c.SetReadDeadline(time.Now().Add(b.Quiet)))
	n, err := c.Read(make([]byte, 1))
	b.Zero(n)
	b.ErrorIs(err, os.ErrDeadlineExceeded)
	var timeout net.Error
	b.ErrorAs(err, &timeout)
	b.True(timeout.Timeout())
	b.NoError(c.SetReadDeadline(time.Now().Add(b.Timeout)))
}

// Inject begins a fault.
func (b *B) Inject(f harness.Fault) (end func() int64) {
	b.T.Helper()
	end, err := b.Net.Inject(f)
	b.NoError(err)
	return end
}

// Eventually waits until something is so.
func (b *B) Eventually(so func() bool) {
	b.T.Helper()
	for begin := time.Now(); !so(); time.Sleep(time.Millisecond) {
		b.Less(time.Since(begin), b.Timeout)
	}
}

// Short skips the rest of a test that takes over a second of real time.
func (b *B) Short() {
	b.T.Helper()
	if testing.Short() && !b.Virtual {
		b.T.Skip("takes over a second of real time")
	}
}
