// Package toxi is the toxiproxy engine: it impairs byte streams on loopback
// sockets. Only it and package control know toxiproxy.
//
// [Engine] opens networks whose every connection runs through toxiproxy.
// [InFrontOf] puts toxiproxy's stream faults before the connections of another
// engine.
//
// # What runs through toxiproxy
//
// Each connection gets a toxiproxy proxy of its own, with a chain of toxics that
// is built before the connection exists and never changed afterwards:
//
//	app ⇄ near [ our toxic → stream toxics in force when it was dialed ] far ⇄ server
//
// Our toxic does delay, jitter, rate and blackhole. What it is to do stands
// behind an atomic pointer, so a timeline changes it under traffic without
// touching the chain: removing a toxic of toxiproxy v2.12.0 from a live
// connection loses data, and updating one can crash the process.
//
// Of a toxiproxy proxy we use the links and the toxics, but not the accept
// loop. That loop turns a reset into an orderly close, a half-close into a whole
// one and a dead server into a connection that ends at once, and it cannot
// refuse connections without ending those that are open. So this package opens
// the sockets itself: a reset, a half-close and a refused dial reach the other
// end as what they are.
//
// # What a byte stream cannot show
//
// There are no packets, hence no loss: by the time toxiproxy reads a chunk the
// kernel has acknowledged it, so dropping it leaves a hole in the stream that no
// TCP would leave. A scenario that asks for loss is refused. A blackhole therefore holds
// data, closes and resets back, and lets them go, in order, the moment it ends;
// a TCP that finds out by retransmission resumes up to twice as late. It is
// reported as offered to the link at that moment, with the link's delay: the
// wait shows in the payments, not in the packets. A queue limit has no meaning
// either: what does not fit waits with its sender (backpressure).
//
// toxiproxy accepts a connection at once, whatever the link is like. Here the
// dial waits for a round trip of the link, and through a blackhole, as a SYN
// would; but the sizes of packets reported are payload only, without handshakes,
// headers, acknowledgements or retransmissions.
package toxi
