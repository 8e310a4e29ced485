package toxi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/relay"
)

// conn is one connection through toxiproxy: two sockets, and a half each way. It
// owns both sockets.
type conn struct {
	near, far net.Conn // the app's side and the server's
	proxy     *toxiproxy.Proxy
	up, down  halfConn

	dead  chan struct{} // closed when it is cut off: nothing more will arrive
	parts atomic.Int32  // flows, holders and sinks that are not done
	gone  chan struct{} // closed when all are done
	leave func(*conn)   // called before that

	mu  sync.Mutex
	cut bool // dead is closed
}

// halfConn is one direction of a conn.
type halfConn struct {
	flow   *flow
	resets bool // a stream toxic on it ends it by a reset
	reset  bool // the source has ended by a reset; guarded by conn.mu
	done   bool // the end of the stream has been delivered; guarded by conn.mu
}

// newConn joins near and far, but starts nothing.
func newConn(server *toxiproxy.ApiServer, near, far net.Conn) *conn {
	name, listen, upstream := near.RemoteAddr().String(), near.LocalAddr().String(), far.RemoteAddr().String()
	return &conn{
		near: near, far: far,
		proxy: toxiproxy.NewProxy(server, name, listen, upstream),
		dead:  make(chan struct{}),
		gone:  make(chan struct{}),
	}
}

func (c *conn) half(d harness.Direction) *halfConn {
	if d == harness.Up {
		return &c.up
	}
	return &c.down
}

// put installs the toxics: a flow each way, then the stream toxics in order.
func (c *conn) put(up, down *flow, list []*toxicInForce) error {
	for _, f := range []*flow{up, down} {
		c.half(f.name.Direction).flow = f
		f.dead, f.over = c.dead, c.part()
		if err := c.add("flow", f.name.Direction, f.pipe); err != nil {
			return err
		}
	}
	for i, s := range list {
		h, err := s.hold(c.dead, c.part())
		if err != nil {
			return fmt.Errorf("make toxic %s: %w", s.Type, err)
		}
		if err := c.add(fmt.Sprintf("%s %d", s.Type, i), s.Direction(), h.pipe); err != nil {
			return err
		}
		l := c.half(s.Direction())
		l.resets = l.resets || s.resets()
	}
	return nil
}

// add appends our toxic to the chain of direction d.
func (c *conn) add(name string, d harness.Direction, run func(*toxics.ToxicStub)) error {
	way := toxiproxyDirection(d)
	text := fmt.Sprintf(`{"name":"%s %s","type":"%s","stream":"%s"}`, name, way, toxicType, way)
	w, err := c.proxy.Toxics.AddToxicJson(bytes.NewBufferString(text))
	if err != nil {
		return fmt.Errorf("add a toxic to toxiproxy: %w", err)
	}
	w.Toxic.(*toxic).run = run
	return nil
}

func toxiproxyDirection(d harness.Direction) stream.Direction {
	if d == harness.Up {
		return stream.Upstream
	}
	return stream.Downstream
}

// part counts one more part of the connection and returns what it calls when it
// is done.
func (c *conn) part() (done func()) {
	c.parts.Add(1)
	return func() {
		if c.parts.Add(-1) > 0 {
			return
		}
		c.end(false)
		c.leave(c)
		close(c.gone)
	}
}

func (c *conn) run(server *toxiproxy.ApiServer, leave func(*conn)) {
	c.leave = leave
	up := &sink{conn: c, half: &c.up, back: &c.down, to: c.far, over: c.part()}
	down := &sink{conn: c, half: &c.down, back: &c.up, to: c.near, over: c.part()}
	c.proxy.Toxics.StartLink(server, "up", source{c, &c.up, c.near}, up, stream.Upstream)
	c.proxy.Toxics.StartLink(server, "down", source{c, &c.down, c.far}, down, stream.Downstream)
}

// end cuts the connection off: by a reset at both ends, or by an orderly close.
func (c *conn) end(reset bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		return
	}
	c.cut = true
	if reset {
		relay.Reset(c.near)
		relay.Reset(c.far)
	} else {
		c.near.Close()
		c.far.Close()
	}
	close(c.dead)
}

// source is where toxiproxy reads a direction from. It tells a reset from an
// orderly end, which toxiproxy does not.
type source struct {
	conn *conn
	half *halfConn
	from net.Conn
}

func (s source) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.conn.mu.Lock()
		s.half.reset = true
		s.conn.mu.Unlock()
	}
	return n, err
}

// sink is where toxiproxy writes a direction to. It takes everything, since
// toxiproxy leaves a chain stuck whose output has failed.
type sink struct {
	conn       *conn
	half, back *halfConn
	to         net.Conn
	failed     bool
	over       func()
}

// Write implements io.Writer. It does not fail: after a failure it discards.
func (s *sink) Write(p []byte) (int, error) {
	if !s.failed {
		_, err := s.to.Write(p)
		s.failed = err != nil
	}
	if s.failed {
		s.broken()
	}
	return len(p), nil
}

// broken makes the connection a reset one: what s writes to is gone. What that
// side sent before is still delivered.
func (s *sink) broken() {
	s.conn.mu.Lock()
	s.back.reset = true
	delivered := s.back.done
	s.conn.mu.Unlock()
	if delivered {
		s.conn.end(true)
	}
}

// Close implements io.Closer. toxiproxy calls it when nothing more will come:
// because the source has ended, which is passed on as it was, or because a stream
// toxic has closed the stream, which ends the connection.
func (s *sink) Close() error {
	s.conn.mu.Lock()
	s.half.done = true
	reset := s.half.reset || s.half.resets
	s.conn.mu.Unlock()
	switch h, ok := s.to.(interface{ CloseWrite() error }); {
	case reset:
		s.conn.end(true)
	case !s.half.flow.ended.Load() || !ok:
		s.conn.end(false)
	default:
		// An error means that the other side is gone already; its half tells.
		_ = h.CloseWrite()
	}
	s.over()
	return nil
}
