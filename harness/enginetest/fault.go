package enginetest

import (
	"context"
	"io"
	"maps"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
)

func faults(e harness.Engine) bench.Tests {
	list := bench.Tests{
		"blackhole":      func(b *bench.B) { blackhole(b, harness.DirectionUnknown) },
		"blackhole up":   func(b *bench.B) { blackhole(b, harness.Up) },
		"blackhole down": func(b *bench.B) { blackhole(b, harness.Down) },
		"blackhole of one way and the end of a stream": oneWay,
		"blackholes that overlap":                      overlap,
		"reset":                                        reset,
		"reset in a blackhole":                         heldReset,
		"refuse":                                       refuse,
		"an end that is called twice":                  endTwice,
		"what is no fault of the network":              noFault,
		"a change of profile":                          changeProfile,
		"many changes of profile":                      manyChanges,
	}
	if bench.Does(e, harness.Rebind) {
		maps.Copy(list, bench.Tests{
			"rebind":                    func(b *bench.B) { rebind(b, false) },
			"rebind with a new address": func(b *bench.B) { rebind(b, true) },
			"rebind during a handshake": rebindHandshake,
			"many rebinds":              manyRebinds,
		})
	}
	if bench.Does(e, harness.Vanish) {
		list["vanish"] = vanish
		maps.Copy(list, powerLosses())
	}
	return list
}

// blackhole has a request wait for the end of an outage.
func blackhole(b *bench.B, d harness.Direction) {
	b.Open(harness.NetworkConfig{Profile: bench.Link(b.Delay)})
	b.Echo()
	c := b.Dial(b.Net.Client(0), b.Addr())
	b.Exchange(c, 100)
	end := b.Inject(harness.Fault{Action: harness.Blackhole, Direction: d})
	_, err := c.Write(make([]byte, 100))
	b.NoError(err)
	b.Silent(c)
	hits := end()
	b.Positive(hits)
	if !b.Streams {
		b.EqualValues(b.Packets.Count(bench.DropFor(harness.DropOutage)), hits)
		b.Zero(b.Packets.Count(func(p harness.Packet) bool {
			return p.Drop == harness.DropOutage && d != harness.DirectionUnknown && p.Direction != d
		}))
	}
	back := time.Now()
	_, err = io.ReadFull(c, make([]byte, 100))
	b.NoError(err, "the request gets through once the link is back")
	if b.Virtual {
		b.Less(time.Since(back), b.Quiet+time.Second, "time-outs double")
	}
}

// oneWay sends a request and its end on the way that is open.
func oneWay(b *bench.B) {
	b.Open(harness.NetworkConfig{})
	client, server := b.Connect(0)
	end := b.Inject(harness.Fault{Action: harness.Blackhole, Direction: harness.Down})
	size := 1000 // without acknowledgements TCP sends no more than a first window
	if b.Streams {
		size = 100_000
	}
	request, answer := bench.Noise(1, size), bench.Noise(2, size)
	b.NoError(bench.Finish(client, request))
	got, err := io.ReadAll(server)
	b.NoError(err)
	b.Equal(request, got, "up is open, data and end")
	b.NoError(bench.Finish(server, answer))
	b.Silent(client) // neither data nor end
	b.Positive(end())
	got, err = io.ReadAll(client)
	b.NoError(err)
	b.Equal(answer, got, "all of it, in order")
	b.NotZero(b.Packets.Count(func(p harness.Packet) bool { return p.Direction == harness.Down && !bench.Dropped(p) }))
}

func overlap(b *bench.B) {
	b.Open(harness.NetworkConfig{})
	b.Echo()
	c := b.Dial(b.Net.Client(0), b.Addr())
	up := b.Inject(harness.Fault{Action: harness.Blackhole, Direction: harness.Up})
	whole := b.Inject(harness.Fault{Action: harness.Blackhole})
	b.NoError(bench.WriteErr(c))
	b.Silent(c)
	b.Positive(up())
	b.Silent(c)
	b.Positive(whole())
	b.NoError(bench.ReadErr(c))
}

