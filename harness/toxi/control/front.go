package control

import (
	"context"
	"io"
	"net"
	"sync"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"

	"github.com/onebar/onebar/harness/relay"
)

// front accepts the connections of a toxiproxy.Proxy, and joins each with a new one
// through its toxics. toxiproxy's own listener would close a connection when one of its
// directions ends; front passes the end of a stream on as such.
type front struct {
	api     *toxiproxy.ApiServer
	proxy   *toxiproxy.Proxy
	dial    string
	changes *sync.Mutex // held by whoever calls open or disable; a link starts under it

	listener net.Listener // nil while disabled; guarded by changes
	accepts  sync.WaitGroup

	mu    sync.Mutex
	pairs map[*pair]struct{}
}

// open listens, unless it does already. The context covers the start only.
func (f *front) open(ctx context.Context) error {
	if f.proxy.Enabled {
		return nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", f.proxy.Listen)
	if err != nil {
		return err
	}
	f.enable(true, l.Addr().String())
	f.listener = l
	f.accepts.Go(func() { f.serve(l) })
	return nil
}

// disable stops listening and closes every connection.
func (f *front) disable() {
	if !f.proxy.Enabled {
		return
	}
	f.enable(false, f.proxy.Listen)
	f.listener.Close()
	f.mu.Lock()
	pairs := f.pairs
	f.pairs = nil
	f.mu.Unlock()
	for p := range pairs {
		p.end(false)
	}
}

// enable says in the API whether the proxy is enabled, and where it listens.
func (f *front) enable(enabled bool, listen string) {
	f.proxy.Lock()
	defer f.proxy.Unlock()
	f.proxy.Enabled, f.proxy.Listen = enabled, listen
}

// serve accepts until l is closed.
func (f *front) serve(l net.Listener) {
	for {
		near, err := l.Accept()
		if err != nil {
			return
		}
		f.accepts.Go(func() { f.join(l, near) })
	}
}

// join connects a connection that l has accepted with a new one.
func (f *front) join(l net.Listener, near net.Conn) {
	far, err := net.Dial("tcp", f.dial) //nolint:noctx // on loopback
	if err != nil {
		relay.Reset(near)
		return
	}
	p := &pair{near: near, far: far}
	p.leave = func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.pairs, p)
	}
	f.changes.Lock()
	defer f.changes.Unlock()
	if !f.proxy.Enabled || f.listener != l {
		p.end(true)
		return
	}
	f.mu.Lock()
	if f.pairs == nil {
		f.pairs = map[*pair]struct{}{}
	}
	f.pairs[p] = struct{}{}
	f.mu.Unlock()
	name := near.RemoteAddr().String()
	f.start(name, p, &half{pair: p, from: near, to: far}, stream.Upstream)
	f.start(name, p, &half{pair: p, from: far, to: near}, stream.Downstream)
}

// start starts one direction. A chain with reset_peer gets the sockets themselves:
// toxiproxy makes their close a reset, and cannot with anything else.
func (f *front) start(name string, p *pair, h *half, d stream.Direction) {
	p.left.Add(1)
	var from io.Reader = h
	var to io.WriteCloser = h
	for _, t := range f.proxy.Toxics.GetToxicArray() {
		w, ok := t.(*toxics.ToxicWrapper)
		if ok && w.Type == "reset_peer" && w.Direction == d {
			from, to = h.from, h.to
			p.left.Add(-1)
		}
	}
	f.proxy.Toxics.StartLink(f.api, name+d.String(), from, to, d)
}
