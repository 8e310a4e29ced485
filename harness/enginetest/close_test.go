package enginetest

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
)

// closes are tests of the end of a network. That no goroutine is left is seen to
// after every test of the suite.
func closes() Tests {
	return Tests{
		"ends everything":                   closeEndsEverything,
		"a network that nobody used":        func(b *bench.B) { b.Open(harness.NetworkConfig{Clients: 5}) },
		"with faults in force":              closeWithFaults,
		"under traffic":                     func(b *bench.B) { closeUnderTraffic(b, harness.Path{Delay: 3 * time.Millisecond}) },
		"under traffic over a perfect link": func(b *bench.B) { closeUnderTraffic(b, harness.Path{}) },
		"under traffic that is lost": func(b *bench.B) {
			if b.Streams {
				b.T.Skip("a stream has no packets to lose")
			}
			b.Short() // a SYN lost takes a second
			closeUnderTraffic(b, harness.Path{Delay: 3 * time.Millisecond, Loss: harness.Loss{P: 0.02}})
		},
	}
}

// closeEndsEverything closes a network while something waits for each thing there is
// to wait for.
func closeEndsEverything(b *bench.B) {
	b.Open(harness.NetworkConfig{Clients: 2})
	client, server := b.Connect(0)
	b.Net.SetProfile(bench.Link(time.Hour))
	b.NoError(bench.WriteErr(client)) // never arrives
	reads, dialed, accepted := make(chan error, 2), make(chan error, 1), make(chan error, 1)
	for _, c := range []net.Conn{client, server} {
		go func() { reads <- bench.ReadErr(c) }()
	}
	go func() {
		_, err := b.Net.Client(1).DialContext(b.T.Context(), "tcp", b.Addr())
		dialed <- err
	}()
	go func() {
		_, err := b.Listener.Accept()
		accepted <- err
	}()
	time.Sleep(b.Quiet)
	b.NoError(b.Net.Close())
	for range 2 {
		b.ErrorIs(<-reads, syscall.ECONNRESET)
	}
	b.ErrorIs(<-accepted, net.ErrClosed)
	err := <-dialed // with a TCP of its own under it, a dial may be reset instead
	b.Error(err)
	b.True(!b.Streams || errors.Is(err, net.ErrClosed), err)
	b.NoError(b.Net.Close(), "again")
	b.Error(bench.WriteErr(client))
	b.NoError(client.Close())
	_, err = b.Listener.Accept()
	b.ErrorIs(err, net.ErrClosed)
	for _, h := range []harness.Host{b.Net.Client(0), b.Net.Client(1)} {
		_, err = h.DialContext(b.T.Context(), "tcp", b.Addr())
		b.ErrorIs(err, net.ErrClosed)
	}
	_, err = b.Net.Server().Listen(b.T.Context(), "tcp", ":0")
	b.ErrorIs(err, net.ErrClosed)
	_, err = b.Net.Inject(harness.Fault{Action: harness.Reset})
	b.ErrorContains(err, "inject reset: the network is closed")
	b.Net.SetProfile(harness.Profile{})
	lost := b.Packets.All(func(p harness.Packet) bool {
		return p.Client == 0 && p.Drop == harness.DropStopped && p.Direction == harness.Up
	})
	b.NotEmpty(lost, "what was under way is told of")
	b.True(!b.Streams || len(lost) == 1)
}

// closeWithFaults ends each fault after the network.
func closeWithFaults(b *bench.B) {
	b.Open(harness.NetworkConfig{})
	client, _ := b.Connect(0)
	var ends []func() int64
	for _, f := range []harness.Fault{
		{Action: harness.Blackhole},
		{Action: harness.Refuse},
		{Action: harness.CrossTraffic},
		{Action: harness.Vanish, Side: harness.Client},
	} {
		if does(b.Engine, f.Action) {
			ends = append(ends, b.Inject(f))
		}
	}
	b.NoError(bench.WriteErr(client))
	time.Sleep(b.Quiet)
	b.NoError(b.Net.Close())
	for _, end := range ends {
		b.GreaterOrEqual(end(), int64(0))
	}
}

// closeUnderTraffic closes a network with data in every place where it can be, and
// connections that begin.
func closeUnderTraffic(b *bench.B, path harness.Path) {
	clients := 20
	if b.Virtual {
		clients = 4 // the buffers of the sim engine are large
	}
	b.Open(harness.NetworkConfig{Clients: clients, Profile: bench.Both(path)})
	b.Echo()
	var running sync.WaitGroup
	for i := range clients {
		c := b.Dial(b.Net.Client(i), b.Addr())
		running.Go(func() {
			data := make([]byte, 10_000)
			for err := error(nil); err == nil; {
				_, err = c.Write(data)
			}
		})
		running.Go(func() { _, _ = io.Copy(io.Discard, c) })
		if i%2 == 0 {
			running.Go(func() {
				if c, err := b.Net.Client(i).DialContext(b.T.Context(), "tcp", b.Addr()); err == nil {
					c.Close()
				}
			})
		}
	}
	for begin := time.Now(); b.Packets.Len() <= 500; time.Sleep(10 * time.Microsecond) {
		b.Less(time.Since(begin), b.Timeout)
	}
	b.NoError(b.Net.Close())
	running.Wait()
	if path.Delay > 0 {
		b.NotZero(b.Packets.Count(dropFor(harness.DropStopped)))
	}
}
