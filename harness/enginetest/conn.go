package enginetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/onebar/onebar/harness"
)

// connections are tests of connections, listeners and dials.
func connections(c Config) (list []test) {
	for _, x := range append(ends(), lastWords()...) {
		list = append(list, test{x.name, func(b *bench) {
			b.open(harness.NetworkConfig{Profile: link(b.delay)})
			client, server := b.connect(0)
			x.run(b, client, server)
		}})
		if c.can(harness.StreamToxic) && !x.alone {
			list = append(list, test{x.name + " through a toxic", func(b *bench) {
				b.open(harness.NetworkConfig{Profile: link(b.delay)})
				// It does nothing to a connection without an ending that is slow.
				end := b.inject(harness.Fault{Action: harness.StreamToxic, Toxic: &harness.Toxic{Type: "slow_close", Stream: "upstream"}})
				client, server := b.connect(0)
				x.run(b, client, server)
				b.EqualValues(1, end())
			}})
		}
	}
	return append(list,
		test{"a round trip takes the delay", roundTrip},
		test{"addresses", addresses},
		test{"data after a close is answered with a reset", dataAfterClose},
		test{"a dial gives up with its context", dialGivesUp},
		test{"listens that fail", failedListens},
		test{"any host may listen", anyHostListens},
		test{"many clients at once", manyClients},
		test{"what is lost comes again", lossRecovers},
		test{"what is not lost comes once", lossless},
	)
}

// ports are tests that free a port and rely on it to be free.
func ports() []test {
	return []test{
		{"a listener that is closed", closedListener},
		{"dials that fail", failedDials},
	}
}

// endsTest is of the two ends of a connection.
type endsTest struct {
	name  string
	run   func(b *bench, client, server net.Conn)
	alone bool // not through a toxic, which has buffers of its own
}

func ends() []endsTest {
	return []endsTest{
		{name: "half close", run: func(b *bench, client, server net.Conn) {
			b.NoError(closeWrite(client))
			b.ErrorIs(readErr(server), io.EOF)
			b.ErrorIs(writeErr(client), syscall.EPIPE)
			_, err := server.Write([]byte("still here"))
			b.NoError(err)
			b.NoError(server.Close())
			got, err := io.ReadAll(client)
			b.NoError(err)
			b.Equal("still here", string(got))
		}},
		{name: "linger 0 is a reset", run: func(b *bench, client, server net.Conn) {
			b.NoError(abort(client))
			b.ErrorIs(readErr(server), syscall.ECONNRESET)
			b.wasReset(writeErr(server))
		}},
		{name: "close with unread data is a reset", run: func(b *bench, client, server net.Conn) {
			_, err := client.Write([]byte("nobody reads this"))
			b.NoError(err)
			b.NoError(readErr(server))
			b.NoError(server.Close())
			b.ErrorIs(readErr(client), syscall.ECONNRESET)
		}},
		{name: "what came before a reset can be read", run: func(b *bench, client, server net.Conn) {
			b.NoError(writeErr(client))
			time.Sleep(b.quiet) // it is on its way, or there
			b.NoError(abort(client))
			time.Sleep(b.quiet)
			b.NoError(readErr(server))
			b.ErrorIs(readErr(server), syscall.ECONNRESET)
		}},
		{name: "closed", run: closedConn},
		{name: "deadlines", run: deadlines},
		{name: "a write that nobody reads", run: stuckWrite, alone: true},
		{name: "many readers and writers", run: manyReaders},
	}
}

// lastWords are endings right after bytes, which come first.
func lastWords() (list []endsTest) {
	for _, way := range []struct {
		name string
		end  func(net.Conn) error
		want error
	}{{"closes", net.Conn.Close, io.ErrUnexpectedEOF}, {"resets", abort, syscall.ECONNRESET}} {
		run := func(b *bench, leaver, stayer net.Conn) {
			_, err := leaver.Write([]byte("last words"))
			b.NoError(err)
			if b.Virtual {
				time.Sleep(time.Microsecond) // until they are sent: a reset forgets what is not
			}
			b.NoError(way.end(leaver))
			got := make([]byte, 100)
			n, err := io.ReadFull(stayer, got)
			b.ErrorIs(err, way.want)
			b.Equal("last words", string(got[:n]))
		}
		list = append(list,
			endsTest{name: "the client " + way.name, run: run},
			endsTest{name: "the server " + way.name, run: func(b *bench, client, server net.Conn) { run(b, server, client) }},
		)
	}
	return list
}

// wasReset is the error of a write on a connection whose reset has been read: a
// kernel tells of the reset once, our engines go on.
func (b *bench) wasReset(err error) {
	b.t.Helper()
	if b.kernelsConn(err) {
		b.ErrorIs(err, syscall.EPIPE)
		return
	}
	b.ErrorIs(err, syscall.ECONNRESET)
}

