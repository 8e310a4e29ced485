package control

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"

	"github.com/onebar/onebar/harness/relay"
)

// pair is one connection through toxiproxy: two sockets, and a half each way. It owns
// both sockets.
type pair struct {
	near, far net.Conn
	left      atomic.Int32 // halves that have not ended
	once      sync.Once
	leave     func() // called when it ends
}

// end closes both sockets, or resets them.
func (p *pair) end(reset bool) {
	p.once.Do(func() {
		for _, c := range []net.Conn{p.near, p.far} {
			if reset {
				relay.Reset(c)
			} else {
				c.Close()
			}
		}
		p.leave()
	})
}

// half is one direction of a pair: what toxiproxy reads it from and writes it to.
type half struct {
	pair     *pair
	from, to net.Conn
	ended    atomic.Bool // from has ended its stream
	broken   atomic.Bool // from or to has failed
}

func (h *half) Read(p []byte) (int, error) {
	n, err := h.from.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		h.ended.Store(true)
	case err != nil:
		h.broken.Store(true)
	}
	return n, err
}

// Write implements io.Writer. It does not fail: toxiproxy leaves a chain stuck whose
// output has failed. After a failure it discards.
func (h *half) Write(p []byte) (int, error) {
	if h.broken.Load() {
		return len(p), nil
	}
	if _, err := h.to.Write(p); err != nil {
		h.broken.Store(true)
		h.pair.end(true)
	}
	return len(p), nil
}

// Close implements io.Closer. toxiproxy calls it when nothing more will come: because
// the stream has ended, which is passed on as it was, or because a toxic has closed it,
// which ends the connection.
func (h *half) Close() error {
	last := h.pair.left.Add(-1) == 0
	c, ok := h.to.(interface{ CloseWrite() error })
	switch {
	case h.broken.Load():
		h.pair.end(true)
	case !h.ended.Load() || last || !ok:
		h.pair.end(false)
	default:
		// An error means that the other side is gone already; its half tells.
		_ = c.CloseWrite()
	}
	return nil
}
