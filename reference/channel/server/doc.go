// Package server is the bank's side of every stream channel: it accepts
// connections, hands their requests to a [pay.Service], sends the answers back and
// limits what wallets and strangers can hold. It knows no transport and no ledger.
//
// A new stream transport implements [Conn] for one accepted connection and gives
// [Config].Wrap, which makes one. For Noise that is one line:
//
//	Wrap: func(c net.Conn) server.Conn { return noise.Server(c, cfg) },
//
// Read it in this order: [Conn] is the contract of a transport (conn.go), [Server]
// accepts and answers (server.go), table decides who is closed (limits.go).
//
// # Limits
//
// Three limits bound the connections: in all, per address and per wallet. A new
// connection is not refused when its address is at the limit, or the bank is full.
// Another connection is closed for it, one of the same address or one of all:
//
//  1. the oldest connection that has not sent a valid first request;
//  2. else, of those that wait for no answer, the one whose last request or answer
//     is the oldest.
//
// The new connection is refused only if there is none of these. When a wallet sends
// its first request over one connection too many, the wallet's oldest connection is
// closed, whatever it waits for: the wallet has dialed again since, and asks again
// for what it has no answer to. A wallet is counted by its identity. Those that the
// bank does not know have none: each is told NotEnrolled, and its connection ends.
//
// A wallet that does not read its answers holds one connection and its outstanding
// requests, until the time-out of [Conn].Send. It delays nobody else: each answer is
// sent by a goroutine of its own, and [pay.Service] does not wait for it.
//
// # What is not promised
//
//   - Who shares an address with a hostile peer shares its limit. Silent connections
//     are closed for a payer's, so the payer is served. But if the hostile peer opens
//     MaxPerAddress connections between a payer's connection and its first request,
//     which is about one round trip, then the payer's is closed and has to dial again.
//     A peer with many addresses can do the same to all with MaxConns connections.
//   - While all connections are of wallets, a new one has only the place that the
//     next new one takes: MaxConns is to be well above the wallets that are connected
//     at once.
//   - A first request that was recorded may be sent again (noise's package comment),
//     and counts as the wallet's. MaxPerWallet of them close the wallet's own
//     connections, which the wallet then opens again.
package server