// reset is seen by both ends of each connection, and by none that is made later.
func reset(b *bench.B) {
	b.Open(harness.NetworkConfig{Clients: 3, Profile: bench.Link(b.Delay)})
	var open []net.Conn
	for i := range 3 {
		client, server := b.Connect(i)
		open = append(open, client, server)
	}
	got := make(chan error, len(open))
	for _, c := range open {
		go func() { got <- bench.ReadErr(c) }()
	}
	end := b.Inject(harness.Fault{Action: harness.Reset})
	b.EqualValues(3, end())
	for range open {
		b.ErrorIs(<-got, syscall.ECONNRESET)
	}
	for _, c := range open {
		wasReset(b, bench.WriteErr(c)) // and by whoever asks later
	}
	client, server := b.Connect(0)
	b.NoError(bench.WriteErr(client))
	b.NoError(bench.ReadErr(server))
}

// heldReset has a client reset its connection while nothing crosses the link.
func heldReset(b *bench.B) {
	if !b.Streams {
		b.T.Skip("a reset is one packet, which an outage loses")
	}
	b.Open(harness.NetworkConfig{})
	client, server := b.Connect(0)
	end := b.Inject(harness.Fault{Action: harness.Blackhole})
	b.NoError(bench.Abort(client))
	b.Silent(server)
	b.EqualValues(1, end())
	b.ErrorIs(bench.ReadErr(server), syscall.ECONNRESET)
}

// refuse refuses until the last refusal has ended, and leaves open connections alone.
func refuse(b *bench.B) {
	b.Open(harness.NetworkConfig{Profile: bench.Link(b.Delay)})
	b.Echo()
	before := b.Dial(b.Net.Client(0), b.Addr())
	refused := func() {
		b.T.Helper()
		_, err := b.Net.Client(0).DialContext(b.T.Context(), "tcp", b.Addr())
		b.ErrorIs(err, syscall.ECONNREFUSED)
	}
	end := b.Inject(harness.Fault{Action: harness.Refuse})
	again := b.Inject(harness.Fault{Action: harness.Refuse})
	for range 3 {
		refused()
	}
	b.Exchange(before, 100)
	b.EqualValues(3, end())
	refused()
	b.EqualValues(4, again())
	b.Exchange(b.Dial(b.Net.Client(0), b.Addr()), 100)
}

// endTwice ends a fault twice while another one of its kind is in force.
func endTwice(b *bench.B) {
	b.Open(harness.NetworkConfig{})
	b.Echo()
	c := b.Dial(b.Net.Client(0), b.Addr())
	first := b.Inject(harness.Fault{Action: harness.Blackhole})
	second := b.Inject(harness.Fault{Action: harness.Blackhole})
	b.NoError(bench.WriteErr(c))
	b.Silent(c)
	hits := first()
	b.Equal(hits, first(), "it says the same again")
	b.Silent(c)
	b.Positive(second())
	b.NoError(bench.ReadErr(c))

	first = b.Inject(harness.Fault{Action: harness.Refuse})
	second = b.Inject(harness.Fault{Action: harness.Refuse})
	b.Zero(first())
	b.Zero(first())
	_, err := b.Net.Client(0).DialContext(b.T.Context(), "tcp", b.Addr())
	b.ErrorIs(err, syscall.ECONNREFUSED)
	b.EqualValues(1, second())
	b.EqualValues(1, second())
	b.Exchange(b.Dial(b.Net.Client(0), b.Addr()), 100)
}

// noFault injects what no network does, and what this one does not.
func noFault(b *bench.B) {
	b.Open(harness.NetworkConfig{})
	none := []harness.Action{
		harness.ActionUnknown, harness.SetLink, harness.Crash, harness.Slow,
		harness.Heal, harness.Drop, harness.Freeze,
	}
	for _, a := range []harness.Action{harness.Rebind, harness.Vanish, harness.CrossTraffic, harness.StreamToxic} {
		if !bench.Does(b.Engine, a) {
			none = append(none, a)
		}
	}
	for _, a := range none {
		end, err := b.Net.Inject(harness.Fault{Action: a})
		b.ErrorContains(err, "inject "+a.String())
		b.Nil(end)
	}
	plain, err := b.Engine.Open(b.T.Context(), harness.NetworkConfig{Start: time.Now(), Packets: b.Packets, Clients: 1})
	b.NoError(err)
	_, err = plain.Inject(harness.Fault{Action: harness.StreamToxic})
	b.ErrorContains(err, "inject", "a toxic where none were asked for")
	b.NoError(plain.Close())
}

