// Package packet is the engine whose packet loss is packet loss: the server and
// every client are hosts with a TCP/IP stack of their own (gVisor's), joined by
// impaired links that carry IP packets in real time.
//
// # The way of a packet
//
//	Conn.Write -> stack of the client -> link -> queue -> stack of the server -> Conn.Read
//
// A [Network] has a host for the server, 10.0.0.1, and one for each client, 10.1.x.y, made
// when it is first used. The stack of a host (package sockets) hands each packet to the link
// to the other host (hostlink.go), which reads it (package segment), finds the connection it
// belongs to, says whether its sender has sent it before, holds it back if it is an
// acknowledgement that Linux would delay (package linuxtcp), and asks package link for its
// fate. A packet that arrives at once is put into the other stack by the sender's own
// goroutine; one that arrives later waits in the queue, the one goroutine of the network
// (package timerqueue). The sink is told of each packet once, when its fate is known, with
// the delay it really had. A packet the link corrupts arrives, and is thrown away by the
// stack, whose checksums are real; a packet it duplicates is told of twice. Whoever captures
// packets (NetworkConfig.Capture) is shown each of them where it is offered to the link,
// before any loss.
//
// Go programs dial and listen in process, with [Network.Client] and
// [Network.Server]. Other programs use [Network.Splice], and lose something: to
// them a connect succeeds before anything has crossed the link. UDP works the same
// ways: dial "udp", [harness.PacketListener] and [Network.SplicePacket]. A program
// in a network namespace with a TUN device loses nothing, see [Network.Tunnel].
//
// # What is between the hosts besides a link
//
// A NAT on every access link: it knows flows and can forget them (package access). The
// client's packets of a flow forgotten cross the link before they are lost, the
// server's do not get onto it. A SYN makes it know a connection anew. It
// translates no ports: datagrams of a socket that was forgotten never get through
// again, where a real NAT would let them, from another port. A client's new
// address is its next one: 10.2.x.y, 10.3.x.y and so on.
//
// A router, 10.0.0.254, which answers what is larger than the path's MTU and must
// not be fragmented with ICMP (segment.TooBig). The answer crosses the link the other
// way, counted and lossy like the rest. It drops fragments that are too large.
// gVisor's TCP heeds the answer, and sends what was lost again one piece a
// time-out, where Linux sends it all at once; its UDP does not heed it, so that
// datagrams larger than the MTU of the path are always lost, as they are to a
// program that forbids fragmentation.
//
// Cross traffic (cross.go): TCP connections of every client to ports 9 (discard)
// and 19 (chargen) of the server.
//
// # What counts as a retransmission
//
// A segment that begins with a sequence number its sender has sent before: data,
// SYN or FIN, but no keepalive and no window probe. Of a capture tshark says
// tcp.analysis.retransmission or tcp.analysis.out_of_order of the same segments;
// out of order are, to it, those sent sooner after the newest data than the first
// round trip took. Only a single byte sent again it takes for a keepalive.
//
// # No rate is no limit
//
// A link without a rate has no cap. A prototype needed one, 100 Mbit/s, since a
// bounded queue before a busy reader overflowed, which looked like loss. Here no
// queue can: the sender's goroutine carries its packets all the way into the
// receiver's socket buffer, the window TCP offers is smaller than that buffer,
// and so a receiver without processor time slows its sender down instead.
// Time-outs remain. A machine that stalls for longer than the round trip and
// 200 ms causes retransmissions that no link asked for; Packet.Late shows it.
//
// # Whose TCP it is
//
// gVisor's, with settings that are near Linux's: package sockets lists them. Its smallest
// retransmission time-out is the profile's delay both ways and 200 ms. gVisor's floor bounds
// the whole time-out, Linux's its variance term alone; left at 200 ms, connections resume
// late after an outage. A change of profile counts for new connections. Where gVisor has no
// setting, the link makes up for it: package linuxtcp.
//
// What differs from Linux still: a tail loss probe comes some 60 ms late. After
// repeated losses probes come sooner, so that at 20 % loss an exchange takes 7 %
// less. Several losses in one window are recovered from more slowly: of a bulk
// upload at 5 % loss, and of bursts that overflow the queue of a slow link. A
// receiver of packets that arrive at one instant acknowledges them all at once,
// not every second one.
//
// # The order of locks
//
// A goroutine that holds one of these locks may take one further down, never one
// further up:
//
//  1. cross.mu, while the server's ends of cross traffic are made;
//  2. Network.life, read-locked while something is made that Close has to end. It is
//     not read-locked twice: a Close that waits between the two would stop both;
//  3. Network.mu: the links in use (access.Network), profiles and faults in force
//     (access.Group), and the making of a host;
//  4. hostLink.mu: the flows and the state of one link (access.Link). No goroutine
//     holds those of two links;
//  5. the lock of the timerqueue.Queue, which is held for no call out of the queue.
//
// Beside them stand the locks of gVisor. A stack may hold its own when it sends a packet,
// so that hostLink.mu and that of the queue are taken below them. Therefore neither is held
// while a packet is put into a stack or a stack is asked: landing, Close, reset and Forget
// call gVisor without them. Network.mu is held when a stack is made, tuned or given an
// address, which is safe because nothing that a packet runs through takes Network.mu or
// Network.life: send and land read atomics.
//
// NetworkConfig.Capture is called under hostLink.mu, the sink under none of ours.
// Watchers have a lock of their own, taken with none of the above held and held while
// a watcher is called. A socket's locks (package sockets: side.mu, then side.deadline) come
// before gVisor's. That of a relay.PacketServer is taken with none of ours held.
//
// # What repeats
//
// A seed fixes what happens to the n-th packet of a flow, and ports and sequence
// numbers. It does not fix which packet that is: that depends on when programs
// write and timers fire, and time here is real.
package packet

import "github.com/onebar/onebar/harness"

var (
	_ harness.Engine         = Engine{}
	_ harness.Network        = (*Network)(nil)
	_ harness.Host           = (*host)(nil)
	_ harness.PacketListener = (*host)(nil)
	_ harness.LinkWatcher    = (*host)(nil)
	_ harness.Tunneler       = (*Network)(nil)
)
