package toxi

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"

	"github.com/onebar/onebar/harness"
)

// attribute is one attribute of a stock toxic, as toxiproxy's README has it.
type attribute struct {
	name     string
	unit     string // for messages
	min, max int64
	needed   bool
}

// Bounds that keep an attribute sane: a day, and more than a test will send.
const (
	day      = int64(24 * time.Hour / time.Millisecond)
	terabyte = int64(1) << 40
)

// stockToxics returns the stock toxics a timeline may use, with their
// attributes, from the README of toxiproxy v2.12.0. Its other toxics are not
// stream faults: latency and bandwidth are what a link profile is for.
func stockToxics() map[string][]attribute {
	return map[string][]attribute{
		"reset_peer": {{name: "timeout", unit: "ms", max: day}},
		"limit_data": {{name: "bytes", unit: "bytes", max: terabyte, needed: true}},
		"slicer": {
			{name: "average_size", unit: "bytes", min: 1, max: terabyte, needed: true},
			{name: "size_variation", unit: "bytes", max: terabyte},
			{name: "delay", unit: "µs", max: day * 1000},
		},
		"slow_close": {{name: "delay", unit: "ms", max: day}},
		"timeout":    {{name: "timeout", unit: "ms", max: day}},
	}
}

// CheckToxic returns nil if t can be put on a connection: its type is
// reset_peer, limit_data, slicer, slow_close or timeout, its stream upstream or
// downstream, and its attributes are those of the type, in range. Otherwise it
// returns every mistake at once, with what would be valid.
func CheckToxic(t harness.Toxic) error {
	var errs []error
	if t.Stream != "upstream" && t.Stream != "downstream" {
		errs = append(errs, fmt.Errorf("toxic stream %q is not one of upstream, downstream", t.Stream))
	}
	stock := stockToxics()
	attributes, ok := stock[t.Type]
	if !ok {
		valid := strings.Join(slices.Sorted(maps.Keys(stock)), ", ")
		errs = append(errs, fmt.Errorf("toxic type %q is not one of %s", t.Type, valid))
		return errors.Join(errs...)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Attributes)) {
		if !slices.ContainsFunc(attributes, func(a attribute) bool { return a.name == name }) {
			errs = append(errs, fmt.Errorf("toxic %s has no attribute %q: it has %s", t.Type, name, list(attributes)))
		}
	}
	for _, a := range attributes {
		v, given := t.Attributes[a.name]
		switch {
		case !given && a.needed:
			errs = append(errs, fmt.Errorf("toxic %s needs the attribute %s, in %s", t.Type, a.name, a.unit))
		case given && (v < a.min || v > a.max):
			errs = append(errs, fmt.Errorf("toxic %s: %s %d is not between %d and %d %s", t.Type, a.name, v, a.min, a.max, a.unit))
		}
	}
	// A slicer that varies by its average or more may cut slices of nothing for ever.
	if size, vary := t.Attributes["average_size"], t.Attributes["size_variation"]; t.Type == "slicer" && vary >= max(size, 1) {
		errs = append(errs, fmt.Errorf("toxic slicer: size_variation %d is not below average_size %d", vary, size))
	}
	return errors.Join(errs...)
}

func list(attributes []attribute) string {
	words := make([]string, len(attributes))
	for i, a := range attributes {
		words[i] = fmt.Sprintf("%s (%s)", a.name, a.unit)
	}
	return strings.Join(words, ", ")
}

// checkToxics returns what is wrong with the toxics of a scenario, with lines.
func checkToxics(sc harness.Scenario) error {
	var errs []error
	for i, e := range sc.Timeline {
		if e.Action != harness.StreamToxic {
			continue
		}
		err := errors.New("it names no toxic")
		if e.Toxic != nil {
			err = CheckToxic(*e.Toxic)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", where(i, e), err))
		}
	}
	return errors.Join(errs...)
}

// where names event i for a message.
func where(i int, e harness.Event) string {
	if e.Line > 0 {
		return fmt.Sprintf("line %d", e.Line)
	}
	return fmt.Sprintf("event %d of the timeline", i+1)
}

// stock is a stock toxic in force: new connections get it.
type stock struct {
	harness.Toxic
	hits atomic.Int64 // connections that got it
}

// direction is the way of the bytes the toxic sits on.
func (s *stock) direction() harness.Direction {
	if s.Stream == "upstream" {
		return harness.Up
	}
	return harness.Down
}

// resets reports whether the end of the connection is to be a reset. toxiproxy
// does that itself only for its own sockets.
func (s *stock) resets() bool { return s.Type == "reset_peer" }

// hold returns toxiproxy's toxic for s, in a holder.
func (s *stock) hold(dead <-chan struct{}, over func()) (*holder, error) {
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

// holder runs a stock toxic in a chain. Left to itself a stock toxic that has
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
