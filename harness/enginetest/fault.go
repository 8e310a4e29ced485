package enginetest

import (
	"context"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/onebar/onebar/harness"
)

// faults are tests of each fault while it is in force, and of its end.
func faults(c Config) []test {
	list := []test{
		{"blackhole", func(b *bench) { blackhole(b, harness.DirectionUnknown) }},
		{"blackhole up", func(b *bench) { blackhole(b, harness.Up) }},
		{"blackhole down", func(b *bench) { blackhole(b, harness.Down) }},
		{"blackhole of one way and the end of a stream", oneWay},
		{"blackholes that overlap", overlap},
		{"reset", reset},
		{"reset in a blackhole", heldReset},
		{"refuse", refuse},
		{"an end that is called twice", endTwice},
		{"what is no fault of the network", noFault},
		{"a change of profile", changeProfile},
		{"many changes of profile", manyChanges},
	}
	if c.can(harness.Rebind) {
		list = append(list,
			test{"rebind", func(b *bench) { rebind(b, false) }},
			test{"rebind with a new address", func(b *bench) { rebind(b, true) }},
			test{"rebind during a handshake", rebindHandshake},
			test{"many rebinds", manyRebinds},
		)
	}
	if c.can(harness.Vanish) {
		list = append(list, test{"vanish", vanish})
		list = append(list, powerLosses()...)
	}
	return list
}

// blackhole has a request wait for the end of an outage.
func blackhole(b *bench, d harness.Direction) {
	b.open(harness.NetworkConfig{Profile: link(b.delay)})
	b.echo()
	c := b.dial(b.net.Client(0), b.addr())
	b.exchange(c, 100)
	end := b.inject(harness.Fault{Action: harness.Blackhole, Direction: d})
	_, err := c.Write(make([]byte, 100))
	b.NoError(err)
	b.silent(c)
	hits := end()
	b.Positive(hits)
	if !b.Streams {
		b.EqualValues(b.packets.count(dropFor(harness.DropOutage)), hits)
		b.Zero(b.packets.count(func(p harness.Packet) bool {
			return p.Drop == harness.DropOutage && d != harness.DirectionUnknown && p.Direction != d
		}))
	}
	back := time.Now()
	_, err = io.ReadFull(c, make([]byte, 100))
	b.NoError(err, "the request gets through once the link is back")
	if b.Virtual {
		b.Less(time.Since(back), b.quiet+time.Second, "time-outs double")
	}
}

// oneWay sends a request and its end on the way that is open.
func oneWay(b *bench) {
	b.open(harness.NetworkConfig{})
	client, server := b.connect(0)
	end := b.inject(harness.Fault{Action: harness.Blackhole, Direction: harness.Down})
	size := 1000 // without acknowledgements TCP sends no more than a first window
	if b.Streams {
		size = 100_000
	}
	request, answer := noise(1, size), noise(2, size)
	b.NoError(finish(client, request))
	got, err := io.ReadAll(server)
	b.NoError(err)
	b.Equal(request, got, "up is open, data and end")
	b.NoError(finish(server, answer))
	b.silent(client) // neither data nor end
	b.Positive(end())
	got, err = io.ReadAll(client)
	b.NoError(err)
	b.Equal(answer, got, "all of it, in order")
	b.NotZero(b.packets.count(func(p harness.Packet) bool { return p.Direction == harness.Down && !dropped(p) }))
}

// finish sends bytes and ends the stream.
func finish(c net.Conn, p []byte) error {
	if _, err := c.Write(p); err != nil {
		return err
	}
	return closeWrite(c)
}

func overlap(b *bench) {
	b.open(harness.NetworkConfig{})
	b.echo()
	c := b.dial(b.net.Client(0), b.addr())
	up := b.inject(harness.Fault{Action: harness.Blackhole, Direction: harness.Up})
	whole := b.inject(harness.Fault{Action: harness.Blackhole})
	b.NoError(writeErr(c))
	b.silent(c)
	b.Positive(up())
	b.silent(c)
	b.Positive(whole())
	b.NoError(readErr(c))
}

