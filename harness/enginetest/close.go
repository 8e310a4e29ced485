package enginetest

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/onebar/onebar/harness"
)

// closes are tests of the end of a network. That no goroutine is left is seen to
// after every test of the suite.
func closes() []test {
	return []test{
		{"ends everything", closeEndsEverything},
		{"a network that nobody used", func(b *bench) { b.open(harness.NetworkConfig{Clients: 5}) }},
		{"with faults in force", closeWithFaults},
		{"under traffic", func(b *bench) { closeUnderTraffic(b, harness.Path{Delay: 3 * time.Millisecond}) }},
		{"under traffic over a perfect link", func(b *bench) { closeUnderTraffic(b, harness.Path{}) }},
		{"under traffic that is lost", func(b *bench) {
			if b.Streams {
				b.t.Skip("a stream has no packets to lose")
			}
			b.short() // a SYN lost takes a second
			closeUnderTraffic(b, harness.Path{Delay: 3 * time.Millisecond, Loss: harness.Loss{P: 0.02}})
		}},
	}
}

// closeEndsEverything closes a network while something waits for each thing there is
// to wait for.
func closeEndsEverything(b *bench) {
	b.open(harness.NetworkConfig{Clients: 2})
	client, server := b.connect(0)
	b.net.SetProfile(link(time.Hour))
	b.NoError(writeErr(client)) // never arrives
	reads, dialed, accepted := make(chan error, 2), make(chan error, 1), make(chan error, 1)
	for _, c := range []net.Conn{client, server} {
		go func() { reads <- readErr(c) }()
	}
	go func() {
		_, err := b.net.Client(1).DialContext(b.t.Context(), "tcp", b.addr())
		dialed <- err
	}()
	go func() {
		_, err := b.listener.Accept()
		accepted <- err
	}()
	time.Sleep(b.quiet)
	b.NoError(b.net.Close())
	for range 2 {
		b.ErrorIs(<-reads, syscall.ECONNRESET)
	}
	b.ErrorIs(<-accepted, net.ErrClosed)
	err := <-dialed // with a TCP of its own under it, a dial may be reset instead
	b.Error(err)
	b.True(!b.Streams || errors.Is(err, net.ErrClosed), err)
	b.NoError(b.net.Close(), "again")
	b.Error(writeErr(client))
	b.NoError(client.Close())
	_, err = b.listener.Accept()
	b.ErrorIs(err, net.ErrClosed)
	for _, h := range []harness.Host{b.net.Client(0), b.net.Client(1)} {
		_, err = h.DialContext(b.t.Context(), "tcp", b.addr())
		b.ErrorIs(err, net.ErrClosed)
	}
	_, err = b.net.Server().Listen(b.t.Context(), "tcp", ":0")
	b.ErrorIs(err, net.ErrClosed)
	_, err = b.net.Inject(harness.Fault{Action: harness.Reset})
	b.ErrorContains(err, "inject reset: the network is closed")
	b.net.SetProfile(harness.Profile{})
	lost := b.packets.all(func(p harness.Packet) bool {
		return p.Client == 0 && p.Drop == harness.DropStopped && p.Direction == harness.Up
	})
	b.NotEmpty(lost, "what was under way is told of")
	b.True(!b.Streams || len(lost) == 1)
}

// closeWithFaults ends each fault after the network.
func closeWithFaults(b *bench) {
	b.open(harness.NetworkConfig{})
	client, _ := b.connect(0)
	var ends []func() int64
	for _, f := range []harness.Fault{
		{Action: harness.Blackhole},
		{Action: harness.Refuse},
		{Action: harness.CrossTraffic},
		{Action: harness.Vanish, Side: harness.Client},
	} {
		if b.can(f.Action) {
			ends = append(ends, b.inject(f))
		}
	}
	b.NoError(writeErr(client))
	time.Sleep(b.quiet)
	b.NoError(b.net.Close())
	for _, end := range ends {
		b.GreaterOrEqual(end(), int64(0))
	}
}

// closeUnderTraffic closes a network with data in every place where it can be, and
// connections that begin.
func closeUnderTraffic(b *bench, path harness.Path) {
	clients := 20
	if b.Virtual {
		clients = 4 // the buffers of the sim engine are large
	}
	b.open(harness.NetworkConfig{Clients: clients, Profile: both(path)})
	b.echo()
	var running sync.WaitGroup
	for i := range clients {
		c := b.dial(b.net.Client(i), b.addr())
		running.Go(func() {
			data := make([]byte, 10_000)
			for err := error(nil); err == nil; {
				_, err = c.Write(data)
			}
		})
		running.Go(func() { _, _ = io.Copy(io.Discard, c) })
		if i%2 == 0 {
			running.Go(func() {
				if c, err := b.net.Client(i).DialContext(b.t.Context(), "tcp", b.addr()); err == nil {
					c.Close()
				}
			})
		}
	}
	for begin := time.Now(); b.packets.len() <= 500; time.Sleep(10 * time.Microsecond) {
		b.Less(time.Since(begin), b.patience)
	}
	b.NoError(b.net.Close())
	running.Wait()
	if path.Delay > 0 {
		b.NotZero(b.packets.count(dropFor(harness.DropStopped)))
	}
}
