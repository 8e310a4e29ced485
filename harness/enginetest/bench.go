package enginetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/harness"
)

// bench is where a test runs: an engine, and the network it has opened.
type bench struct {
	*require.Assertions
	Config
	t *testing.T

	patience time.Duration // bounds what must happen; a passing test never waits it out
	quiet    time.Duration // in which nothing may happen
	delay    time.Duration // of a link that has one, each way

	net      harness.Network
	packets  *log
	listener net.Listener // of the server
}

func newBench(t *testing.T, c Config) *bench {
	t.Helper()
	b := &bench{Assertions: require.New(t), Config: c, t: t, patience: 30 * time.Second, quiet: 250 * time.Millisecond, delay: 10 * time.Millisecond}
	if c.Virtual {
		b.patience, b.quiet, b.delay = time.Hour, 15*time.Second, 150*time.Millisecond
	}
	return b
}

// open opens the network of the test, with a listener of the server. Start, Packets
// and Toxics of c are set, and there is at least one client.
func (b *bench) open(c harness.NetworkConfig) {
	b.t.Helper()
	b.packets = new(log)
	c.Start, c.Packets, c.Toxics, c.Clients = time.Now(), b.packets, b.can(harness.StreamToxic), max(c.Clients, 1)
	var err error
	b.net, err = b.Engine.Open(b.t.Context(), c)
	b.NoError(err)
	b.t.Cleanup(func() { b.NoError(b.net.Close()) })
	b.listener, err = b.net.Server().Listen(b.t.Context(), "tcp", ":0")
	b.NoError(err)
}

// addr is where the server listens.
func (b *bench) addr() string { return b.listener.Addr().String() }

// link is a profile whose links delay and do nothing else.
func link(delay time.Duration) harness.Profile { return both(harness.Path{Delay: delay}) }

func both(p harness.Path) harness.Profile { return harness.Profile{Up: p, Down: p} }

// dial connects a host to an address.
func (b *bench) dial(h harness.Host, address string) net.Conn {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), b.patience)
	defer cancel()
	c, err := h.DialContext(ctx, "tcp", address)
	b.NoError(err)
	b.own(c)
	return c
}

// own gives a connection a deadline, and closes it at the end of the test.
func (b *bench) own(c net.Conn) {
	b.t.Helper()
	b.NoError(c.SetDeadline(time.Now().Add(b.patience)))
	b.t.Cleanup(func() { c.Close() })
}

// connect connects client i to the server and returns both ends.
func (b *bench) connect(i int) (client, server net.Conn) {
	b.t.Helper()
	client = b.dial(b.net.Client(i), b.addr())
	server, err := b.listener.Accept()
	b.NoError(err)
	b.own(server)
	return client, server
}

// echo answers every connection of the listener with what it gets, until the network
// is closed.
func (b *bench) echo() {
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := b.listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			})
		}
	})
	b.t.Cleanup(func() {
		b.NoError(b.net.Close())
		serving.Wait()
	})
}

// exchange sends bytes to an echo and reads them back.
func (b *bench) exchange(c net.Conn, size int) time.Duration {
	b.t.Helper()
	begin := time.Now()
	want := noise(uint64(size), size)
	_, err := c.Write(want)
	b.NoError(err)
	got := make([]byte, size)
	_, err = io.ReadFull(c, got)
	b.NoError(err)
	b.True(bytes.Equal(want, got))
	return time.Since(begin)
}

// silent requires that c has nothing to read for a while.
func (b *bench) silent(c net.Conn) {
	b.t.Helper()
	b.NoError(c.SetReadDeadline(time.Now().Add(b.quiet)))
	n, err := c.Read(make([]byte, 1))
	b.Zero(n)
	b.ErrorIs(err, os.ErrDeadlineExceeded)
	var timeout net.Error
	b.ErrorAs(err, &timeout)
	b.True(timeout.Timeout())
	b.NoError(c.SetReadDeadline(time.Now().Add(b.patience)))
}

// inject begins a fault.
func (b *bench) inject(f harness.Fault) (end func() int64) {
	b.t.Helper()
	end, err := b.net.Inject(f)
	b.NoError(err)
	return end
}

// eventually waits until something is so.
func (b *bench) eventually(so func() bool) {
	b.t.Helper()
	for begin := time.Now(); !so(); time.Sleep(time.Millisecond) {
		b.Less(time.Since(begin), b.patience)
	}
}

// short skips the rest of a test that takes over a second of real time.
func (b *bench) short() {
	b.t.Helper()
	if testing.Short() && !b.Virtual {
		b.t.Skip("takes over a second of real time")
	}
}

func readErr(c net.Conn) error {
	_, err := c.Read(make([]byte, 1))
	return err
}

func writeErr(c net.Conn) error {
	_, err := c.Write([]byte("x"))
	return err
}

// closeWrite ends the outgoing stream of c alone.
func closeWrite(c net.Conn) error { return c.(interface{ CloseWrite() error }).CloseWrite() }

// abort ends c by a reset.
func abort(c net.Conn) error {
	if err := c.(interface{ SetLinger(seconds int) error }).SetLinger(0); err != nil {
		return err
	}
	return c.Close()
}

// noise returns bytes, the same for the same seed.
func noise(seed uint64, size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)}).Read(b)
	return b
}

// log keeps the packets it is told of.
type log struct {
	mu      sync.Mutex
	packets []harness.Packet
}

// Packet implements harness.PacketSink.
func (l *log) Packet(p harness.Packet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.packets = append(l.packets, p)
}

// all returns the packets that match, in the order in which they were told of.
func (l *log) all(match func(harness.Packet) bool) (list []harness.Packet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.packets {
		if match(p) {
			list = append(list, p)
		}
	}
	return list
}

func (l *log) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.packets)
}

func (l *log) count(match func(harness.Packet) bool) int { return len(l.all(match)) }

func retransmitted(p harness.Packet) bool { return p.Retransmit }

// dropped is a packet that was lost while the network was open.
func dropped(p harness.Packet) bool {
	return p.Drop != harness.DropNone && p.Drop != harness.DropStopped
}

func dropFor(reason harness.DropReason) func(harness.Packet) bool {
	return func(p harness.Packet) bool { return p.Drop == reason }
}

// receive reads up to the end of the stream, which must be want.
func receive(c net.Conn, want []byte) error {
	got, err := io.ReadAll(c)
	if err == nil && !bytes.Equal(want, got) {
		err = fmt.Errorf("got %d bytes, want %d others", len(got), len(want))
	}
	return err
}
