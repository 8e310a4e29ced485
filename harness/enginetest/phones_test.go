package enginetest

import (
	"net"
	"syscall"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
)

// phones are tests of faults and profiles on the access link of one client: those of the
// others stay as they are.
func phones(e harness.Engine) Tests {
	if !e.Abilities().Has(harness.ChooseClients) {
		return Tests{}
	}
	list := Tests{}
	for name, run := range map[string]func(*pair){
		"a blackhole":               (*pair).dark,
		"a blackhole of all beside": (*pair).darkWithAll,
		"a refusal and a reset":     (*pair).refused,
		"a rebind":                  (*pair).rebound,
		"no power":                  (*pair).off,
		"a profile":                 (*pair).slow,
		"what all links have only":  (*pair).refusedFaults,
	} {
		list[name] = func(b *bench.B) {
			b.Open(harness.NetworkConfig{Seed: 1, Clients: 2, Profile: bench.Link(10 * time.Millisecond)})
			b.Echo()
			p := &pair{B: b, it: b.Dial(b.Net.Client(1), b.Addr()), other: b.Dial(b.Net.Client(0), b.Addr())}
			p.Exchange(p.it, 1)
			p.Exchange(p.other, 1)
			run(p)
		}
	}
	return list
}

// phone is the client that the faults are on.
const phone = "client1"

// pair is two phones with a connection each.
type pair struct {
	*bench.B
	it, other net.Conn
}

func (p *pair) dark() {
	list, _ := watch(p.B)
	end := p.Inject(harness.Fault{Action: harness.Blackhole, Link: phone})
	p.NoError(bench.WriteErr(p.it))
	p.Silent(p.it)
	p.Exchange(p.other, 1)
	lost := dropFor(harness.DropOutage)
	hits := end()
	p.Positive(hits)
	p.EqualValues(p.Packets.Count(func(x harness.Packet) bool { return lost(x) && x.Client == 1 }), hits)
	p.Zero(p.Packets.Count(func(x harness.Packet) bool { return lost(x) && x.Client == 0 }))
	p.Equal([]int{1}, take(p.B, list), "only its phone is told")
	p.NoError(bench.ReadErr(p.it), "it gets through once the link is back")
}

// darkWithAll: a link is back when both of its blackholes have ended.
func (p *pair) darkWithAll() {
	list, _ := watch(p.B)
	one := p.Inject(harness.Fault{Action: harness.Blackhole, Link: phone, Direction: harness.Up})
	all := p.Inject(harness.Fault{Action: harness.Blackhole, Direction: harness.Up})
	p.NoError(bench.WriteErr(p.it))
	p.Silent(p.it)
	p.Positive(all())
	p.Equal([]int{0}, take(p.B, list))
	p.Silent(p.it)
	p.Exchange(p.other, 1)
	p.Positive(one())
	p.Equal([]int{1}, take(p.B, list))
	p.NoError(bench.ReadErr(p.it))
}

func (p *pair) refused() {
	p.EqualValues(1, p.Inject(harness.Fault{Action: harness.Reset, Link: phone})())
	p.ErrorIs(bench.ReadErr(p.it), syscall.ECONNRESET)
	end := p.Inject(harness.Fault{Action: harness.Refuse, Link: phone})
	_, err := p.Net.Client(1).DialContext(p.T.Context(), "tcp", p.Addr())
	p.ErrorIs(err, syscall.ECONNREFUSED)
	p.Exchange(p.other, 1)
	p.Exchange(p.Dial(p.Net.Client(0), p.Addr()), 1)
	p.EqualValues(1, end())
}

func (p *pair) rebound() {
	p.EqualValues(1, p.Inject(harness.Fault{Action: harness.Rebind, Link: phone, NewAddress: true})())
	p.NoError(bench.WriteErr(p.it))
	p.Silent(p.it)
	p.Exchange(p.Dial(p.Net.Client(1), p.Addr()), 1)
	p.Exchange(p.other, 1)
}

func (p *pair) off() {
	list, _ := watch(p.B)
	end := p.Inject(harness.Fault{Action: harness.Vanish, Side: phone})
	p.NoError(bench.WriteErr(p.it))
	p.Silent(p.it)
	p.Exchange(p.other, 1)
	p.EqualValues(1, end())
	p.Equal([]int{1}, take(p.B, list))
	p.Exchange(p.Dial(p.Net.Client(1), p.Addr()), 1)
}

// slow: the profile of one link lasts until all links get another.
func (p *pair) slow() {
	p.NoError(p.Net.SetLinkProfile(phone, bench.Link(200*time.Millisecond)))
	p.GreaterOrEqual(p.Exchange(p.it, 1), 400*time.Millisecond)
	p.Less(p.Exchange(p.other, 1), 400*time.Millisecond)
	p.Net.SetProfile(bench.Link(10 * time.Millisecond))
	p.Less(p.Exchange(p.it, 1), 400*time.Millisecond)
}

func (p *pair) refusedFaults() {
	_, err := p.Net.Inject(harness.Fault{Action: harness.CrossTraffic, Link: phone, Direction: harness.Down})
	p.EqualError(err, "inject cross_traffic on client1: expected every access link")
	_, err = p.Net.Inject(harness.Fault{Action: harness.Reset, Link: "client2"})
	p.ErrorContains(err, `there is no link "client2"`)
}
