// Package relay joins two connections byte for byte, and tells each side how
// the other one ended.
//
// A plain pair of io.Copy calls turns every ending into the same polite close.
// Under a network test that is a lie: a client that was reset must not look
// to its server like one that finished. [Join] keeps the three endings apart:
//
//   - the end of a stream (FIN) becomes a half-close of the other side, and the
//     opposite direction goes on;
//   - a reset, or any other error, becomes a reset of the other side;
//   - cancellation resets both.
//
// [Serve] does that for every connection of a listener. [ServePackets] passes on
// datagrams.
//
// One ending cannot be seen: a peer that has half-closed and then resets is
// noticed only when something is next written to it, because a socket says
// nothing more to its reader after the end of the stream.
package relay

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
)

// halfCloser is a connection that can end its outgoing stream alone, as
// *net.TCPConn can.
type halfCloser interface{ CloseWrite() error }

// lingerer is a connection whose Close can be made a reset, as *net.TCPConn's
// is after SetLinger(0).
type lingerer interface{ SetLinger(seconds int) error }

// Join copies from a to b and from b to a until both streams have ended, one of
// them has failed, or ctx is done. It owns a and b: both are closed when it
// returns, and no goroutine is left. It returns nil if both streams ended in
// order, and otherwise the first failure or the cause of the cancellation.
//
// A connection without CloseWrite cannot pass on an end of stream and keep its
// other direction; it is closed instead. One without SetLinger cannot be reset;
// it is closed instead.
func Join(ctx context.Context, a, b net.Conn) error {
	var (
		once   sync.Once
		first  error
		pumps  sync.WaitGroup
		killed = make(chan struct{})
	)
	fail := func(err error) {
		once.Do(func() {
			first = err
			Reset(a)
			Reset(b)
		})
	}
	stop := context.AfterFunc(ctx, func() {
		defer close(killed)
		fail(context.Cause(ctx))
	})
	pump := func(dst, src net.Conn) {
		if err := pass(dst, src); err != nil {
			fail(err)
		}
	}
	pumps.Go(func() { pump(b, a) })
	pump(a, b)
	pumps.Wait()
	if !stop() {
		<-killed
	}
	a.Close()
	b.Close()
	return first
}

// pass copies src to dst up to the end of src's stream, then ends dst's.
func pass(dst, src net.Conn) error {
	if _, err := io.Copy(dst, src); err != nil {
		return fmt.Errorf("relay from %v to %v: %w", src.RemoteAddr(), dst.RemoteAddr(), err)
	}
	h, ok := dst.(halfCloser)
	if !ok {
		return dst.Close()
	}
	if err := h.CloseWrite(); err != nil {
		return fmt.Errorf("relay the end of stream to %v: %w", dst.RemoteAddr(), err)
	}
	return nil
}

// Reset closes c so that its peer sees a connection reset, or just closes it if
// it has no SetLinger.
func Reset(c net.Conn) {
	if l, ok := c.(lingerer); ok {
		// An error here means that c is closed already.
		_ = l.SetLinger(0)
	}
	c.Close()
}