// kernelsConn reports whether an error is of a connection of the kernel.
func (b *bench) kernelsConn(err error) bool {
	return strings.Contains(fmt.Sprint(err), "127.0.0.1")
}

func closedConn(b *bench, client, _ net.Conn) {
	blocked := make(chan error, 1)
	go func() { blocked <- readErr(client) }()
	time.Sleep(time.Millisecond)
	b.NoError(client.Close())
	b.ErrorIs(<-blocked, net.ErrClosed)
	b.ErrorIs(readErr(client), net.ErrClosed)
	b.ErrorIs(writeErr(client), net.ErrClosed)
	b.ErrorIs(client.SetDeadline(time.Now()), net.ErrClosed)
	b.ErrorIs(client.Close(), net.ErrClosed)
}

func deadlines(b *bench, client, server net.Conn) {
	blocked := make(chan error, 1)
	go func() { blocked <- readErr(client) }()
	time.Sleep(time.Millisecond)
	b.NoError(client.SetReadDeadline(time.Unix(1, 0)), "also while a Read waits")
	b.ErrorIs(<-blocked, os.ErrDeadlineExceeded)
	b.ErrorIs(readErr(client), os.ErrDeadlineExceeded, "until it is moved")
	begin := time.Now()
	b.NoError(client.SetReadDeadline(begin.Add(b.patience)))
	go func() { blocked <- readErr(client) }()
	time.Sleep(b.quiet / 2)
	b.NoError(client.SetReadDeadline(begin.Add(b.quiet)))
	b.ErrorIs(<-blocked, os.ErrDeadlineExceeded)
	b.GreaterOrEqual(time.Since(begin), b.quiet)
	if b.Virtual {
		b.LessOrEqual(time.Since(begin), b.quiet+time.Microsecond)
	}
	b.NoError(client.SetReadDeadline(time.Time{}))
	b.NoError(writeErr(server))
	b.NoError(readErr(client))
	b.NoError(client.SetWriteDeadline(begin))
	b.ErrorIs(writeErr(client), os.ErrDeadlineExceeded)
}

// stuckWrite writes more than all buffers hold.
func stuckWrite(b *bench, client, _ net.Conn) {
	const size = 80 << 20
	b.NoError(client.SetWriteDeadline(time.Now().Add(b.quiet)))
	n, err := client.Write(make([]byte, size))
	b.ErrorIs(err, os.ErrDeadlineExceeded)
	b.Less(n, size)
	var timeout net.Error
	b.ErrorAs(err, &timeout)
	b.True(timeout.Timeout())
}

func manyReaders(b *bench, client, server net.Conn) {
	const each, size = 8, 100_000
	var all sync.WaitGroup
	results := make(chan error, 2*each)
	for range each {
		all.Go(func() {
			n, err := client.Write(make([]byte, size))
			if err == nil && n != size {
				err = io.ErrShortWrite
			}
			results <- err
		})
		all.Go(func() {
			_, err := io.ReadFull(server, make([]byte, size))
			results <- err
		})
	}
	all.Wait()
	for range 2 * each {
		b.NoError(<-results)
	}
}

// roundTrip measures a link that is slower down than up.
func roundTrip(b *bench) {
	const up, down = 50 * time.Millisecond, 70 * time.Millisecond
	b.open(harness.NetworkConfig{Profile: harness.Profile{Up: harness.Path{Delay: up}, Down: harness.Path{Delay: down}}})
	b.echo()
	begin := time.Now()
	c := b.dial(b.net.Client(0), b.addr())
	took := []time.Duration{time.Since(begin)}
	for range 3 {
		took = append(took, b.exchange(c, 200))
		if b.Virtual {
			time.Sleep(time.Second)
		}
	}
	for _, d := range took {
		b.GreaterOrEqual(d, up+down)
		b.Less(d, 2*time.Second)
		if b.Virtual {
			b.InDelta(up+down, d, float64(time.Microsecond))
		}
	}
	for d, want := range map[harness.Direction]time.Duration{harness.Up: up, harness.Down: down} {
		list := b.packets.all(func(p harness.Packet) bool { return p.Direction == d })
		b.NotEmpty(list)
		for _, p := range list {
			b.Equal(want, (p.Delay - p.Late).Round(time.Millisecond), "as asked but for what is reported late")
			b.True(!b.Streams || p.Size == 200, "a chunk is a write")
		}
		b.True(!b.Streams || len(list) == 3)
	}
}