// reset is seen by both ends of each connection, and by none that is made later.
func reset(b *bench) {
	b.open(harness.NetworkConfig{Clients: 3, Profile: link(b.delay)})
	var open []net.Conn
	for i := range 3 {
		client, server := b.connect(i)
		open = append(open, client, server)
	}
	got := make(chan error, len(open))
	for _, c := range open {
		go func() { got <- readErr(c) }()
	}
	end := b.inject(harness.Fault{Action: harness.Reset})
	b.EqualValues(3, end())
	for range open {
		b.ErrorIs(<-got, syscall.ECONNRESET)
	}
	for _, c := range open {
		b.wasReset(writeErr(c)) // and by whoever asks later
	}
	client, server := b.connect(0)
	b.NoError(writeErr(client))
	b.NoError(readErr(server))
}

// heldReset has a client reset its connection while nothing crosses the link.
func heldReset(b *bench) {
	if !b.Streams {
		b.t.Skip("a reset is one packet, which an outage loses")
	}
	b.open(harness.NetworkConfig{})
	client, server := b.connect(0)
	end := b.inject(harness.Fault{Action: harness.Blackhole})
	b.NoError(abort(client))
	b.silent(server)
	b.EqualValues(1, end())
	b.ErrorIs(readErr(server), syscall.ECONNRESET)
}

// refuse refuses until the last refusal has ended, and leaves open connections alone.
func refuse(b *bench) {
	b.open(harness.NetworkConfig{Profile: link(b.delay)})
	b.echo()
	before := b.dial(b.net.Client(0), b.addr())
	refused := func() {
		b.t.Helper()
		_, err := b.net.Client(0).DialContext(b.t.Context(), "tcp", b.addr())
		b.ErrorIs(err, syscall.ECONNREFUSED)
	}
	end := b.inject(harness.Fault{Action: harness.Refuse})
	again := b.inject(harness.Fault{Action: harness.Refuse})
	for range 3 {
		refused()
	}
	b.exchange(before, 100)
	b.EqualValues(3, end())
	refused()
	b.EqualValues(4, again())
	b.exchange(b.dial(b.net.Client(0), b.addr()), 100)
}

// endTwice ends a fault twice while another one of its kind is in force.
func endTwice(b *bench) {
	b.open(harness.NetworkConfig{})
	b.echo()
	c := b.dial(b.net.Client(0), b.addr())
	first := b.inject(harness.Fault{Action: harness.Blackhole})
	second := b.inject(harness.Fault{Action: harness.Blackhole})
	b.NoError(writeErr(c))
	b.silent(c)
	hits := first()
	b.Equal(hits, first(), "it says the same again")
	b.silent(c)
	b.Positive(second())
	b.NoError(readErr(c))

	first = b.inject(harness.Fault{Action: harness.Refuse})
	second = b.inject(harness.Fault{Action: harness.Refuse})
	b.Zero(first())
	b.Zero(first())
	_, err := b.net.Client(0).DialContext(b.t.Context(), "tcp", b.addr())
	b.ErrorIs(err, syscall.ECONNREFUSED)
	b.EqualValues(1, second())
	b.EqualValues(1, second())
	b.exchange(b.dial(b.net.Client(0), b.addr()), 100)
}

// noFault injects what no network does, and what this one does not.
func noFault(b *bench) {
	b.open(harness.NetworkConfig{})
	none := []harness.Action{
		harness.ActionUnknown, harness.SetLink, harness.Crash, harness.Slow,
		harness.Heal, harness.Drop, harness.Freeze,
	}
	for _, a := range append(none, b.Refused...) {
		end, err := b.net.Inject(harness.Fault{Action: a})
		b.ErrorContains(err, "inject "+a.String())
		b.Nil(end)
	}
	plain, err := b.Engine.Open(b.t.Context(), harness.NetworkConfig{Start: time.Now(), Packets: b.packets, Clients: 1})
	b.NoError(err)
	_, err = plain.Inject(harness.Fault{Action: harness.StreamToxic})
	b.ErrorContains(err, "inject", "a toxic where none were asked for")
	b.NoError(plain.Close())
}

