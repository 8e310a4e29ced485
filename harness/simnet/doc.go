// Package simnet is the engine of virtual time: the hosts of package packet with a
// modelled TCP, joined by the same links, inside a testing/synctest bubble. An hour
// of bad network takes milliseconds, and the same seed gives the same packets.
//
// # The way of a packet
//
//	Conn.Write -> events.Loop -> tcp.Conn -> link -> events.Loop -> tcp.Conn -> Conn.Read
//
// The parts are packages of their own:
//
//   - The code under test holds a socket (package socket). A call takes note of what is asked
//     for and marks the socket. A nanosecond later the event loop of the [Network] (package
//     events) serves the marked sockets.
//   - The connection behind the socket is a state machine (package tcp). It makes segments of
//     what was written. Timers of TCP and deadlines are events.
//   - The link to the other host (package access, with the NAT of an access link) asks package
//     link for the fate of each segment. The flight of one that is not lost is an event, which
//     hands it to the connection at the other end and tells the sink. A corrupted packet
//     arrives and is thrown away.
//   - Packets are values, not bytes. Package wire makes bytes of them only for a capture
//     (NetworkConfig.Capture).
//   - A connection that a client dials while a harness.StreamToxic is in force runs through a
//     model of toxiproxy on the phone (proxy.go, package toxic), as the packet engine's runs
//     through a real one.
//
// # Locks
//
// There is one lock, that of the event loop, and it protects the whole network: hosts, links,
// sockets. Events and tasks run with it held. So do the methods of host, endpoint, hostLink,
// flow and transfer, except those of harness.Host, which take it, as do the methods of
// [Network] and what Inject returns. Condition variables of sockets wait with this lock.
//
// # What repeats
//
// Of a seed always the fate of the n-th packet of a flow. In a bubble also when
// every packet is sent, as long as the program under test does not itself depend on
// the order in which goroutines run that are ready at the same instant:
//
//   - events have a total order, and an instant of their own each, at least a
//     nanosecond after the one before;
//   - sockets are served in the order of their numbers, not of the calls;
//   - timers of TCP end on the ticks of their host, which begin at a nanosecond
//     drawn from the seed, and so hardly ever meet those of the program under test.
//
// # What hangs
//
// A goroutine that waits for a mutex is not durably blocked, so virtual time stands
// still until it gets it. Therefore Write does not wait for the network, see
// [Engine]. A program that holds a mutex while it waits for an answer, and has a
// second goroutine that wants it, stops its bubble for good.
//
// Outside a bubble everything works in real time, as exactly as Go's timers do.
package simnet

import (
	"net"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/simnet/socket"
)

var (
	_ harness.Engine         = Engine{}
	_ harness.Network        = (*Network)(nil)
	_ harness.Host           = (*host)(nil)
	_ harness.PacketListener = (*host)(nil)
	_ harness.LinkWatcher    = (*host)(nil)
	_ net.Conn               = (*socket.Stream)(nil)
	_ net.Conn               = (*socket.Datagrams)(nil)
	_ net.PacketConn         = (*socket.Datagrams)(nil)
)
