package packet

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/onebar/onebar/harness"
	"github.com/onebar/onebar/harness/access"
	"github.com/onebar/onebar/harness/relay"
)

const crossChunk = 16 << 10

// cross is the cross traffic of a network: bulk transfers over connections of
// their own, beside those of the payments.
type cross struct {
	mu      sync.Mutex // while the far ends are made
	running sync.WaitGroup
}

func (l *hostLink) isCross(t access.Tuple) bool {
	return access.FarEnd(t.FarPort) != access.NoBulk && t.Protocol == access.TCP && l.Far.cross.Load()
}

// crossTraffic begins a transfer in direction d, or both ways if it is unknown, on
// every one of the links.
func (n *Network) crossTraffic(g *access.Group, d harness.Direction) (end func() int64, err error) {
	near, far := n.hosts.Clients, n.hosts.Server
	if g != n.hosts.Access {
		n.mu.Lock()
		link := n.hosts.Links(g)[0]
		n.mu.Unlock()
		near, far = []*host{link.Near}, link.Far
	}
	if err := n.serveCross(far); err != nil {
		return nil, fmt.Errorf("inject cross_traffic: %w", err)
	}
	n.life.RLock()
	defer n.life.RUnlock()
	if n.closed {
		return nil, fmt.Errorf("inject cross_traffic: %w", net.ErrClosed)
	}
	before := g.Delivered()
	ctx, cancel := context.WithCancel(n.alive)
	var transfers sync.WaitGroup
	for _, h := range near {
		for _, what := range access.Transfers(d) {
			n.cross.running.Add(1)
			transfers.Go(func() {
				defer n.cross.running.Done()
				h.transfer(ctx, far, what)
			})
		}
	}
	return func() int64 {
		cancel()
		transfers.Wait()
		return g.Delivered() - before
	}, nil
}

// serveCross makes the far ends of cross traffic, which stay.
func (n *Network) serveCross(far *host) error {
	n.cross.mu.Lock()
	defer n.cross.mu.Unlock()
	if far.cross.Load() {
		return nil
	}
	discard, err := far.Listen(n.alive, "tcp", fmt.Sprint(":", access.Fill.Port()))
	if err != nil {
		return err
	}
	chargen, err := far.Listen(n.alive, "tcp", fmt.Sprint(":", access.Drain.Port()))
	if err != nil {
		discard.Close()
		return err
	}
	n.life.RLock()
	defer n.life.RUnlock()
	if n.closed {
		return net.ErrClosed
	}
	far.cross.Store(true)
	n.cross.running.Go(func() { n.serveBulk(discard, access.Drain) })
	n.cross.running.Go(func() { n.serveBulk(chargen, access.Fill) })
	return nil
}

func (n *Network) serveBulk(l net.Listener, what access.Bulk) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		n.cross.running.Go(func() { pump(c, what) })
	}
}

// transfer moves data between a host and another as fast as TCP does, until ctx ends.
// A connection that breaks or stalls is replaced.
func (h *host) transfer(ctx context.Context, far *host, what access.Bulk) {
	addr := net.JoinHostPort(far.address().String(), fmt.Sprint(what.Port()))
	for ctx.Err() == nil {
		if c, err := h.DialContext(ctx, "tcp", addr); err == nil {
			stop := context.AfterFunc(ctx, func() { relay.Reset(c) })
			pump(c, what)
			stop()
		}
		pause, cancel := context.WithTimeout(ctx, access.CrossPause)
		<-pause.Done()
		cancel()
	}
}

// pump writes to c or reads from it until it breaks or stalls, and resets it, so that
// nothing more is sent on it.
func pump(c net.Conn, what access.Bulk) {
	defer relay.Reset(c)
	step := c.Write
	if what == access.Drain {
		step = c.Read
	}
	b := make([]byte, crossChunk)
	for {
		err := c.SetDeadline(time.Now().Add(access.CrossStall))
		if err == nil {
			_, err = step(b)
		}
		if err != nil {
			return
		}
	}
}
