// Package channel is the interface between a wallet and the channels to its bank. Each kind
// of channel is a package below it: reference/channel/noise is Noise over a stream.
//
// # A new channel
//
// The wallet's end implements [Dialer] and [Channel]. The bank's end hands what it
// receives to a [pay.Service]. For each request it does this:
//
//  1. It authenticates the wallet by its transport key, and finds out whose key that
//     is: the Identity of a pay.Certificate, as bank.Ledger.Identify knows it, or
//     zero for a wallet that the bank does not know.
//  2. It parses and validates the request (pay.Request.Validate), and verifies the
//     signature (pay.Request.VerifySignature) if it has the identity. A channel that
//     does not authenticate the wallet in both directions requires a signature on every
//     request. A request that fails here reaches no service, and the channel fails.
//  3. It calls Submit in the order in which the requests arrived. Each answer is sent
//     as soon as it is there. If the service returns an error, the wallet is told so at
//     once: by the answer Refused with the reason Busy, or by an error of Do.
//
// A channel over streams implements the Conn of reference/channel/server, which does
// the third step, accepts connections and limits them.
//
// The tests of package channeltest hold each channel to this contract. A new package also needs a line in the table of
// harness/imports_test.go, which says what it may import, and one in
// docs/architecture.md.
package channel

import (
	"context"
	"errors"

	"github.com/onebar/onebar/reference/pay"
)

// ErrClosed is what [Channel.Do] returns, possibly wrapped, if [Channel.Close] was
// called before the answer came.
var ErrClosed = errors.New("the channel is closed")

// Channel exchanges one request for one answer. Its methods may be called from
// several goroutines at once, and several requests may be under way. A channel
// that has failed stays failed: the wallet dials again.
type Channel interface {
	// Do sends r to the bank and waits for the answer. The caller validates and signs
	// r, and verifies the answer's receipt: a channel does none of these. A channel
	// may leave out the signature where it authenticates the payer by other means.
	// The channel validates the answer (Answer.Validate), and sets its Key to r's; an
	// answer that is not valid fails the channel. Neither Do nor the caller changes r
	// or the answer afterwards.
	//
	// After any error the result of r is unknown: the bank may have carried out r or not.
	//
	// When ctx ends first, Do returns an error that wraps ctx.Err(), or for a deadline
	// os.ErrDeadlineExceeded. The channel stays usable, and an answer that comes later
	// is dropped. The channel fails only if r was being sent just then, and some of its
	// bytes were sent and others not. A request whose ctx has ended before Do was called
	// is not sent.
	//
	// The wallet sends the same r again over another channel when it has no answer.
	// So Do need not retry, and must not send r twice by itself.
	Do(ctx context.Context, r *pay.Request) (*pay.Answer, error)
	// Done is closed when the channel has failed or was closed: no later Do can
	// succeed.
	Done() <-chan struct{}
	// Close ends the channel and frees what it holds. Do calls that wait return
	// ErrClosed. No goroutine of the channel is left when Close returns. Close may be
	// called more than once.
	Close() error
}

// Dialer opens channels to one bank, for one wallet. Dial may be called from
// several goroutines at once.
type Dialer interface {
	// Dial opens a channel and returns once requests can be sent. An error means
	// that the bank has seen nothing of any request. The caller closes the channel.
	// When ctx ends first, Dial returns ctx.Err() wrapped and leaves nothing open;
	// the end of ctx does not end a channel that Dial has returned.
	Dial(ctx context.Context) (Channel, error)
}