func lossRecovers(b *bench) {
	if b.Streams {
		b.t.Skip("a stream has no packets to lose")
	}
	b.open(harness.NetworkConfig{Seed: 3, Profile: both(harness.Path{Delay: 2 * time.Millisecond, Loss: harness.Loss{P: 0.1}})})
	b.echo()
	b.exchange(b.dial(b.net.Client(0), b.addr()), 80_000)
	b.NotZero(b.packets.count(dropped))
	b.NotZero(b.packets.count(retransmitted))
}

// lossless has a round trip so long that a time-out, 400 ms, is longer than a machine
// stalls.
func lossless(b *bench) {
	b.short()
	b.open(harness.NetworkConfig{Profile: link(100 * time.Millisecond)})
	b.echo()
	c := b.dial(b.net.Client(0), b.addr())
	for _, size := range []int{1, 300, 1448, 1449, 100_000} {
		b.exchange(c, size)
	}
	b.Zero(b.packets.count(dropped))
	b.Zero(b.packets.count(retransmitted))
}

func addresses(b *bench) {
	b.open(harness.NetworkConfig{})
	client, server := b.connect(0)
	b.Equal("tcp", client.LocalAddr().Network())
	b.NotContains(b.addr(), "0.0.0.0")
	if b.Streams { // each end sees the proxy
		return
	}
	b.Equal(client.LocalAddr().String(), server.RemoteAddr().String())
	b.Equal(client.RemoteAddr().String(), server.LocalAddr().String())
	b.True(strings.HasPrefix(client.LocalAddr().String(), "10.1.0.0:"), client.LocalAddr())
	b.True(strings.HasPrefix(client.RemoteAddr().String(), "10.0.0.1:"), client.RemoteAddr())
}

func dataAfterClose(b *bench) {
	b.open(harness.NetworkConfig{Profile: link(b.delay)})
	client, server := b.connect(0)
	b.NoError(server.Close())
	b.ErrorIs(readErr(client), io.EOF)
	b.NoError(writeErr(client))
	time.Sleep(b.quiet)
	if b.Streams { // a proxy learns of it when it next writes
		b.eventually(func() bool { return writeErr(client) != nil })
	} else {
		b.ErrorIs(writeErr(client), syscall.EPIPE)
	}
	client, server = b.connect(0)
	b.NoError(client.Close())
	b.ErrorIs(readErr(server), io.EOF)
	b.eventually(func() bool { return writeErr(server) != nil })
}

func closedListener(b *bench) {
	b.open(harness.NetworkConfig{Profile: link(b.delay)})
	accepted, _ := b.connect(0)
	never := b.dial(b.net.Client(0), b.addr())
	time.Sleep(b.quiet)
	blocked := make(chan error, 1)
	other, err := b.net.Server().Listen(b.t.Context(), "tcp", ":0")
	b.NoError(err)
	go func() {
		_, err := other.Accept()
		blocked <- err
	}()
	time.Sleep(time.Millisecond)
	for _, l := range []net.Listener{other, b.listener} {
		b.NoError(l.Close())
		_, err := l.Accept()
		b.ErrorIs(err, net.ErrClosed)
		b.ErrorIs(l.Close(), net.ErrClosed)
	}
	b.ErrorIs(<-blocked, net.ErrClosed)
	b.ErrorIs(readErr(never), syscall.ECONNRESET, "a connection nobody accepted is reset")
	b.NoError(writeErr(accepted), "one that was lives on")
	_, err = b.net.Client(0).DialContext(b.t.Context(), "tcp", b.addr())
	b.ErrorIs(err, syscall.ECONNREFUSED)
	b.ErrorContains(err, b.addr())
	again, err := b.net.Server().Listen(b.t.Context(), "tcp", b.addr())
	b.NoError(err, "the port is free again")
	b.NoError(again.Close())
}

func failedDials(b *bench) {
	b.open(harness.NetworkConfig{})
	cancelled, cancel := context.WithCancel(b.t.Context())
	cancel()
	fails := func(ctx context.Context, network, address string, want error) {
		b.t.Helper()
		_, err := b.net.Client(0).DialContext(ctx, network, address)
		b.ErrorIs(err, want)
		var op *net.OpError
		b.ErrorAs(err, &op)
		b.Equal("dial", op.Op)
	}
	ctx, addr := b.t.Context(), b.addr()
	fails(cancelled, "tcp", addr, context.Canceled)
	fails(ctx, "unix", addr, net.UnknownNetworkError("unix"))
	b.NoError(b.listener.Close())
	fails(ctx, "tcp", addr, syscall.ECONNREFUSED)
	if b.Streams {
		return
	}
	fails(ctx, "tcp", "10.0.0.1:9", syscall.ECONNREFUSED)
	fails(ctx, "tcp", "10.0.0.2:80", syscall.EHOSTUNREACH)
	fails(ctx, "tcp", "10.1.0.1:80", syscall.EHOSTUNREACH)
	fails(ctx, "tcp", "127.0.0.1:80", syscall.EHOSTUNREACH)
	_, err := b.net.Client(0).DialContext(ctx, "tcp", "bank:80")
	b.ErrorContains(err, "in numbers")
}