// changeProfile has what is under way keep its fate.
func changeProfile(b *bench) {
	const slow, fast = 200 * time.Millisecond, 10 * time.Millisecond
	b.open(harness.NetworkConfig{Profile: link(slow)})
	client, server := b.connect(0)
	begin := time.Now()
	b.NoError(writeErr(client))
	time.Sleep(slow / 2)
	b.net.SetProfile(link(fast))
	b.NoError(readErr(server))
	took := time.Since(begin)
	b.GreaterOrEqual(took, slow)
	begin = time.Now()
	b.NoError(writeErr(server))
	b.NoError(readErr(client))
	b.GreaterOrEqual(time.Since(begin), fast)
	if b.Virtual {
		b.InDelta(slow, took, float64(time.Microsecond))
		b.InDelta(fast, time.Since(begin), float64(time.Microsecond))
	}
}

// manyChanges changes the link under traffic, which loses no byte.
func manyChanges(b *bench) {
	const size = 256 << 10
	b.open(harness.NetworkConfig{Clients: 4})
	errs := make(chan error, 16)
	for i := range 4 {
		client, server := b.connect(i)
		for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
			data := noise(uint64(i), size)
			go func() { errs <- finish(way[0], data) }()
			go func() { errs <- receive(way[1], data) }()
		}
	}
	stop := make(chan struct{})
	var changing sync.WaitGroup
	changing.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				b.net.SetProfile(both(harness.Path{
					Delay: time.Duration(i%7) * time.Millisecond, Jitter: time.Duration(i%3) * time.Millisecond,
					Rate: int64(i%4) * 40_000_000,
				}))
			}
		}
	})
	for range cap(errs) {
		b.NoError(<-errs)
	}
	close(stop)
	changing.Wait()
}

// timeOut makes a silence long enough for TCP to send again: at least its smallest
// time-out.
func (b *bench) timeOut() { b.quiet = max(b.quiet, 300*time.Millisecond) }

func rebind(b *bench, newAddress bool) {
	b.timeOut()
	b.open(harness.NetworkConfig{Clients: 3})
	oldClient, oldServer := b.connect(0)
	b.connect(1)
	over, overServer := b.connect(1) // ended before: not a hit
	b.NoError(over.Close())
	b.ErrorIs(readErr(overServer), io.EOF)
	b.NoError(overServer.Close())
	b.eventually(func() bool { // both FINs have crossed
		return b.packets.count(func(p harness.Packet) bool { return p.Client == 1 && p.Flow == 2 }) >= 6
	})
	b.EqualValues(2, b.inject(harness.Fault{Action: harness.Rebind, NewAddress: newAddress})())

	_, err := oldClient.Write([]byte("lost"))
	b.NoError(err)
	_, err = oldServer.Write([]byte("lost"))
	b.NoError(err)
	b.silent(oldClient)
	b.silent(oldServer)

	newClient, newServer := b.connect(0)
	var echo sync.WaitGroup
	echo.Go(func() { _, _ = io.Copy(newServer, newServer) })
	b.exchange(newClient, 1000)
	was, is := oldServer.RemoteAddr().(*net.TCPAddr).IP, newServer.RemoteAddr().(*net.TCPAddr).IP
	b.Equal(newAddress, !was.Equal(is), "the server sees %v, then %v", was, is)
	b.Equal(newAddress, is.String() == "10.2.0.0", is)
	b.Equal(newClient.LocalAddr().String(), newServer.RemoteAddr().String())
	for _, d := range []harness.Direction{harness.Up, harness.Down} {
		b.NotZero(b.packets.count(func(p harness.Packet) bool { return p.Drop == harness.DropNAT && p.Direction == d }))
	}
	b.Zero(b.packets.count(func(p harness.Packet) bool {
		kept := b.Virtual && p.Client == 1 // it has the time to keep its old flow alive
		return p.Drop == harness.DropNAT && (p.Flow != 1 || p.Client != 0 && !kept)
	}), "packets of the old flow alone are lost, and keep its number")
	b.NotZero(b.packets.count(func(p harness.Packet) bool { return p.Client == 0 && p.Flow == 2 }))
	b.NoError(newClient.Close())
	echo.Wait()
}