// changeProfile has what is under way keep its fate.
func changeProfile(b *bench.B) {
	const slow, fast = 200 * time.Millisecond, 10 * time.Millisecond
	b.Open(harness.NetworkConfig{Profile: bench.Link(slow)})
	client, server := b.Connect(0)
	begin := time.Now()
	b.NoError(bench.WriteErr(client))
	time.Sleep(slow / 2)
	b.Net.SetProfile(bench.Link(fast))
	b.NoError(bench.ReadErr(server))
	took := time.Since(begin)
	b.GreaterOrEqual(took, slow)
	begin = time.Now()
	b.NoError(bench.WriteErr(server))
	b.NoError(bench.ReadErr(client))
	b.GreaterOrEqual(time.Since(begin), fast)
	if b.Virtual {
		b.InDelta(slow, took, float64(time.Microsecond))
		b.InDelta(fast, time.Since(begin), float64(time.Microsecond))
	}
}

// manyChanges changes the link under traffic, which loses no byte.
func manyChanges(b *bench.B) {
	const size = 256 << 10
	b.Open(harness.NetworkConfig{Clients: 4})
	errs := make(chan error, 16)
	for i := range 4 {
		client, server := b.Connect(i)
		for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
			data := bench.Noise(uint64(i), size)
			go func() { errs <- bench.Finish(way[0], data) }()
			go func() { errs <- bench.Receive(way[1], data) }()
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
				b.Net.SetProfile(bench.Both(harness.Path{
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
func timeOut(b *bench.B) { b.Quiet = max(b.Quiet, 300*time.Millisecond) }

func rebind(b *bench.B, newAddress bool) {
	timeOut(b)
	b.Open(harness.NetworkConfig{Clients: 3})
	oldClient, oldServer := b.Connect(0)
	b.Connect(1)
	over, overServer := b.Connect(1) // ended before: not a hit
	b.NoError(over.Close())
	b.ErrorIs(bench.ReadErr(overServer), io.EOF)
	b.NoError(overServer.Close())
	b.Eventually(func() bool { // both FINs have crossed
		return b.Packets.Count(func(p harness.Packet) bool { return p.Client == 1 && p.Flow == 2 }) >= 6
	})
	b.EqualValues(2, b.Inject(harness.Fault{Action: harness.Rebind, NewAddress: newAddress})())

	_, err := oldClient.Write([]byte("lost"))
	b.NoError(err)
	_, err = oldServer.Write([]byte("lost"))
	b.NoError(err)
	b.Silent(oldClient)
	b.Silent(oldServer)

	newClient, newServer := b.Connect(0)
	var echo sync.WaitGroup
	echo.Go(func() { _, _ = io.Copy(newServer, newServer) })
	b.Exchange(newClient, 1000)
	was, is := oldServer.RemoteAddr().(*net.TCPAddr).IP, newServer.RemoteAddr().(*net.TCPAddr).IP
	b.Equal(newAddress, !was.Equal(is), "the server sees %v, then %v", was, is)
	b.Equal(newAddress, is.String() == "10.2.0.0", is)
	b.Equal(newClient.LocalAddr().String(), newServer.RemoteAddr().String())
	for _, d := range []harness.Direction{harness.Up, harness.Down} {
		b.NotZero(b.Packets.Count(func(p harness.Packet) bool { return p.Drop == harness.DropNAT && p.Direction == d }))
	}
	b.Zero(b.Packets.Count(func(p harness.Packet) bool {
		kept := b.Virtual && p.Client == 1 // it has the time to keep its old flow alive
		return p.Drop == harness.DropNAT && (p.Flow != 1 || p.Client != 0 && !kept)
	}), "packets of the old flow alone are lost, and keep its number")
	b.NotZero(b.Packets.Count(func(p harness.Packet) bool { return p.Client == 0 && p.Flow == 2 }))
	b.NoError(newClient.Close())
	echo.Wait()
}

// rebindHandshake forgets a flow while its SYN is under way. The answer is lost; the
// next SYN is a new flow to the NAT.
func rebindHandshake(b *bench.B) {
	b.Short() // a SYN lost takes a second
	syn := &first{seen: make(chan struct{})}
	b.Open(harness.NetworkConfig{Profile: bench.Link(300 * time.Millisecond), Capture: syn})
	b.Echo()
	dialed := make(chan net.Conn, 1)
	go func() {
		c, _ := b.Net.Client(0).DialContext(b.T.Context(), "tcp", b.Addr())
		dialed <- c
	}()
	<-syn.seen
	time.Sleep(time.Microsecond)
	b.Zero(b.Inject(harness.Fault{Action: harness.Rebind})(), "it is not open yet")
	c := <-dialed
	b.NotNil(c)
	b.Own(c)
	b.Equal(1, b.Packets.Count(bench.DropFor(harness.DropNAT)))
	b.Exchange(c, 100)
	b.Zero(b.Packets.Count(func(p harness.Packet) bool { return p.Flow != 1 }))
}

// first is closed by the first packet offered to a link.
type first struct {
	once sync.Once
	seen chan struct{}
}

func (f *first) Capture(time.Duration, int, harness.Direction, []byte) {
	f.once.Do(func() { close(f.seen) })
}

// manyRebinds gives a client more addresses than there are.
func manyRebinds(b *bench.B) {
	timeOut(b)
	b.Open(harness.NetworkConfig{})
	b.Echo()
	c := b.Dial(b.Net.Client(0), b.Addr())
	for range 300 {
		b.Inject(harness.Fault{Action: harness.Rebind, NewAddress: true})()
	}
	b.NoError(bench.WriteErr(c))
	b.Silent(c)
	b.Exchange(b.Dial(b.Net.Client(0), b.Addr()), 100)
}

// vanish loses the packets of one flow, whose ends do not hear of it.
func vanish(b *bench.B) {
	timeOut(b)
	b.Open(harness.NetworkConfig{})
	b.Echo()
	c := b.Dial(b.Net.Client(0), b.Addr())
	b.Exchange(c, 10)
	end := b.Inject(harness.Fault{Action: harness.Vanish})
	b.NoError(bench.WriteErr(c))
	b.Silent(c)
	b.Exchange(b.Dial(b.Net.Client(0), b.Addr()), 100) // a new one works meanwhile
	b.EqualValues(1, end())
	b.NoError(bench.ReadErr(c), "both ends know the connection still")
	b.NotZero(b.Packets.Count(bench.DropFor(harness.DropNAT)))
}

// powerLosses are crashes with vanish: each side in turn loses its power without a
// word, and comes back without knowing the connection.
func powerLosses() bench.Tests {
	list := bench.Tests{}
	for _, side := range []harness.Side{harness.Server, harness.Client} {
		for name, crash := range map[string]func(net.Conn) error{
			"reset": bench.Abort, "closed": net.Conn.Close, "left open": nil,
		} {
			list["the "+side.String()+" has no power, its connections "+name] = func(b *bench.B) {
				powerLoss(b, side, crash)
			}
		}
	}
	return list
}

func powerLoss(b *bench.B, side harness.Side, crash func(net.Conn) error) {
	timeOut(b)
	b.Open(harness.NetworkConfig{Profile: bench.Link(b.Delay)})
	victim, survivor := b.Connect(0)
	if side == harness.Server {
		victim, survivor = survivor, victim
	}
	end := b.Inject(harness.Fault{Action: harness.Vanish, Side: side})
	if crash != nil {
		b.NoError(crash(victim))
	}
	if side == harness.Server {
		b.NoError(b.Listener.Close())
	}
	b.NoError(bench.WriteErr(survivor))
	b.Silent(survivor)
	if side == harness.Server { // a machine without power refuses nothing
		ctx, cancel := context.WithTimeout(b.T.Context(), b.Quiet)
		defer cancel()
		_, err := b.Net.Client(0).DialContext(ctx, "tcp", b.Addr())
		b.ErrorIs(err, context.DeadlineExceeded)
	}
	b.EqualValues(1, end())
	if crash == nil {
		b.ErrorIs(bench.ReadErr(victim), syscall.ECONNRESET)
	}
	b.ErrorIs(bench.ReadErr(survivor), syscall.ECONNRESET, "the host answers what is sent again with a reset")
}
