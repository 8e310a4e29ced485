package pay

import "context"

// Service is a bank below every channel: what a channel's server end hands each
// request to. Its methods may be called from several goroutines at once.
type Service interface {
	// Submit takes a request of the wallet with this identity, which the channel
	// has authenticated, and returns at once. The channel has also verified the
	// signature of r, if r has one. A payer of zero is a wallet the bank does not
	// know: it is answered NotEnrolled. Requests are dealt with in the order
	// of the calls. An invalid r is an error. The caller does not change r afterwards.
	//
	// The function returned waits for the answer, whose Key is r's. The answer may be
	// sent to the wallet at once: what it says is durable. The function may be called
	// once, from any goroutine.
	//
	// An error of wait means that the fate of the request is not known; the wallet may
	// ask again. When its context ends first, wait returns the context's error, and the
	// request may still be dealt with.
	Submit(payer PublicKey, r *Request) (wait func(context.Context) (*Answer, error))
}
