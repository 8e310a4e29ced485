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
	"github.com/onebar/onebar/harness/enginetest/bench"
)

func connections(e harness.Engine) bench.Tests {
	list := bench.Tests{
		"a round trip takes the delay":                roundTrip,
		"addresses of both ends":                      addresses,
		"data after a close is answered with a reset": dataAfterClose,
		"a dial gives up with its context":            dialGivesUp,
		"listens that fail":                           failedListens,
		"any host may listen":                         anyHostListens,
		"many clients at once":                        manyClients,
		"what is lost comes again":                    lossRecovers,
	}
	for _, x := range append(ends(), lastWords()...) {
		list[x.name] = func(b *bench.B) {
			b.Open(harness.NetworkConfig{Profile: bench.Link(b.Delay)})
			client, server := b.Connect(0)
			x.run(b, client, server)
		}
		if bench.Does(e, harness.StreamToxic) && !x.alone {
			list[x.name+" through a toxic"] = func(b *bench.B) {
				b.Open(harness.NetworkConfig{Profile: bench.Link(b.Delay)})
				// It does nothing to a connection without an ending that is slow.
				end := b.Inject(harness.Fault{Action: harness.StreamToxic, Toxic: &harness.Toxic{Type: "slow_close", Stream: "upstream"}})
				client, server := b.Connect(0)
				x.run(b, client, server)
				b.EqualValues(1, end())
			}
		}
	}
	return list
}

// ports are tests that free a port and rely on it to be free.
func ports() bench.Tests {
	return bench.Tests{
		"a listener that is closed": closedListener,
		"dials that fail":           failedDials,
	}
}

type endsTest struct {
	name  string
	run   func(b *bench.B, client, server net.Conn)
	alone bool // not through a toxic, which has buffers of its own
}

