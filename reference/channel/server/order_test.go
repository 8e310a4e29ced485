package server

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onebar/onebar/reference/channel"
	"github.com/onebar/onebar/reference/pay"
)

// burst is a Conn with some requests, and a Service that knows all of their answers at
// the same instant, as after a group commit.
type burst struct {
	requests int
	received int
	known    chan struct{}
	sent     []uint64 // by goroutines that take turns
}

func (b *burst) Receive() (channel.Incoming, error) {
	if b.received == b.requests {
		time.Sleep(time.Second) // every answer is waited for
		close(b.known)
		return channel.Incoming{}, io.EOF
	}
	b.received++
	return channel.Incoming{Number: uint64(b.received - 1), Request: &pay.Request{Ask: pay.AskStatus, Payment: payment(b.received)}}, nil
}

func (b *burst) Submit(pay.PublicKey, *pay.Request) func(context.Context) (*pay.Answer, error) {
	return func(context.Context) (*pay.Answer, error) {
		<-b.known
		return &pay.Answer{Result: pay.NotFound, At: testTime}, nil
	}
}

func (b *burst) Send(number uint64, _ *pay.Answer) error {
	b.sent = append(b.sent, number)
	return nil
}

func (b *burst) Payer() pay.PublicKey { return pay.PublicKey{1} }
func (b *burst) Peer() string         { return "" }
func (b *burst) StopReceiving()       {}
func (b *burst) Close()               {}

// Which of several answers comes first is not left to the scheduler: a run in virtual
// time would not repeat.
func TestAnswersKnownAtOnceAreSentInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &burst{requests: DefaultOutstanding, known: make(chan struct{})}
		ln := newPipeListener()
		sv := New(Config{Service: b, Wrap: func(net.Conn) Conn { return b }})
		served := make(chan error, 1)
		go func() { served <- sv.Serve(t.Context(), ln) }()
		defer ln.dial().Close()
		time.Sleep(time.Minute)
		require.Len(t, b.sent, b.requests)
		require.IsIncreasing(t, b.sent)
		sv.Kill()
		require.ErrorIs(t, <-served, ErrClosed)
	})
}