// rebindHandshake forgets a flow while its SYN is under way. The answer is lost; the
// next SYN is a new flow to the NAT.
func rebindHandshake(b *bench) {
	b.short() // a SYN lost takes a second
	syn := &first{seen: make(chan struct{})}
	b.open(harness.NetworkConfig{Profile: link(300 * time.Millisecond), Capture: syn})
	b.echo()
	dialed := make(chan net.Conn, 1)
	go func() {
		c, _ := b.net.Client(0).DialContext(b.t.Context(), "tcp", b.addr())
		dialed <- c
	}()
	<-syn.seen
	time.Sleep(time.Microsecond)
	b.Zero(b.inject(harness.Fault{Action: harness.Rebind})(), "it is not open yet")
	c := <-dialed
	b.NotNil(c)
	b.own(c)
	b.Equal(1, b.packets.count(dropFor(harness.DropNAT)))
	b.exchange(c, 100)
	b.Zero(b.packets.count(func(p harness.Packet) bool { return p.Flow != 1 }))
}

// first is closed by the first packet offered to a link.
type first struct {
	once sync.Once
	seen chan struct{}
}

// Capture implements harness.PacketCapture.
func (f *first) Capture(time.Duration, int, harness.Direction, []byte) {
	f.once.Do(func() { close(f.seen) })
}

// manyRebinds gives a client more addresses than there are.
func manyRebinds(b *bench) {
	b.timeOut()
	b.open(harness.NetworkConfig{})
	b.echo()
	c := b.dial(b.net.Client(0), b.addr())
	for range 300 {
		b.inject(harness.Fault{Action: harness.Rebind, NewAddress: true})()
	}
	b.NoError(writeErr(c))
	b.silent(c)
	b.exchange(b.dial(b.net.Client(0), b.addr()), 100)
}

// vanish loses the packets of one flow, whose ends do not hear of it.
func vanish(b *bench) {
	b.timeOut()
	b.open(harness.NetworkConfig{})
	b.echo()
	c := b.dial(b.net.Client(0), b.addr())
	b.exchange(c, 10)
	end := b.inject(harness.Fault{Action: harness.Vanish})
	b.NoError(writeErr(c))
	b.silent(c)
	b.exchange(b.dial(b.net.Client(0), b.addr()), 100) // a new one works meanwhile
	b.EqualValues(1, end())
	b.NoError(readErr(c), "both ends know the connection still")
	b.NotZero(b.packets.count(dropFor(harness.DropNAT)))
}

// powerLosses are crashes with vanish: each side in turn loses its power without a
// word, and comes back without knowing the connection.
func powerLosses() (list []test) {
	for _, side := range []harness.Side{harness.Server, harness.Client} {
		for name, crash := range map[string]func(net.Conn) error{
			"reset": abort, "closed": net.Conn.Close, "left open": nil,
		} {
			list = append(list, test{"the " + side.String() + " has no power, its connections " + name, func(b *bench) {
				powerLoss(b, side, crash)
			}})
		}
	}
	return list
}

func powerLoss(b *bench, side harness.Side, crash func(net.Conn) error) {
	b.timeOut()
	b.open(harness.NetworkConfig{Profile: link(b.delay)})
	victim, survivor := b.connect(0)
	if side == harness.Server {
		victim, survivor = survivor, victim
	}
	end := b.inject(harness.Fault{Action: harness.Vanish, Side: side})
	if crash != nil {
		b.NoError(crash(victim))
	}
	if side == harness.Server {
		b.NoError(b.listener.Close())
	}
	b.NoError(writeErr(survivor))
	b.silent(survivor)
	if side == harness.Server { // a machine without power refuses nothing
		ctx, cancel := context.WithTimeout(b.t.Context(), b.quiet)
		defer cancel()
		_, err := b.net.Client(0).DialContext(ctx, "tcp", b.addr())
		b.ErrorIs(err, context.DeadlineExceeded)
	}
	b.EqualValues(1, end())
	if crash == nil {
		b.ErrorIs(readErr(victim), syscall.ECONNRESET)
	}
	b.ErrorIs(readErr(survivor), syscall.ECONNRESET, "the host answers what is sent again with a reset")
}
