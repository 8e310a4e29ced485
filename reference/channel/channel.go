// Package channel is the seam between a wallet and the ways to reach its bank.
// Each way is a package below it: reference/channel/noise is Noise over a stream.
//
// A new channel implements [Dialer] and [Channel] for the wallet, and hands what
// the bank receives to a [pay.Service]. A channel over streams implements the Conn
// of reference/channel/server, which accepts connections and limits them. Package
// channeltest says whether it does so as the wallet and the bank expect.
package channel

import (
	"context"
	"errors"

	"github.com/onebar/onebar/reference/pay"
)

// ErrClosed is what [Channel.Do] returns after [Channel.Close]. Implementations
// may wrap it.
var ErrClosed = errors.New("the channel is closed")

// Channel exchanges one request for one answer. Its methods may be called from
// several goroutines at once, and several requests may be under way. A channel
// that has failed stays failed: the wallet dials again.
type Channel interface {
	// Do sends r to the bank and waits for the answer. The caller validates and signs
	// r, and verifies the answer's receipt: a channel does none of these. A channel
	// may leave out the signature where it authenticates the payer by other means.
	// The answer is valid (Answer.Validate), and its Key is r's.
	//
	// Any error leaves the fate of r unknown: the bank may have dealt with r or not.
	//
	// When ctx ends first, Do returns an error that wraps ctx.Err(), or for a deadline
	// os.ErrDeadlineExceeded. The channel stays usable, and an answer that comes later
	// is dropped; only if a part of r had been sent by then, the channel fails. A
	// request whose ctx has ended before Do was called is not sent.
	//
	// The wallet sends the same r again over another channel when it has no answer.
	// So Do need not retry, and must not send r twice by itself.
	Do(ctx context.Context, r *pay.Request) (*pay.Answer, error)
	// Done is closed when the channel has failed or was closed: no later Do can
	// succeed.
	Done() <-chan struct{}
	// Close ends the channel and frees what it holds. Do calls that wait return an
	// error. No goroutine of the channel is left when Close returns. Close may be
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
