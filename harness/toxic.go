package harness

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// toxicAttribute is one attribute of a toxic, as toxiproxy's README has it.
type toxicAttribute struct {
	name     string
	unit     string // for messages
	min, max int64
	needed   bool
}

// Bounds that keep an attribute sane: a day, and more than a test will send.
const (
	toxicDay      = int64(24 * time.Hour / time.Millisecond)
	toxicTerabyte = int64(1) << 40
)

// toxicTypes returns the toxics a timeline may use, with their attributes, from
// the README of toxiproxy v2.12.0. Its other toxics are not stream faults: latency
// and bandwidth are what a link profile is for.
func toxicTypes() map[string][]toxicAttribute {
	return map[string][]toxicAttribute{
		"reset_peer": {{name: "timeout", unit: "ms", max: toxicDay}},
		"limit_data": {{name: "bytes", unit: "bytes", max: toxicTerabyte, needed: true}},
		"slicer": {
			{name: "average_size", unit: "bytes", min: 1, max: toxicTerabyte, needed: true},
			{name: "size_variation", unit: "bytes", max: toxicTerabyte},
			{name: "delay", unit: "µs", max: toxicDay * 1000},
		},
		"slow_close": {{name: "delay", unit: "ms", max: toxicDay}},
		"timeout":    {{name: "timeout", unit: "ms", max: toxicDay}},
	}
}

// Direction is the way of the bytes the toxic sits on: Up if its stream is
// upstream, and otherwise Down.
func (t Toxic) Direction() Direction {
	if t.Stream == "upstream" {
		return Up
	}
	return Down
}

// Check returns nil if t can be put on a connection: its type is reset_peer,
// limit_data, slicer, slow_close or timeout, its stream upstream or downstream,
// and its attributes are those of the type, in range. Otherwise it returns every
// mistake at once, with what would be valid.
func (t Toxic) Check() error {
	var errs []error
	if t.Stream != "upstream" && t.Stream != "downstream" {
		errs = append(errs, fmt.Errorf("toxic stream %q is not one of upstream, downstream", t.Stream))
	}
	if t.Connections < 0 {
		errs = append(errs, fmt.Errorf("toxic %s: %d connections: expected 0 for all, or more", t.Type, t.Connections))
	}
	types := toxicTypes()
	attributes, ok := types[t.Type]
	if !ok {
		valid := strings.Join(slices.Sorted(maps.Keys(types)), ", ")
		errs = append(errs, fmt.Errorf("toxic type %q is not one of %s", t.Type, valid))
		return errors.Join(errs...)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Attributes)) {
		if !slices.ContainsFunc(attributes, func(a toxicAttribute) bool { return a.name == name }) {
			errs = append(errs, fmt.Errorf("toxic %s has no attribute %q: it has %s", t.Type, name, listAttributes(attributes)))
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

func listAttributes(attributes []toxicAttribute) string {
	words := make([]string, len(attributes))
	for i, a := range attributes {
		words[i] = fmt.Sprintf("%s (%s)", a.name, a.unit)
	}
	return strings.Join(words, ", ")
}
