package toxi

import (
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"

	"github.com/onebar/onebar/harness"
)

// toxicInForce is a stream toxic in force: new connections get it.
type toxicInForce struct {
	harness.Toxic
	given int64        // to so many connections, made or not; guarded by proxySet.mu
	hits  atomic.Int64 // connections that got it
}

// resets reports whether the end of the connection is to be a reset. toxiproxy
// does that itself only for its own sockets.
func (s *toxicInForce) resets() bool { return s.Type == "reset_peer" }

// hold returns toxiproxy's toxic for s, in a holder.
func (s *toxicInForce) hold(dead <-chan struct{}, over func()) (*holder, error) {
	w := &toxics.ToxicWrapper{Type: s.Type}
	if toxics.New(w) == nil {
		return nil, fmt.Errorf("toxiproxy has no toxic %q", s.Type)
	}
	h := &holder{toxic: w.Toxic, dead: dead, over: over}
	attributes := maps.Clone(s.Attributes)
	if s.resets() {
		h.lead = time.Duration(attributes["timeout"]) * time.Millisecond
		delete(attributes, "timeout")
	}
	text, err := json.Marshal(attributes)
	if err == nil {
		err = json.Unmarshal(text, w.Toxic)
	}
	return h, err
}

// holder runs a stream toxic in a chain. Left to itself a stream toxic that has
// closed its stream stops reading, and everything before it waits for ever; and
// one that waits cannot be ended. The holder ends it when the connection is cut
// off, and reads on after it.
type holder struct {
	toxic toxics.Toxic
	dead  <-chan struct{} // closed when the connection is cut off
	over  func()          // called once, when pipe is done
	// lead is reset_peer's timeout: from the first thing that comes to the
	// reset. reset_peer itself could not be woken from it.
	lead time.Duration
}

func (h *holder) pipe(stub *toxics.ToxicStub) {
	defer h.over()
	input := stub.Input
	if h.lead > 0 {
		input = h.late(stub.Input)
	}
	inner := toxics.NewToxicStub(input, stub.Output)
	if s, ok := h.toxic.(toxics.StatefulToxic); ok {
		inner.State = s.NewState()
	}
	var wake sync.WaitGroup
	done := make(chan struct{})
	wake.Go(func() {
		select {
		case <-h.dead:
		case <-done:
			return
		}
		select {
		case inner.Interrupt <- struct{}{}:
		case <-done:
		}
	})
	h.toxic.Pipe(inner)
	close(done)
	wake.Wait()
	inner.Close()
	for range stub.Input {
	}
}

// late waits for the first chunk, or the end, and then for the lead, and returns
// a channel that holds it.
func (h *holder) late(input <-chan *stream.StreamChunk) <-chan *stream.StreamChunk {
	first := make(chan *stream.StreamChunk, 1)
	first <- <-input
	select {
	case <-time.After(h.lead):
	case <-h.dead:
	}
	return first
}
