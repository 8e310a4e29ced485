package channel

import (
	"errors"

	"github.com/onebar/onebar/reference/pay"
)

// Incoming is a request as the bank's end of a stream channel receives it.
type Incoming struct {
	Number  uint64 // its place in the connection, from 0; the answer takes it back
	Request *pay.Request
}

// What the bank's end of a stream channel returns from Receive, possibly wrapped,
// when it receives no more requests.
var (
	// ErrProtocol says that the other end broke the protocol: it is hostile, broken
	// or another version.
	ErrProtocol = errors.New("protocol violation")
	// ErrStopped says that the bank stopped receiving.
	ErrStopped = errors.New("receiving was stopped")
)
