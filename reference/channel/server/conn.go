package server

import (
	"github.com/onebar/onebar/reference/channel"
	"github.com/onebar/onebar/reference/pay"
)

// Conn is the bank's end of one connection of a stream channel. It authenticates
// the wallet and turns bytes into requests and answers into bytes.
//
// Receive is called from one goroutine. All other methods may be called from
// several, also while Receive or another Send waits. The server owns the Conn and
// always closes it: after Receive has failed and all answers are sent, or earlier, to
// end the connection. Calls may still come after Close: they return an error and do
// nothing.
//
// The time-outs are the Conn's: the server has none. A Conn must bound how long the
// first request may take from the moment the connection was accepted, how long a
// connection may idle, how long a request may take from its first byte to its last,
// and how long a Send may take.
type Conn interface {
	// Receive waits for the next request, which is valid (Request.Validate). The
	// caller may keep the request. The handshake is part of the first Receive.
	//
	// The Receive after the first request may wait until that is answered, as some
	// handshakes end with an answer.
	//
	// Any error is final: io.EOF when the wallet closed the connection between
	// requests, one that wraps channel.ErrStopped after StopReceiving, one that
	// wraps channel.ErrProtocol when the wallet broke the protocol, one that wraps
	// os.ErrDeadlineExceeded when a time-out ended it, or an error of the
	// connection. It does not close the connection: answers may still be sent.
	Receive() (channel.Incoming, error)
	// Payer is the identity of the wallet that the connection belongs to. It is
	// authenticated and does not change. It is known once Receive has returned a
	// request, and zero if the bank does not know the wallet.
	Payer() pay.PublicKey
	// Peer names the other end in a log, even if Payer is zero: by its transport key, for
	// example. It is known when Payer is known.
	Peer() string
	// Send writes the answer to the request with this number. Answers are sent in
	// any order, at most one for each request; several Sends may be under way. An
	// error means that no later Send can succeed. Send returns after a bounded time
	// also when the wallet reads nothing, and then with an error.
	Send(number uint64, a *pay.Answer) error
	// StopReceiving makes the Receive under way and all later ones return
	// channel.ErrStopped. Send still works. It does not wait, and may be called
	// more than once.
	StopReceiving()
	// Close closes the connection and makes calls under way return. Answers whose
	// Send has returned without an error are still delivered where the transport
	// can do so. It does not wait for the network, and may be called more than once.
	Close()
}
