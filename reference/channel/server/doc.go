// Package server is the bank's side of every stream channel: it accepts connections, passes
// their requests to a [pay.Service], sends the answers, and limits the resources of wallets
// and unknown peers. It knows no transport and no ledger.
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
// Three limits bound the connections: in total, per address and per wallet. If the total or
// the address is at its limit, a new connection is accepted, and another one (of all, or of
// the same address) is closed:
//
//  1. the oldest connection that has not sent a valid first request;
//  2. else, of those that wait for no answer, the one whose last request or answer
//     is the oldest.
//
// The new connection is refused only if there is none of these. When a wallet sends
// its first request on one connection too many, the wallet's oldest connection is closed,
// even if it waits for an answer: the wallet has dialed again since, and repeats requests
// without an answer. A wallet is counted by its identity. An unknown wallet has none: it is
// answered NotEnrolled, and its connection ends.
//
// A wallet that does not read its answers holds one connection and its outstanding
// requests, until the time-out of [Conn].Send. It does not delay others: each answer is sent by
// its own goroutine, and [pay.Service] does not wait for it.
//
// # What is not promised
//
//   - A payer that shares an address with a hostile peer shares its limit. Silent
//     connections are closed first, so the payer is served. But if the hostile peer opens
//     MaxPerAddress connections between the payer's connection and its first request,
//     about one round trip, the payer's connection is closed and the payer must dial
//     again. A peer with many addresses can do the same to all payers with MaxConns
//     connections.
//   - If all connections belong to active wallets, each new connection closes the new
//     connection before it: MaxConns must be well above the number of wallets that are
//     connected at the same time.
//   - An attacker can send a recorded first request again (see the comment of package
//     noise), and it counts for the wallet. MaxPerWallet of them close the wallet's own
//     connections, which the wallet then opens again.
package server
