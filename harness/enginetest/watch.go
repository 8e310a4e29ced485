package enginetest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
)

// watchCase is faults that all begin and then end in order, and what two phones are
// told of their links meanwhile.
type watchCase struct {
	name   string
	faults []harness.Fault
	began  bool // told when the last of them has begun
	ended  int  // told when so many of them have ended; 0 is never
}

func watchCases() []watchCase {
	hole := harness.Fault{Action: harness.Blackhole}
	up := harness.Fault{Action: harness.Blackhole, Direction: harness.Up}
	down := harness.Fault{Action: harness.Blackhole, Direction: harness.Down}
	moved := harness.Fault{Action: harness.Rebind, NewAddress: true}
	forgets := harness.Fault{Action: harness.Rebind}
	phone := harness.Fault{Action: harness.Vanish, Side: harness.Client}
	server := harness.Fault{Action: harness.Vanish, Side: harness.Server}
	flows := harness.Fault{Action: harness.Vanish}
	refuse := harness.Fault{Action: harness.Refuse}
	reset := harness.Fault{Action: harness.Reset}
	toxic := harness.Fault{Action: harness.StreamToxic, Toxic: &harness.Toxic{Type: "slow_close", Stream: "upstream"}}
	list := func(f ...harness.Fault) []harness.Fault { return f }
	return []watchCase{
		{"a blackhole", list(hole), false, 1},
		{"a blackhole up", list(up), false, 1},
		{"a blackhole down", list(down), false, 1},
		{"the last of two blackholes", list(up, down), false, 2},
		{"a phone without power", list(phone), false, 1},
		{"no power, and a blackhole", list(phone, hole), false, 2},
		{"a new address", list(moved), true, 0},
		{"a new address in a blackhole", list(hole, moved), false, 1},
		{"a NAT that forgets", list(forgets), false, 0},
		{"a server without power", list(server), false, 0},
		{"a blackhole in a server's crash", list(server, hole), false, 2},
		{"flows that vanish", list(flows), false, 0},
		{"a server that refuses", list(refuse), false, 0},
		{"resets", list(reset), false, 0},
		{"a toxic", list(toxic), false, 0},
	}
}

func watches(e harness.Engine) bench.Tests {
	list := bench.Tests{"stops": watchStops, "ends with the network": watchCloses}
	for _, x := range watchCases() {
		if !slices.ContainsFunc(x.faults, func(f harness.Fault) bool { return !bench.Does(e, f.Action) }) {
			list[x.name] = x.run
		}
	}
	return list
}

type told struct {
	client int
	at     time.Time
}

// tellings are the calls of watchers that nobody has taken yet. Engines call from
// goroutines of their own.
type tellings struct {
	mu   sync.Mutex
	list []told
}

func (l *tellings) add(client int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, told{client, time.Now()})
}

func (l *tellings) drain() []told {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.list
	l.list = nil
	return list
}

// watch has two clients watch their links, the second one first.
func watch(b *bench.B) (list *tellings, stops [2]func()) {
	b.T.Helper()
	list = &tellings{}
	for _, i := range []int{1, 0} {
		w, ok := b.Net.Client(i).(harness.LinkWatcher)
		b.True(ok, "the client hosts of our engines watch")
		stops[i] = w.WatchLink(func() { list.add(i) })
	}
	if w, ok := b.Net.Server().(harness.LinkWatcher); ok {
		b.T.Cleanup(w.WatchLink(func() { b.T.Error("the server has no access link") }))
	}
	return list, stops
}

// take waits until the watchers of this instant have been told, and returns them.
func take(b *bench.B, list *tellings) (clients []int) {
	b.T.Helper()
	begin := time.Now()
	if b.Virtual {
		time.Sleep(time.Microsecond) // the sim engine tells each at an instant of its own
	}
	all := list.drain()
	for i, x := range all {
		clients = append(clients, x.client)
		if b.Virtual {
			b.False(x.at.Before(begin))
			b.True(i == 0 || x.at.After(all[i-1].at), "each at an instant of its own")
		}
	}
	return clients
}

func (w watchCase) run(b *bench.B) {
	b.Open(harness.NetworkConfig{Clients: 2})
	b.Echo()
	b.Exchange(b.Dial(b.Net.Client(0), b.Addr()), 10)
	list, _ := watch(b)
	want := func(is bool) []int {
		if is {
			return []int{0, 1}
		}
		return nil
	}
	var ends []func() int64
	for i, f := range w.faults {
		b.Empty(list.drain())
		ends = append(ends, b.Inject(f))
		b.Equal(want(w.began && i == len(w.faults)-1), take(b, list))
	}
	if !b.Streams {
		b.Net.SetProfile(bench.Both(harness.Path{Loss: harness.Loss{P: 1}}))
	}
	if b.Virtual {
		time.Sleep(time.Second)
	}
	b.Empty(take(b, list), "while the faults last")
	for i, end := range ends {
		end()
		b.Equal(want(w.ended == i+1), take(b, list), fmt.Sprintf("at the end of fault %d", i+1))
	}
	b.Net.SetProfile(harness.Profile{})
	b.Empty(take(b, list), "later")
}

func watchStops(b *bench.B) {
	b.Open(harness.NetworkConfig{Clients: 2})
	list, stops := watch(b)
	hole := harness.Fault{Action: harness.Blackhole}
	end := b.Inject(hole)
	stops[1]()
	stops[1]() // may be called more than once
	end()
	b.Equal([]int{0}, take(b, list))
	end()
	b.Empty(take(b, list), "an end that is called twice is no second end")
	if b.Virtual {
		b.Inject(hole)()
		again := b.Inject(hole) // at the same instant
		time.Sleep(time.Second)
		b.Empty(take(b, list), "it was down again before anybody was told")
		again()
		b.Equal([]int{0}, take(b, list))
	}
	end = b.Inject(hole)
	stops[0]()
	end()
	b.Empty(take(b, list))
}

func watchCloses(b *bench.B) {
	b.Open(harness.NetworkConfig{Clients: 2})
	list, _ := watch(b)
	end := b.Inject(harness.Fault{Action: harness.Blackhole})
	b.NoError(b.Net.Close())
	end()
	b.Empty(take(b, list), "the network was closed")
}
