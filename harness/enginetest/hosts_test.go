package enginetest

import (
	"context"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/enginetest/bench"
)

// hosts are tests of several hosts: a client, a server, and the server's bank. An engine
// that has no further hosts refuses them.
func hosts(e harness.Engine) Tests {
	if !e.Abilities().Has(harness.JoinHosts) {
		return Tests{"are refused": hostsRefused}
	}
	list := Tests{}
	for name, run := range map[string]func(*town){
		"a blackhole of one link":                     (*town).blackholeOfOneLink,
		"the power of one host":                       (*town).powerOfOneHost,
		"reset, refuse and cross traffic on one link": (*town).faultsOfOneLink,
		"hosts and links that are not there":          (*town).notThere,
	} {
		list[name] = func(b *bench.B) {
			slow := bench.Both(harness.Path{Delay: 5 * time.Millisecond, Rate: 1_000_000})
			run(openTown(b, harness.Profile{}, slow))
		}
	}
	return list
}

// timings are tests that a machine which stalls breaks: nothing else runs beside them.
func timings(e harness.Engine) Tests {
	list := Tests{"what is not lost comes once": lossless}
	if e.Abilities().Has(harness.JoinHosts) {
		list["two links have two profiles"] = func(b *bench.B) {
			b.Short()
			openTown(b, bench.Link(10*time.Millisecond), bench.Link(80*time.Millisecond)).profilesOfTwoLinks()
		}
	}
	return list
}

const bankLink = "server-bank"

func withBank(profile harness.Profile) harness.Topology {
	return harness.Topology{Hosts: []string{"bank"}, Links: []harness.Link{{Near: "server", Far: "bank", Profile: profile}}}
}

func hostsRefused(b *bench.B) {
	_, err := b.Engine.Open(b.T.Context(), harness.NetworkConfig{Clients: 1, Topology: withBank(harness.Profile{})})
	b.EqualError(err, withBank(harness.Profile{}).NeedsHosts(b.Engine.Name()).Error())
	b.Open(harness.NetworkConfig{})
	_, err = b.Net.Host("bank")
	b.EqualError(err, `there is no host "bank": expected server, a client or one of the network's topology: none`)
	b.EqualError(b.Net.SetLinkProfile(bankLink, harness.Profile{}), `set the profile of a link: there is no link "server-bank": expected one of the network's topology: none`)
	_, err = b.Net.Inject(harness.Fault{Action: harness.Blackhole, Link: bankLink})
	b.ErrorContains(err, `there is no link "server-bank"`)
}

// town is a network of three hosts, where the server and the bank echo.
type town struct {
	*bench.B
	bank net.Listener
}

func openTown(b *bench.B, access, bank harness.Profile) *town {
	b.T.Helper()
	b.Open(harness.NetworkConfig{Seed: 1, Clients: 2, Profile: access, Topology: withBank(bank)})
	h, err := b.Net.Host("bank")
	b.NoError(err)
	w := &town{B: b}
	w.bank, err = h.Listen(b.T.Context(), "tcp", ":0")
	b.NoError(err)
	b.Echo()
	b.EchoAt(w.bank)
	return w
}

// pay and order are the connections of a client to the server and of the server to
// its bank.
func (w *town) pay(i int) net.Conn { return w.Dial(w.Net.Client(i), w.Addr()) }
func (w *town) order() net.Conn    { return w.Dial(w.Net.Server(), w.bank.Addr().String()) }

// unanswered requires that nothing comes back to what is sent.
func (w *town) unanswered(c net.Conn) {
	w.T.Helper()
	w.NoError(bench.WriteErr(c))
	w.Silent(c)
}

// blackholeOfOneLink leaves the other links alone.
func (w *town) blackholeOfOneLink() {
	phone, order := w.pay(0), w.order()
	w.Exchange(phone, 1)
	w.Exchange(order, 1)
	end := w.Inject(harness.Fault{Action: harness.Blackhole, Link: bankLink})
	w.unanswered(order)
	w.Exchange(phone, 1)
	w.Exchange(w.pay(1), 1)
	hits := end()
	w.Positive(hits)
	lost := dropFor(harness.DropOutage)
	w.EqualValues(w.Packets.Count(lost), hits)
	w.EqualValues(w.Packets.Count(func(p harness.Packet) bool { return lost(p) && p.Link == bankLink && p.Client == 0 }), hits)
	w.NoError(bench.ReadErr(order), "it gets through once the link is back")

	end = w.Inject(harness.Fault{Action: harness.Blackhole})
	w.unanswered(phone)
	w.Exchange(order, 1)
	w.Positive(end())
}

