// Package packet is the engine whose packet loss is packet loss: the server and
// every client are hosts with a TCP/IP stack of their own (gVisor's), joined by
// impaired links that carry IP packets in real time.
package packet

import "github.com/onebar/onebar/harness"

var (
	_ harness.Engine  = Engine{}
	_ harness.Network = (*Network)(nil)
	_ harness.Host    = (*host)(nil)
)