func ends() []endsTest {
	return []endsTest{
		{name: "half close", run: func(b *bench.B, client, server net.Conn) {
			b.NoError(bench.CloseWrite(client))
			b.ErrorIs(bench.ReadErr(server), io.EOF)
			b.ErrorIs(bench.WriteErr(client), syscall.EPIPE)
			_, err := server.Write([]byte("still here"))
			b.NoError(err)
			b.NoError(server.Close())
			got, err := io.ReadAll(client)
			b.NoError(err)
			b.Equal("still here", string(got))
		}},
		{name: "linger 0 is a reset", run: func(b *bench.B, client, server net.Conn) {
			b.NoError(bench.Abort(client))
			b.ErrorIs(bench.ReadErr(server), syscall.ECONNRESET)
			wasReset(b, bench.WriteErr(server))
		}},
		{name: "close with unread data is a reset", run: func(b *bench.B, client, server net.Conn) {
			_, err := client.Write([]byte("nobody reads this"))
			b.NoError(err)
			b.NoError(bench.ReadErr(server))
			b.NoError(server.Close())
			b.ErrorIs(bench.ReadErr(client), syscall.ECONNRESET)
		}},
		{name: "what came before a reset can be read", run: func(b *bench.B, client, server net.Conn) {
			b.NoError(bench.WriteErr(client))
			time.Sleep(b.Quiet) // it is on its way, or there
			b.NoError(bench.Abort(client))
			time.Sleep(b.Quiet)
			b.NoError(bench.ReadErr(server))
			b.ErrorIs(bench.ReadErr(server), syscall.ECONNRESET)
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
	}{{"closes", net.Conn.Close, io.ErrUnexpectedEOF}, {"resets", bench.Abort, syscall.ECONNRESET}} {
		run := func(b *bench.B, leaver, stayer net.Conn) {
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
			endsTest{name: "the server " + way.name, run: func(b *bench.B, client, server net.Conn) { run(b, server, client) }},
		)
	}
	return list
}

// wasReset is the error of a write on a connection whose reset has been read: a
// kernel tells of the reset once, our engines go on.
func wasReset(b *bench.B, err error) {
	b.T.Helper()
	if kernelsConn(err) {
		b.ErrorIs(err, syscall.EPIPE)
		return
	}
	b.ErrorIs(err, syscall.ECONNRESET)
}

func kernelsConn(err error) bool {
	return strings.Contains(fmt.Sprint(err), "127.0.0.1")
}

func closedConn(b *bench.B, client, _ net.Conn) {
	blocked := make(chan error, 1)
	go func() { blocked <- bench.ReadErr(client) }()
	time.Sleep(time.Millisecond)
	b.NoError(client.Close())
	b.ErrorIs(<-blocked, net.ErrClosed)
	b.ErrorIs(bench.ReadErr(client), net.ErrClosed)
	b.ErrorIs(bench.WriteErr(client), net.ErrClosed)
	b.ErrorIs(client.SetDeadline(time.Now()), net.ErrClosed)
	b.ErrorIs(client.Close(), net.ErrClosed)
}

func deadlines(b *bench.B, client, server net.Conn) {
	blocked := make(chan error, 1)
	go func() { blocked <- bench.ReadErr(client) }()
	time.Sleep(time.Millisecond)
	b.NoError(client.SetReadDeadline(time.Unix(1, 0)), "also while a Read waits")
	b.ErrorIs(<-blocked, os.ErrDeadlineExceeded)
	b.ErrorIs(bench.ReadErr(client), os.ErrDeadlineExceeded, "until it is moved")
	begin := time.Now()
	b.NoError(client.SetReadDeadline(begin.Add(b.Timeout)))
	go func() { blocked <- bench.ReadErr(client) }()
	time.Sleep(b.Quiet / 2)
	b.NoError(client.SetReadDeadline(begin.Add(b.Quiet)))
	b.ErrorIs(<-blocked, os.ErrDeadlineExceeded)
	b.GreaterOrEqual(time.Since(begin), b.Quiet)
	if b.Virtual {
		b.LessOrEqual(time.Since(begin), b.Quiet+time.Microsecond)
	}
	b.NoError(client.SetReadDeadline(time.Time{}))
	b.NoError(bench.WriteErr(server))
	b.NoError(bench.ReadErr(client))
	b.NoError(client.SetWriteDeadline(begin))
	b.ErrorIs(bench.WriteErr(client), os.ErrDeadlineExceeded)
}

// stuckWrite writes more than all buffers hold.
func stuckWrite(b *bench.B, client, _ net.Conn) {
	const size = 80 << 20
	b.NoError(client.SetWriteDeadline(time.Now().Add(b.Quiet)))
	n, err := client.Write(make([]byte, size))
	b.ErrorIs(err, os.ErrDeadlineExceeded)
	b.Less(n, size)
	var timeout net.Error
	b.ErrorAs(err, &timeout)
	b.True(timeout.Timeout())
}

func manyReaders(b *bench.B, client, server net.Conn) {
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
func roundTrip(b *bench.B) {
	const up, down = 50 * time.Millisecond, 70 * time.Millisecond
	b.Open(harness.NetworkConfig{Profile: harness.Profile{Up: harness.Path{Delay: up}, Down: harness.Path{Delay: down}}})
	b.Echo()
	begin := time.Now()
	c := b.Dial(b.Net.Client(0), b.Addr())
	took := []time.Duration{time.Since(begin)}
	for range 3 {
		took = append(took, b.Exchange(c, 200))
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
		list := b.Packets.All(func(p harness.Packet) bool { return p.Direction == d })
		b.NotEmpty(list)
		for _, p := range list {
			b.Equal(want, (p.Delay - p.Late).Round(time.Millisecond), "as asked but for what is reported late")
			b.True(!b.Streams || p.Size == 200, "a chunk is a write")
		}
		b.True(!b.Streams || len(list) == 3)
	}
}

func lossRecovers(b *bench.B) {
	if b.Streams {
		b.T.Skip("a stream has no packets to lose")
	}
	b.Open(harness.NetworkConfig{Seed: 3, Profile: bench.Both(harness.Path{Delay: 2 * time.Millisecond, Loss: harness.Loss{P: 0.1}})})
	b.Echo()
	b.Exchange(b.Dial(b.Net.Client(0), b.Addr()), 80_000)
	b.NotZero(b.Packets.Count(bench.Dropped))
	b.NotZero(b.Packets.Count(bench.Retransmitted))
}

// lossless has a round trip so long that a time-out, 400 ms, is longer than a machine
// stalls.
func lossless(b *bench.B) {
	b.Short()
	b.Open(harness.NetworkConfig{Profile: bench.Link(100 * time.Millisecond)})
	b.Echo()
	c := b.Dial(b.Net.Client(0), b.Addr())
	for _, size := range []int{1, 300, 1448, 1449, 100_000} {
		b.Exchange(c, size)
	}
	b.Zero(b.Packets.Count(bench.Dropped))
	b.Zero(b.Packets.Count(bench.Retransmitted))
}

func addresses(b *bench.B) {
	b.Open(harness.NetworkConfig{})
	client, server := b.Connect(0)
	b.Equal("tcp", client.LocalAddr().Network())
	b.NotContains(b.Addr(), "0.0.0.0")
	if b.Streams { // each end sees the proxy
		return
	}
	b.Equal(client.LocalAddr().String(), server.RemoteAddr().String())
	b.Equal(client.RemoteAddr().String(), server.LocalAddr().String())
	b.True(strings.HasPrefix(client.LocalAddr().String(), "10.1.0.0:"), client.LocalAddr())
	b.True(strings.HasPrefix(client.RemoteAddr().String(), "10.0.0.1:"), client.RemoteAddr())
}

func dataAfterClose(b *bench.B) {
	b.Open(harness.NetworkConfig{Profile: bench.Link(b.Delay)})
	client, server := b.Connect(0)
	b.NoError(server.Close())
	b.ErrorIs(bench.ReadErr(client), io.EOF)
	b.NoError(bench.WriteErr(client))
	time.Sleep(b.Quiet)
	if b.Streams { // a proxy learns of it when it next writes
		b.Eventually(func() bool { return bench.WriteErr(client) != nil })
	} else {
		b.ErrorIs(bench.WriteErr(client), syscall.EPIPE)
	}
	client, server = b.Connect(0)
	b.NoError(client.Close())
	b.ErrorIs(bench.ReadErr(server), io.EOF)
	b.Eventually(func() bool { return bench.WriteErr(server) != nil })
}

func closedListener(b *bench.B) {
	b.Open(harness.NetworkConfig{Profile: bench.Link(b.Delay)})
	accepted, _ := b.Connect(0)
	never := b.Dial(b.Net.Client(0), b.Addr())
	time.Sleep(b.Quiet)
	blocked := make(chan error, 1)
	other, err := b.Net.Server().Listen(b.T.Context(), "tcp", ":0")
	b.NoError(err)
	go func() {
		_, err := other.Accept()
		blocked <- err
	}()
	time.Sleep(time.Millisecond)
	for _, l := range []net.Listener{other, b.Listener} {
		b.NoError(l.Close())
		_, err := l.Accept()
		b.ErrorIs(err, net.ErrClosed)
		b.ErrorIs(l.Close(), net.ErrClosed)
	}
	b.ErrorIs(<-blocked, net.ErrClosed)
	b.ErrorIs(bench.ReadErr(never), syscall.ECONNRESET, "a connection nobody accepted is reset")
	b.NoError(bench.WriteErr(accepted), "one that was lives on")
	_, err = b.Net.Client(0).DialContext(b.T.Context(), "tcp", b.Addr())
	b.ErrorIs(err, syscall.ECONNREFUSED)
	b.ErrorContains(err, b.Addr())
	again, err := b.Net.Server().Listen(b.T.Context(), "tcp", b.Addr())
	b.NoError(err, "the port is free again")
	b.NoError(again.Close())
}

func failedDials(b *bench.B) {
	b.Open(harness.NetworkConfig{})
	cancelled, cancel := context.WithCancel(b.T.Context())
	cancel()
	fails := func(ctx context.Context, network, address string, want error) {
		b.T.Helper()
		_, err := b.Net.Client(0).DialContext(ctx, network, address)
		b.ErrorIs(err, want)
		var op *net.OpError
		b.ErrorAs(err, &op)
		b.Equal("dial", op.Op)
	}
	ctx, addr := b.T.Context(), b.Addr()
	fails(cancelled, "tcp", addr, context.Canceled)
	fails(ctx, "unix", addr, net.UnknownNetworkError("unix"))
	b.NoError(b.Listener.Close())
	fails(ctx, "tcp", addr, syscall.ECONNREFUSED)
	if b.Streams {
		return
	}
	fails(ctx, "tcp", "10.0.0.1:9", syscall.ECONNREFUSED)
	fails(ctx, "tcp", "10.0.0.2:80", syscall.EHOSTUNREACH)
	fails(ctx, "tcp", "10.1.0.1:80", syscall.EHOSTUNREACH)
	fails(ctx, "tcp", "127.0.0.1:80", syscall.EHOSTUNREACH)
	_, err := b.Net.Client(0).DialContext(ctx, "tcp", "bank:80")
	b.ErrorContains(err, "in numbers")
}

func dialGivesUp(b *bench.B) {
	profile := bench.Both(harness.Path{Loss: harness.Loss{P: 1}})
	if b.Streams {
		profile = harness.Profile{}
	}
	b.Open(harness.NetworkConfig{Profile: profile})
	if b.Streams {
		end := b.Inject(harness.Fault{Action: harness.Blackhole, Direction: harness.Up})
		defer func() { b.EqualValues(1, end()) }()
	}
	begin := time.Now()
	ctx, cancel := context.WithTimeout(b.T.Context(), b.Quiet)
	defer cancel()
	_, err := b.Net.Client(0).DialContext(ctx, "tcp", b.Addr())
	b.ErrorIs(err, context.DeadlineExceeded)
	var timeout net.Error
	b.ErrorAs(err, &timeout)
	b.True(timeout.Timeout())
	b.GreaterOrEqual(time.Since(begin), b.Quiet)
	if b.Virtual {
		b.Equal(b.Quiet, time.Since(begin))
	}
}

func failedListens(b *bench.B) {
	b.Open(harness.NetworkConfig{})
	_, err := b.Net.Server().Listen(b.T.Context(), "tcp", b.Addr())
	b.ErrorIs(err, syscall.EADDRINUSE)
	_, err = b.Net.Server().Listen(b.T.Context(), "tcp", "80")
	b.ErrorContains(err, "80")
	for _, h := range []harness.Host{b.Net.Client(0), b.Net.Server()} {
		for _, bad := range [][2]string{{"unix", ":0"}, {"udp", ":0"}, {"tcp", "8.8.8.8:0"}, {"tcp", "nonsense"}, {"tcp", ":99999"}} {
			_, err := h.Listen(b.T.Context(), bad[0], bad[1])
			b.Error(err, "%v", bad)
		}
	}
	if !b.Streams {
		_, err = b.Net.Client(0).Listen(b.T.Context(), "tcp", b.Addr())
		b.ErrorIs(err, syscall.EADDRNOTAVAIL)
	}
}

// anyHostListens dials the wrong way round, and a host from itself.
func anyHostListens(b *bench.B) {
	b.Open(harness.NetworkConfig{Clients: 2})
	server := b.Net.Server()
	for _, x := range []struct{ from, to harness.Host }{{server, b.Net.Client(1)}, {server, server}} {
		l, err := x.to.Listen(b.T.Context(), "tcp", ":0")
		b.NoError(err)
		out := b.Dial(x.from, l.Addr().String())
		in, err := l.Accept()
		b.NoError(err)
		b.NoError(bench.WriteErr(out))
		b.NoError(bench.ReadErr(in))
		b.NoError(in.Close())
		b.ErrorIs(bench.ReadErr(out), io.EOF)
	}
}

func manyClients(b *bench.B) {
	b.Short()
	const clients = 1000
	b.Open(harness.NetworkConfig{Clients: clients, Profile: bench.Both(harness.Path{Delay: 20 * time.Millisecond, Jitter: 5 * time.Millisecond, Rate: 1_000_000})})
	b.Echo()
	errs := make(chan error, clients)
	for i := range clients {
		go func() { errs <- hello(b, i) }()
	}
	for range clients {
		b.NoError(<-errs)
	}
	b.NoError(b.Net.Close())
	seen := map[int]bool{}
	for _, p := range b.Packets.All(func(p harness.Packet) bool { return p.Direction == harness.Up }) {
		seen[p.Client] = true
	}
	b.Len(seen, clients)
	b.Zero(b.Packets.Count(bench.Dropped))
}

// hello sends three requests of a client of its own and reads them back, then the
// end of the stream.
func hello(b *bench.B, i int) error {
	c, err := b.Net.Client(i).DialContext(b.T.Context(), "tcp", b.Addr())
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
	if err := bench.CloseWrite(c); err != nil {
		return err
	}
	if err := bench.ReadErr(c); !errors.Is(err, io.EOF) {
		return fmt.Errorf("client %d: %w", i, err)
	}
	return nil
}
