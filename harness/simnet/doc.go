// Package simnet is the engine of virtual time: the hosts of package packet with a
// modelled TCP, joined by the same links, inside a testing/synctest bubble. An hour
// of bad network takes milliseconds, and the same seed gives the same packets.
//
// # The way of a packet
//
//	Conn.Write -> event queue -> endpoint -> link -> event queue -> endpoint -> Conn.Read
//
// A [Network] has one mutex, and one goroutine, which runs the event queue. Calls of the
// code under test change what belongs to its socket and mark it; a nanosecond later the
// event queue serves the marked sockets. An endpoint makes segments of what was written.
// The link to the other host (package access, with the NAT of an access link) asks package
// link for their fate. The flight of each that is not lost is an event, which hands it to
// the endpoint at the other end and tells the sink. Retransmission timers, delayed
// acknowledgements, deadlines and keepalives are events, too.
//
// Segments are values, not bytes. They get bytes only for a capture
// (NetworkConfig.Capture), with sequence numbers, options and checksums.
//
// # TCP
//
// Segments carry what Linux puts into them: at most 1448 bytes with timestamps
// (RFC 7323), three SACK blocks (RFC 2018), duplicates reported (RFC 2883). What is
// not in the model: sequence numbers that wrap, checksums (a corrupted packet
// arrives and is thrown away), urgent data, Nagle's algorithm.
//
//   - Handshake: the SYN again after 1 s, 2 s and so on, seven in all.
//   - Slow start from ten segments (RFC 6928) that ends by delay (HyStart), then
//     CUBIC (RFC 9438). The window is not paced, and falls at once at a loss, where Linux lowers it bit by bit.
//   - Losses are found by RACK, with tail loss probes (RFC 8985) that go no later
//     than the time-out, as in Linux.
//   - Time-out: RFC 6298, with Linux's floor of 200 ms under the variance term, two
//     minutes at most, and late as Linux's timer wheel is (wheel.go). A connection breaks after 15 time-outs, 924.6 s. One
//     that was for nothing is undone by its timestamp (RFC 3522).
//   - Acknowledgements as in package packet: 40 ms late, but at once at the start of
//     a connection, after a repetition, for a hole, for more than a full segment.
//   - Closed windows are probed, idle peers after 15 s as package net has it.
//   - TIME-WAIT of a minute on the side that closed first.
//
// # Stream toxics
//
// A connection that a client dials while a harness.StreamToxic is in force runs
// through a model of toxiproxy on the phone (proxy.go, toxic.go), as the packet
// engine's runs through a real one: its bytes are cut, held back or thrown away
// before they reach the link or after they have left it.
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
)

var (
	_ harness.Engine         = Engine{}
	_ harness.Network        = (*Network)(nil)
	_ harness.Host           = (*host)(nil)
	_ harness.PacketListener = (*host)(nil)
	_ harness.LinkWatcher    = (*host)(nil)
	_ net.Conn               = conn{}
	_ net.Conn               = (*datagram)(nil)
	_ net.PacketConn         = (*datagram)(nil)
)