func dialGivesUp(b *bench) {
	profile := both(harness.Path{Loss: harness.Loss{P: 1}})
	if b.Streams {
		profile = harness.Profile{}
	}
	b.open(harness.NetworkConfig{Profile: profile})
	if b.Streams {
		end := b.inject(harness.Fault{Action: harness.Blackhole, Direction: harness.Up})
		defer func() { b.EqualValues(1, end()) }()
	}
	begin := time.Now()
	ctx, cancel := context.WithTimeout(b.t.Context(), b.quiet)
	defer cancel()
	_, err := b.net.Client(0).DialContext(ctx, "tcp", b.addr())
	b.ErrorIs(err, context.DeadlineExceeded)
	var timeout net.Error
	b.ErrorAs(err, &timeout)
	b.True(timeout.Timeout())
	b.GreaterOrEqual(time.Since(begin), b.quiet)
	if b.Virtual {
		b.Equal(b.quiet, time.Since(begin))
	}
}

func failedListens(b *bench) {
	b.open(harness.NetworkConfig{})
	_, err := b.net.Server().Listen(b.t.Context(), "tcp", b.addr())
	b.ErrorIs(err, syscall.EADDRINUSE)
	_, err = b.net.Server().Listen(b.t.Context(), "tcp", "80")
	b.ErrorContains(err, "80")
	for _, h := range []harness.Host{b.net.Client(0), b.net.Server()} {
		for _, bad := range [][2]string{{"unix", ":0"}, {"udp", ":0"}, {"tcp", "8.8.8.8:0"}, {"tcp", "nonsense"}, {"tcp", ":99999"}} {
			_, err := h.Listen(b.t.Context(), bad[0], bad[1])
			b.Error(err, "%v", bad)
		}
	}
	if !b.Streams {
		_, err = b.net.Client(0).Listen(b.t.Context(), "tcp", b.addr())
		b.ErrorIs(err, syscall.EADDRNOTAVAIL)
	}
}

// anyHostListens dials the wrong way round, and a host from itself.
func anyHostListens(b *bench) {
	b.open(harness.NetworkConfig{Clients: 2})
	server := b.net.Server()
	for _, x := range []struct{ from, to harness.Host }{{server, b.net.Client(1)}, {server, server}} {
		l, err := x.to.Listen(b.t.Context(), "tcp", ":0")
		b.NoError(err)
		out := b.dial(x.from, l.Addr().String())
		in, err := l.Accept()
		b.NoError(err)
		b.NoError(writeErr(out))
		b.NoError(readErr(in))
		b.NoError(in.Close())
		b.ErrorIs(readErr(out), io.EOF)
	}
}

func manyClients(b *bench) {
	b.short()
	const clients = 1000
	b.open(harness.NetworkConfig{Clients: clients, Profile: both(harness.Path{Delay: 20 * time.Millisecond, Jitter: 5 * time.Millisecond, Rate: 1_000_000})})
	b.echo()
	errs := make(chan error, clients)
	for i := range clients {
		go func() { errs <- b.hello(i) }()
	}
	for range clients {
		b.NoError(<-errs)
	}
	b.NoError(b.net.Close())
	seen := map[int]bool{}
	for _, p := range b.packets.all(func(p harness.Packet) bool { return p.Direction == harness.Up }) {
		seen[p.Client] = true
	}
	b.Len(seen, clients)
	b.Zero(b.packets.count(dropped))
}

// hello sends three requests of a client of its own and reads them back, then the
// end of the stream.
func (b *bench) hello(i int) error {
	c, err := b.net.Client(i).DialContext(b.t.Context(), "tcp", b.addr())
	if err != nil {
		return err
	}
	defer c.Close()
	want := fmt.Appendf(nil, "%0300d", i)
	for range 3 {
		got := make([]byte, len(want))
		if _, err = c.Write(want); err == nil {
			_, err = io.ReadFull(c, got)
		}
		if err == nil && string(got) != string(want) {
			err = fmt.Errorf("client %d got %s", i, got)
		}
		if err != nil {
			return err
		}
	}
	if err := closeWrite(c); err != nil {
		return err
	}
	if err := readErr(c); !errors.Is(err, io.EOF) {
		return fmt.Errorf("client %d: %w", i, err)
	}
	return nil
}
