package harness

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// ToxicAttribute is one attribute of a toxic, as toxiproxy's README has it.
type ToxicAttribute struct {
	Name     string
	Unit     time.Duration // of a length of time; 0 is of bytes
	Min, Max int64         // in units, or bytes
	Needed   bool          // it has no default
	InFiles  bool          // a scenario file must give it; a program need not
}

// unit names the unit, for messages.
func (a ToxicAttribute) unit() string {
	if a.Unit == 0 {
		return "bytes"
	}
	return strings.TrimPrefix(a.Unit.String(), "1")
}

// Bounds that keep an attribute sane: a day, and more than a test will send.
const (
	toxicDay      = int64(24 * time.Hour / time.Millisecond)
	toxicTerabyte = int64(1) << 40
)

// toxics returns the toxics a timeline may use, with their attributes, from
// the README of toxiproxy v2.12.0 (Shopify/toxiproxy, toxics/*.go). Its other toxics are
// not stream faults: latency and bandwidth are what a link profile is for.
func toxics() map[string][]ToxicAttribute {
	const ms, us = time.Millisecond, time.Microsecond
	return map[string][]ToxicAttribute{
		"reset_peer": {{Name: "timeout", Unit: ms, Max: toxicDay}},
		"limit_data": {{Name: "bytes", Max: toxicTerabyte, Needed: true, InFiles: true}},
		"slicer": {
			{Name: "average_size", Min: 1, Max: toxicTerabyte, Needed: true, InFiles: true},
			{Name: "size_variation", Max: toxicTerabyte},
			{Name: "delay", Unit: us, Max: toxicDay * 1000},
		},
		"slow_close": {{Name: "delay", Unit: ms, Max: toxicDay, InFiles: true}},
		"timeout":    {{Name: "timeout", Unit: ms, Max: toxicDay}},
	}
}

// ToxicTypes returns the types of toxics in alphabetical order.
func ToxicTypes() []string { return slices.Sorted(maps.Keys(toxics())) }

// ToxicAttributes returns the attributes of a type of toxic, none of one that there is
// not.
func ToxicAttributes(kind string) []ToxicAttribute { return toxics()[kind] }

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
	attributes := ToxicAttributes(t.Type)
	if attributes == nil {
		errs = append(errs, fmt.Errorf("toxic type %q is not one of %s", t.Type, strings.Join(ToxicTypes(), ", ")))
		return errors.Join(errs...)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Attributes)) {
		if !slices.ContainsFunc(attributes, func(a ToxicAttribute) bool { return a.Name == name }) {
			errs = append(errs, fmt.Errorf("toxic %s has no attribute %q: it has %s", t.Type, name, listAttributes(attributes)))
		}
	}
	for _, a := range attributes {
		v, given := t.Attributes[a.Name]
		switch {
		case !given && a.Needed:
			errs = append(errs, fmt.Errorf("toxic %s needs the attribute %s, in %s", t.Type, a.Name, a.unit()))
		case given && (v < a.Min || v > a.Max):
			errs = append(errs, fmt.Errorf("toxic %s: %s %d is not between %d and %d %s", t.Type, a.Name, v, a.Min, a.Max, a.unit()))
		}
	}
	// A slicer that varies by its average or more may cut slices of nothing for ever.
	if size, vary := t.Attributes["average_size"], t.Attributes["size_variation"]; t.Type == "slicer" && vary >= max(size, 1) {
		errs = append(errs, fmt.Errorf("toxic slicer: size_variation %d is not below average_size %d", vary, size))
	}
	return errors.Join(errs...)
}

func listAttributes(attributes []ToxicAttribute) string {
	words := make([]string, len(attributes))
	for i, a := range attributes {
		words[i] = fmt.Sprintf("%s (%s)", a.Name, a.unit())
	}
	return strings.Join(words, ", ")
}