// profilesOfTwoLinks are two, and each can be changed alone.
func (w *town) profilesOfTwoLinks() {
	phone, order := w.pay(0), w.order()
	near := func(want time.Duration, c net.Conn) {
		w.T.Helper()
		took := w.Exchange(c, 1)
		w.GreaterOrEqual(took, want)
		w.Less(took, want+60*time.Millisecond)
	}
	near(20*time.Millisecond, phone)
	near(160*time.Millisecond, order)
	w.NoError(w.Net.SetLinkProfile(bankLink, bench.Link(150*time.Millisecond)))
	near(300*time.Millisecond, order)
	near(20*time.Millisecond, phone)
	w.Net.SetProfile(bench.Link(90 * time.Millisecond))
	near(180*time.Millisecond, phone)
	near(300*time.Millisecond, order)
	for link, least := range map[string]time.Duration{"": 10 * time.Millisecond, bankLink: 80 * time.Millisecond} {
		w.Zero(w.Packets.Count(func(p harness.Packet) bool {
			return p.Link == link && p.Drop == harness.DropNone && p.Delay < least
		}))
		w.Positive(w.Packets.Count(func(p harness.Packet) bool { return p.Link == link }))
	}
}

// powerOfOneHost is the bank's: its connections are gone, those of the clients stay.
func (w *town) powerOfOneHost() {
	phone, order := w.pay(0), w.order()
	w.Exchange(order, 1)
	end := w.Inject(harness.Fault{Action: harness.Vanish, Side: "bank"})
	w.unanswered(order)
	w.Exchange(phone, 1)
	w.EqualValues(1, end())
	_, err := order.Write([]byte("x"))
	if err == nil {
		_, err = io.ReadFull(order, make([]byte, 2))
	}
	w.Error(err, "the bank has forgotten the connection")
	w.Exchange(phone, 1)
	w.Exchange(w.order(), 1)
}

// faultsOfOneLink are a reset, a refusal and cross traffic.
func (w *town) faultsOfOneLink() {
	phone, order := w.pay(0), w.order()
	w.Exchange(phone, 1)
	w.Exchange(order, 1)
	w.EqualValues(1, w.Inject(harness.Fault{Action: harness.Reset, Link: bankLink})())
	w.ErrorIs(bench.ReadErr(order), syscall.ECONNRESET)
	w.Exchange(phone, 1)

	end := w.Inject(harness.Fault{Action: harness.Refuse, Link: bankLink})
	_, err := w.Net.Server().DialContext(w.T.Context(), "tcp", w.bank.Addr().String())
	w.ErrorIs(err, syscall.ECONNREFUSED)
	w.Exchange(w.pay(1), 1)
	w.EqualValues(1, end())

	end = w.Inject(harness.Fault{Action: harness.CrossTraffic, Link: bankLink, Direction: harness.Down})
	w.Eventually(func() bool {
		return w.Packets.Count(func(p harness.Packet) bool { return p.Cross && p.Link == bankLink && p.Drop == harness.DropNone }) > 10
	})
	w.Greater(end(), int64(10))
	w.Zero(w.Packets.Count(func(p harness.Packet) bool { return p.Cross && p.Link == "" }))
}

// notThere: a host without a link is out of reach at once; what does not exist is named.
func (w *town) notThere() {
	ctx, cancel := context.WithTimeout(w.T.Context(), w.Timeout)
	defer cancel()
	bank := w.bank.Addr().String()
	_, err := w.Net.Client(0).DialContext(ctx, "tcp", bank)
	w.ErrorIs(err, syscall.EHOSTUNREACH)
	w.ErrorContains(err, "no link joins client0 and bank")
	if w.Engine.Abilities().Has(harness.CarryDatagrams) {
		_, err = w.Net.Client(0).DialContext(ctx, "udp", bank)
		w.ErrorIs(err, syscall.EHOSTUNREACH)
	}
	_, err = w.Net.Host("bnak")
	w.EqualError(err, `there is no host "bnak": expected server, a client or one of the network's topology: bank`)
	w.EqualError(w.Net.SetLinkProfile("client0-bank", harness.Profile{}), `set the profile of a link: there is no link "client0-bank": expected one of the network's topology: server-bank`)
	_, err = w.Net.Inject(harness.Fault{Action: harness.Rebind, Link: bankLink})
	w.EqualError(err, "inject rebind on server-bank: no NAT is on a link between hosts: only access links have one")
	_, err = w.Net.Inject(harness.Fault{Action: harness.Blackhole, Link: "bank-server"})
	w.ErrorContains(err, `there is no link "bank-server"`)
	h, err := w.Net.Host("client1")
	w.NoError(err)
	w.Equal(w.Net.Client(1), h)
}
